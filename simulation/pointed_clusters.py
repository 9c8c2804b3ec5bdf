"""What the pointers name: told to the checker when it changes."""

import json
from collections.abc import Callable

from simulation.history import Pointed
from simulation.settings import APP_SECRET, STAGE, TARGET_REGION
from simulation.stage import IdleStage

FOLDER = f"/aurora-restore/{STAGE}/pointers/default/"


class PointedClusters:
    """The clusters that the secret, the parameters and the record name, by resource id."""

    def __init__(self, stage: IdleStage, see: Callable[[Pointed], None]) -> None:
        self._stage, self._see = stage, see
        self._clusters: dict[str, str] = {}

    def look(self) -> None:
        """See what they name, and tell it if it has changed."""
        hosts = self.hosts()
        clusters = {place: self._stage.data.hosts.get(host, "") for place, host in hosts.items()}
        if clusters != self._clusters:
            self._clusters = clusters
            self._see(Pointed(self._stage.clock.now(), TARGET_REGION, clusters))

    def hosts(self) -> dict[str, str]:
        """Give the host that each place names, where it names one."""
        secret = json.loads(self._stage.secrets._values.get(APP_SECRET, "{}"))  # noqa: SLF001 # no call
        named = {"the secret": secret.get("host")} if isinstance(secret, dict) else {}
        parameters = self._stage.parameters._values  # noqa: SLF001 # no call
        named["the parameters"] = parameters.get(f"{FOLDER}endpoint")
        name = f"{self._stage.environment.get('TARGET_DNS_NAME')}."
        record = self._stage.zones._records.get(name)  # noqa: SLF001 # no call
        named["the record"] = record["ResourceRecords"][0]["Value"] if record else None
        return {place: str(host) for place, host in named.items() if host}

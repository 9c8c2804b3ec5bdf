"""The local world: the guide's resources, the app deployed, a production worth restoring and a staging that is stale.

Built through boto3 and SQL, as anybody would; only Aurora's pace is quickened, and a dump comes in
from within.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from localaws import names, production
from localaws.aurora.catalog import newest_version
from localaws.clients import Clients
from localaws.deployment import Deployment
from localaws.errors import WorldError
from localaws.passwords import Passwords, keep_passwords
from localaws.postgres import DataPlaneError, PostgresData
from localaws.processes import Ledger
from localaws.production import Door
from localaws.resources import Resources, make_resources, subscribe
from localaws.sample_clusters import Estate
from localaws.server import Server

NIGHT: Final = timedelta(days=1)


class World:
    """Everything around a running server, made once. `say` hears a line as each part is done."""

    def __init__(
        self, server: Server, data: PostgresData, ledger: Ledger, say: Callable[[str], None]
    ) -> None:
        """Prepare.

        What is started while building is written into `ledger`, whose owner ends what is left of
        it.
        """
        self._endpoint, self._folder, self._aurora = server.endpoint, server.folder, server.aurora
        self._data, self._ledger, self._say = data, ledger, say

    def build(self, dump: Path | None = None) -> None:
        """Make it all; `dump` becomes production's data.

        Raises WorldError, and botocore's and psycopg2's errors.
        """
        clients, passwords = Clients(self._endpoint), Passwords()
        resources = make_resources(clients, newest_version(self._data.major))
        self._say("keys and network are made")
        estate = Estate(clients, resources, passwords)
        door, snapshot = self._make_production(estate, dump)
        deployment = self._deploy(
            resources
        )  # after that snapshot: the stage is to start nothing for it
        self._make_staging(estate, snapshot)
        self._let_production_go_on(estate, door, dump)
        deployment.wait()
        keep_passwords(clients, passwords)
        subscribe(clients)
        self._say(
            f"stage {names.STAGE} is deployed as by `make deploy`: three stacks, and eleven "
            "functions by Chalice"
        )

    def _deploy(self, resources: Resources) -> Deployment:
        """Deploy with the settings that are known only now.

        All others stand in the stage's configuration.
        """
        settings = {
            "KMS_KEY_ID": resources.target_key_arn,
            "VPC_SECURITY_GROUP_IDS": resources.security_group_id,
            "DB_CLUSTER_PARAMETER_GROUP_NAME": resources.cluster_parameter_group,
        }
        network = {
            "subnet_ids": list(resources.subnet_ids),
            "security_group_ids": [resources.security_group_id],
        }
        return Deployment(self._folder, self._endpoint, settings, network, self._ledger)

    def _make_production(self, estate: Estate, dump: Path | None) -> tuple[Door, str]:
        """Make production as it was a night ago.

        Return the way in, and the snapshot that Aurora took then.
        """
        door = estate.make_production()
        if dump is None:
            production.fill(door)
        taken = self._aurora.take_automated_snapshot(
            names.SOURCE_CLUSTER,
            account=names.ACCOUNT,
            region=names.SOURCE_REGION,
            at=datetime.now(UTC) - NIGHT,
        )
        return door, estate.wait_for_snapshot(taken)

    def _make_staging(self, estate: Estate, snapshot: str) -> None:
        estate.make_staging(snapshot)
        self._say(
            f"{names.TARGET_CLUSTER} in {names.TARGET_REGION} has the stale data of an earlier "
            "night"
        )

    def _let_production_go_on(self, estate: Estate, door: Door, dump: Path | None) -> None:
        """Give production what staging does not have."""
        if dump is None:
            production.go_on(door)
            estate.let_production_reach_out(self._data, door)
        else:
            self._load(estate, dump)
        data = f"the dump {dump}" if dump else f"{names.DATABASE} and {production.LEDGER}"
        self._say(f"{names.SOURCE_CLUSTER} in {names.SOURCE_REGION} has its data: {data}")

    def _load(self, estate: Estate, dump: Path) -> None:
        try:
            for told in estate.load_dump(self._data, dump):
                self._say(told)
        except DataPlaneError as error:
            raise WorldError(str(error)) from error

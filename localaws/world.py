"""The local world: the guide's resources, the app deployed, a production worth restoring and a staging that is stale.

Built through boto3 and SQL, as anybody would; only Aurora's pace is quickened, and a dump comes in from within.
"""

from collections.abc import Callable
from pathlib import Path

from localaws import names, production
from localaws.clients import Clients
from localaws.deployment import Deployment
from localaws.errors import WorldError
from localaws.estate import Estate
from localaws.passwords import Passwords, keep_passwords
from localaws.postgres import DataPlaneError, PostgresData
from localaws.processes import Ledger
from localaws.resources import Resources, make_resources, subscribe


class World:
    """Everything around a running server, made once. `say` hears a line as each part is done."""

    def __init__(
        self, endpoint: str, folder: Path, data: PostgresData, ledger: Ledger, say: Callable[[str], None]
    ) -> None:
        """Prepare; what is started while building is written into `ledger`, whose owner ends what is left of it."""
        self._endpoint, self._folder, self._data, self._ledger, self._say = endpoint, folder, data, ledger, say

    def build(self, dump: Path | None = None) -> None:
        """Make it all; `dump` becomes production's data. Raises WorldError, and botocore's and psycopg2's errors."""
        clients, passwords = Clients(self._endpoint), Passwords()
        resources = make_resources(clients)
        self._say("keys and network are made")
        deployment = self._deploy(resources)
        self._make_estate(Estate(clients, resources, passwords), dump)
        deployment.wait()
        keep_passwords(clients, passwords)
        subscribe(clients)
        self._say(f"stage {names.STAGE} is deployed as by `make deploy`: three stacks, and eleven functions by Chalice")

    def _deploy(self, resources: Resources) -> Deployment:
        """Deploy with the settings that are known only now; all others stand in the stage's configuration."""
        settings = {"KMS_KEY_ID": resources.target_key_arn, "VPC_SECURITY_GROUP_IDS": resources.security_group_id}
        network = {
            "subnet_ids": list(resources.subnet_ids),
            "security_group_ids": [resources.security_group_id],
        }
        return Deployment(self._folder, self._endpoint, settings, network, self._ledger)

    def _make_estate(self, estate: Estate, dump: Path | None) -> None:
        """Make both clusters; what production gets after staging was made from it is what staging does not have."""
        door = estate.make_production()
        if dump is None:
            production.fill(door)
        estate.make_staging()
        self._say(f"{names.TARGET_CLUSTER} in {names.TARGET_REGION} has the stale data of an earlier night")
        if dump is None:
            production.go_on(door)
        else:
            self._load(estate, dump)
        data = f"the dump {dump}" if dump else f"{names.DATABASE} and {production.LEDGER}"
        self._say(f"{names.SOURCE_CLUSTER} in {names.SOURCE_REGION} has its data: {data}")

    def _load(self, estate: Estate, dump: Path) -> None:
        try:
            estate.load_dump(self._data, dump)
        except DataPlaneError as error:
            raise WorldError(str(error)) from error

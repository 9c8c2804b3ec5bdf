"""A local AWS ends although something in it waits for a database, which may be for ever."""

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from localaws.clients import EndpointClients
from localaws.folder import DataFolder
from localaws.foreground import Options
from localaws.sample.rds_calls import create_instance, wait_for_cluster, wait_for_instance
from localaws.startup import LocalAws, start

REGION = "us-west-2"
END_SECONDS_MAX = 30
NAMED = {"DBClusterIdentifier": "held"}


class Held:
    """A local AWS with one cluster."""

    def build(self, aws: LocalAws, _dump: Path | None) -> str:
        """Make the cluster and its writer."""
        self.rds: Any = EndpointClients(aws.server.endpoint)("rds", REGION)
        self.rds.create_db_cluster(
            **NAMED,
            Engine="aurora-postgresql",
            MasterUsername="master",
            MasterUserPassword="First-0-password",
        )
        cluster = wait_for_cluster(self.rds, "held")
        create_instance(self.rds, "held-1", "held", [])
        wait_for_instance(self.rds, "held-1")
        self.server = aws.data._clusters[cluster["DbClusterResourceId"]].server
        return "the page"

    def is_waited_for(self) -> bool:
        """Tell whether a session waits for another."""
        with self.server.session() as cursor:
            cursor.execute("SELECT pid FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchall())


def test_a_password_that_waits_for_a_lock_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Somebody's transaction holds the master role, whose password RDS changes at that moment."""
    held, stack, options = Held(), ExitStack(), Options(port=0, speed=1000)
    start(options, DataFolder(tmp_path / "data"), stack, lambda _line: None, held.build)
    ending = threading.Thread(target=stack.close, daemon=True)
    with held.server.session() as holder:
        holder.execute("BEGIN; ALTER ROLE master VALID UNTIL 'infinity'")
        held.rds.modify_db_cluster(
            **NAMED, MasterUserPassword="Second-0-password", ApplyImmediately=True
        )
        while not held.is_waited_for():
            pass
        ending.start()
        ending.join(END_SECONDS_MAX)

    assert not ending.is_alive()

"""The databases in memory, when a cluster is renamed: which name leads there and is proven."""

from typing import Any

import pytest
from localaws.aurora import Aurora, AuroraClient, VirtualClock
from pydantic import SecretStr

from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.flow.errors import RefusedError
from simulation.data_plane import InMemoryData

ENGINE = "aurora-postgresql"
MASTER = Login("postgres", SecretStr("correct-horse-battery"))


class Target:
    """A cluster with one instance, in a model of its own."""

    def __init__(self) -> None:
        self.clock, self.data = VirtualClock(), InMemoryData()
        self.aurora = Aurora(self.clock, data=self.data)
        self.rds: Any = AuroraClient(self.aurora, account="123456789012", region="us-west-2")
        self.rds.create_db_cluster(
            DBClusterIdentifier="next",
            Engine=ENGINE,
            MasterUsername=MASTER.username,
            MasterUserPassword=MASTER.secret,
        )
        self.settle()
        self.rds.create_db_instance(
            DBInstanceIdentifier="next-1",
            DBClusterIdentifier="next",
            Engine=ENGINE,
            DBInstanceClass="db.r6g.large",
        )
        self.settle()

    def settle(self) -> None:
        """Let pass what is under way."""
        while (moment := self.aurora.next_transition()) is not None:
            self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))
            self.aurora.tick()

    def host(self, name: str) -> str:
        """Name the endpoint of a cluster."""
        found = self.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
        return str(found["Endpoint"])

    def login(self, host: str, **how: Any) -> bool:
        """Log in as the master user at a host."""
        place = Endpoint(host, 5432, **how)
        cluster = self.data.clusters[self.data.hosts[host]]
        return cluster.open(place, MASTER, "postgres").try_login(MASTER)


def test_a_renamed_cluster_proves_its_name_after_a_stop_and_a_start() -> None:
    """After a rename the new name leads to the cluster and is not proven, and the old one leads
    nowhere; a stop and a start give the server a new certificate.
    """
    target = Target()
    old = target.host("next")
    before = target.login(old)
    target.rds.modify_db_cluster(
        DBClusterIdentifier="next", NewDBClusterIdentifier="target", ApplyImmediately=True
    )
    target.settle()
    new = target.host("target")
    with pytest.raises(RefusedError, match="does not prove that it is target"):
        target.login(new)
    without_tls = target.login(new, tls="off")
    target.rds.stop_db_cluster(DBClusterIdentifier="target")
    target.settle()
    target.rds.start_db_cluster(DBClusterIdentifier="target")
    target.settle()

    assert (True, True, True) == (before, without_tls, target.login(new))
    assert [new] == list(target.data.hosts)

"""A stage whose target is found by pointers, and what they name."""

import json
from typing import Any

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.in_memory_services import ZONE
from simulation.stage import ACCOUNT, APP_SECRET, STAGE, TARGET_REGION
from tests.swap.swap_stage import SwapStage

TARGET, A, B = "staging-cluster", "staging-cluster-a", "staging-cluster-b"
DNS_NAME = "staging.db.example"
FOLDER = f"/aurora-restore/{STAGE}/pointers/default/"
POINTED = ("host", "reader_host", "port", "cluster_id")


class PointerStage(SwapStage):
    """A stage with REPLACEMENT=pointer and a DNS record."""

    def __init__(self, *, staging: bool = True, **environment: str) -> None:
        dns = {"TARGET_DNS_NAME": DNS_NAME, "TARGET_DNS_ZONE_ID": ZONE}
        super().__init__(staging=staging, **{"REPLACEMENT": "pointer", **dns, **environment})

    def standing(self) -> dict[str, str]:
        """Give the resource ids of the clusters under the target's names."""
        found = self.rds().describe_db_clusters()["DBClusters"]
        ids = {cluster["DBClusterIdentifier"]: cluster["DbClusterResourceId"] for cluster in found}
        return {name: ids[name] for name in sorted(ids) if name.startswith(TARGET)}

    def secret(self) -> dict[str, Any]:
        """Read the application secret."""
        answer = self.secrets.get_secret_value(SecretId=APP_SECRET)
        value: dict[str, Any] = json.loads(answer["SecretString"])
        return value

    def pointed(self) -> dict[str, str | None]:
        """Give the cluster that each place names."""
        hosts = {self.endpoint(name): name for name in self.standing()}
        names = [f"{FOLDER}{name}" for name in ("endpoint", "cluster_id")]
        found = self.parameters.get_parameters(Names=names)["Parameters"]
        values = {parameter["Name"].removeprefix(FOLDER): parameter["Value"] for parameter in found}
        records = self.zones.list_resource_record_sets(
            HostedZoneId=ZONE, StartRecordName=DNS_NAME, MaxItems="1"
        )["ResourceRecordSets"]
        record = records[0]["ResourceRecords"][0]["Value"] if records else None
        return {
            "secret": _named(hosts, self.secret().get("host")),
            "secret id": self.secret().get("cluster_id"),
            "parameters": _named(hosts, values.get("endpoint")),
            "parameters id": values.get("cluster_id"),
            "record": _named(hosts, record),
        }

    def all_name(self, name: str | None) -> dict[str, str | None]:
        """Give what `pointed` is when all places name a cluster."""
        return dict.fromkeys(self.pointed(), name)

    def put_record(self, value: str, record_type: str = "CNAME", ttl: int = 300) -> None:
        """Let somebody make the record."""
        record = {
            "Name": DNS_NAME,
            "Type": record_type,
            "TTL": ttl,
            "ResourceRecords": [{"Value": value}],
        }
        change = {"Action": "CREATE", "ResourceRecordSet": record}
        self.zones.change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch={"Changes": [change]})

    def remove_record(self) -> None:
        """Let somebody delete the record."""
        self.zones._records.clear()

    def fail(self, name: str) -> None:
        """Let a cluster fail for good."""
        self.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[name].status = "failed"

    def remove(self, name: str) -> None:
        """Let somebody delete a cluster; no function runs meanwhile."""
        rds, waiting = self.rds(), list(self.queue)
        (found,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        for member in sorted(found["DBClusterMembers"], key=lambda one: one["IsClusterWriter"]):
            rds.delete_db_instance(
                DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
            )
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
        self.settle(600)
        self.queue.extend(waiting)

    def proving(self) -> Operation:
        """Run until a login was proven at the new cluster; nothing is published so far."""
        self.night()
        self.reach(State.TARGET_PROVEN)
        return self.restores()[-1]


def _named(hosts: dict[str, str], host: str | None) -> str | None:
    return hosts.get(host or "", host)

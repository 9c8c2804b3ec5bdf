"""The server's own addresses, and the small lies of moto that it does not pass on."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.server import Server
from tests.local.conftest import Clients, Inbox

SOURCE = "us-east-1"


def fetch(server: Server, path: str, *, method: str = "GET") -> tuple[int, dict[str, Any]]:
    """Ask an address of the server's own; return status and answer."""
    request = urllib.request.Request(server.endpoint + path, method=method)  # noqa: S310  (it is http on loopback)
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_server_answers_its_health_check(server: Server) -> None:
    """`GET /localaws/health` answers when everything is up."""
    assert (200, {"status": "ok"}) == fetch(server, "/localaws/health")


def test_an_address_that_is_not_there_names_those_that_are(server: Server) -> None:
    """A wrong method or path is answered with a sentence."""
    status, answer = fetch(server, "/localaws/night")

    assert (404, True) == (status, "POST /localaws/night" in answer["error"])


def test_a_night_takes_the_automated_snapshot_and_its_events_arrive(
    server: Server, clients: Clients, inbox: Inbox
) -> None:
    """The snapshot appears and becomes available, and both of Aurora's events reach a rule."""
    key = clients("kms", SOURCE).create_key()["KeyMetadata"]["Arn"]
    clients("kms", SOURCE).create_alias(AliasName="alias/production", TargetKeyId=key)
    clients("rds", SOURCE).create_db_cluster(
        DBClusterIdentifier="prod-cluster",
        Engine="aurora-postgresql",
        MasterUsername="postgres",
        MasterUserPassword="correct-horse-battery",
        StorageEncrypted=True,
        KmsKeyId="alias/production",
    )
    clients("rds", SOURCE).get_waiter("db_cluster_available").wait(
        DBClusterIdentifier="prod-cluster", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    clients("events", SOURCE).put_rule(Name="nights", EventPattern='{"source": ["aws.rds"]}')
    bus = "arn:aws:events:us-west-2:123456789012:event-bus/default"
    clients("events", SOURCE).put_targets(Rule="nights", Targets=[{"Id": "1", "Arn": bus}])
    clients("events").put_rule(Name="nights", EventPattern='{"source": ["aws.rds"]}')
    clients("events").put_targets(Rule="nights", Targets=[{"Id": "1", "Arn": inbox.arn}])
    status, answer = fetch(
        server, f"/localaws/night?cluster=prod-cluster&region={SOURCE}", method="POST"
    )
    identifier = answer["DBClusterSnapshotIdentifier"]
    events = inbox.wait_for("source", count=2)
    (snapshot,) = clients("rds", SOURCE).describe_db_cluster_snapshots(
        DBClusterSnapshotIdentifier=identifier, SnapshotType="automated"
    )["DBClusterSnapshots"]

    assert (200, True) == (status, identifier.startswith("rds:prod-cluster-"))
    assert ["RDS-EVENT-0168", "RDS-EVENT-0169"] == [event["detail"]["EventID"] for event in events]
    assert {SOURCE} == {event["region"] for event in events}
    assert ("available", key) == (snapshot["Status"], snapshot["KmsKeyId"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?cluster=nobody&region=us-east-1", 404),
        ("?cluster=prod-cluster&region=eu-west-9", 404),
        ("?cluster=prod-cluster", 400),
    ],
)
def test_a_snapshot_that_cannot_be_taken_is_refused(
    server: Server, query: str, status: int
) -> None:
    """An unknown cluster, an unknown region and a missing one are answered with a sentence."""
    answered, answer = fetch(server, f"/localaws/night{query}", method="POST")

    assert (status, True) == (answered, answer["error"].endswith("."))


def test_the_next_call_of_an_action_can_be_refused(server: Server, clients: Clients) -> None:
    """One call is answered with the code that was asked for, and the one after it as ever."""
    refusal = "/localaws/refusal?action=DescribeDBClusters&code=InvalidParameterCombination"
    status, _ = fetch(server, refusal, method="POST")
    rds = clients("rds")
    with pytest.raises(ClientError) as refused:
        rds.describe_db_clusters()

    assert (200, "InvalidParameterCombination") == (status, refused.value.response["Error"]["Code"])
    assert "DBClusters" in rds.describe_db_clusters()


@pytest.mark.parametrize("query", ["?action=DescribeDBClusters", "?action=DescribeNothing&code=X"])
def test_a_refusal_of_nothing_is_refused(server: Server, query: str) -> None:
    """An action that is not modelled and a missing code are answered with a sentence."""
    status, answer = fetch(server, f"/localaws/refusal{query}", method="POST")

    assert (400, True) == (status, answer["error"].endswith("."))


def test_a_disabled_key_is_not_accessible(clients: Clients) -> None:
    """Aurora sees the keys of KMS as they are now."""
    key = clients("kms").create_key()["KeyMetadata"]["KeyId"]
    clients("kms").disable_key(KeyId=key)
    with pytest.raises(ClientError) as refused:
        clients("rds").create_db_cluster(
            DBClusterIdentifier="locked",
            Engine="aurora-postgresql",
            MasterUsername="postgres",
            MasterUserPassword="correct-horse-battery",
            StorageEncrypted=True,
            KmsKeyId=key,
        )

    assert "KMSKeyNotAccessibleFault" == refused.value.response["Error"]["Code"]


def test_a_service_that_moto_lacks_is_refused_not_broken(clients: Clients) -> None:
    """An action that nobody implements is refused with a sentence, and no client repeats it."""
    with pytest.raises(ClientError) as refused:
        clients("ssm").describe_ops_items()
    found = tuple(
        refused.value.response["ResponseMetadata"][name]
        for name in ("HTTPStatusCode", "RetryAttempts")
    )

    assert (501, 0) == found

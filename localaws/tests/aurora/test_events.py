"""Events as RDS sends them to EventBridge, and as DescribeEvents lists them."""

from datetime import timedelta
from typing import Any

import pytest
from localaws.aurora import Aurora
from tests.aurora.scene import ACCOUNT, HOUR_SECONDS, SOURCE, TARGET, Rds, Scene, code_of

Emitted = list[dict[str, Any]]


def ids(emitted: Emitted) -> list[str | None]:
    """Return the EventIDs in the order of emission."""
    return [event["detail"].get("EventID") for event in emitted]


def test_an_event_has_the_envelope_and_the_detail_that_rds_gives_it(
    scene: Scene, emitted: Emitted
) -> None:
    """An event has an upper-case SourceType, its ARN, a Date with milliseconds, and no cluster."""
    scene.cluster()
    emitted.clear()
    moment = scene.clock.now()
    scene.night()
    arn = (
        f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster-snapshot:rds:prod-cluster-{moment:%Y-%m-%d-%H-%M}"
    )
    unique_id = emitted[1].pop("id")
    expected = {
        "version": "0",
        "detail-type": "RDS DB Cluster Snapshot Event",
        "source": "aws.rds",
        "account": ACCOUNT,
        "time": f"{moment + timedelta(seconds=180):%Y-%m-%dT%H:%M:%SZ}",
        "region": SOURCE,
        "resources": [arn],
        "detail": {
            "EventCategories": ["backup"],
            "SourceType": "CLUSTER_SNAPSHOT",
            "SourceArn": arn,
            "Date": f"{moment + timedelta(seconds=180):%Y-%m-%dT%H:%M:%S}.000Z",
            "SourceIdentifier": arn.split(":", 6)[-1],
            "Message": "Automated cluster snapshot created",
            "EventID": "RDS-EVENT-0169",
        },
    }

    assert expected == emitted[1]
    assert unique_id != emitted[0]["id"]


def test_automated_and_manual_snapshots_have_events_of_their_own(
    scene: Scene, emitted: Emitted
) -> None:
    """An automated snapshot has the events 0168 and 0169, a manual one 0074 and 0075."""
    scene.cluster()
    emitted.clear()
    scene.night()
    scene.snapshot()

    assert ["RDS-EVENT-0168", "RDS-EVENT-0169", "RDS-EVENT-0074", "RDS-EVENT-0075"] == ids(emitted)


def test_a_created_event_comes_when_the_snapshot_is_available(
    scene: Scene, aurora: Aurora, emitted: Emitted
) -> None:
    """The event of a finished snapshot comes when it is available; until then there is only that of
    its start.
    """
    scene.cluster()
    emitted.clear()
    aurora.take_automated_snapshot("prod-cluster", account=ACCOUNT, region=SOURCE)
    scene.pass_time(179)

    assert ["RDS-EVENT-0168"] == ids(emitted)


def test_a_restore_ends_with_the_event_of_a_created_cluster(scene: Scene, emitted: Emitted) -> None:
    """A restore ends with the event of a created cluster: there is none of its own, and clusters
    have no prefix.
    """
    scene.cluster()
    scene.snapshot()
    emitted.clear()
    scene.restore("by-hand")

    assert ["RDS-EVENT-0170"] == ids(emitted)
    assert "RDS DB Cluster Event" == emitted[0]["detail-type"]
    assert "CLUSTER" == emitted[0]["detail"]["SourceType"]
    assert "restored" == emitted[0]["detail"]["SourceIdentifier"]
    assert "DB cluster created" == emitted[0]["detail"]["Message"]


def test_the_deletion_of_instances_and_clusters_emits_events(
    scene: Scene, rds: Rds, emitted: Emitted
) -> None:
    """A created instance has event 0003, a deleted cluster event 0171."""
    scene.cluster()
    emitted.clear()
    scene.delete_instances("prod-cluster-1")
    rds(SOURCE).delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()

    assert ["RDS-EVENT-0003", "RDS-EVENT-0171"] == ids(emitted)
    assert "RDS DB Instance Event" == emitted[0]["detail-type"]
    assert "DB_INSTANCE" == emitted[0]["detail"]["SourceType"]


@pytest.mark.parametrize(
    ("status", "event"), [("incompatible-restore", "RDS-EVENT-0354"), ("failed", "RDS-EVENT-0355")]
)
def test_a_cluster_that_cannot_be_created_emits_an_event(
    scene: Scene, aurora: Aurora, emitted: Emitted, status: str, event: str
) -> None:
    """A cluster that cannot be created has event 0354 for incompatible resources and 0355 for
    limits, and stays in its status.
    """
    scene.cluster()
    scene.snapshot()
    aurora.fail_creation(f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster:restored", status, "No room.")

    assert status == scene.restore("by-hand")["Status"]
    assert event == ids(emitted)[-1]


def test_events_belong_to_the_region_of_the_resource(scene: Scene, emitted: Emitted) -> None:
    """Events appear in the region of the resource: those of the target in the target's region."""
    scene.cluster()
    scene.copy(scene.night())
    scene.settle()
    emitted.clear()
    scene.restore("copied", region=TARGET)

    assert [TARGET] == [event["region"] for event in emitted]


def test_a_deleted_manual_snapshot_has_an_event_without_an_id(
    scene: Scene, rds: Rds, emitted: Emitted
) -> None:
    """A deleted manual snapshot has an event without an EventID: it was seen in the field and is
    not documented.
    """
    scene.cluster()
    scene.snapshot()
    emitted.clear()
    rds(SOURCE).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")

    assert "Deleted manual snapshot" == emitted[0]["detail"]["Message"]
    assert "EventID" not in emitted[0]["detail"]


def test_listed_events_have_no_id_and_other_source_types(scene: Scene, rds: Rds) -> None:
    """DescribeEvents names source types in kebab case and leaves the EventID out."""
    scene.cluster()
    scene.night()
    events = rds(SOURCE).describe_events(SourceType="db-cluster-snapshot")["Events"]
    expected = {
        "SourceIdentifier",
        "SourceType",
        "Message",
        "EventCategories",
        "Date",
        "SourceArn",
    }
    found = [event["Message"] for event in events]

    assert ["Creating automated cluster snapshot", "Automated cluster snapshot created"] == found
    assert expected == set(events[0])


def test_an_hour_is_listed_unless_more_is_asked_for(scene: Scene, rds: Rds) -> None:
    """DescribeEvents lists one hour by default; its Duration is in minutes, 14 days at most."""
    scene.cluster()
    scene.pass_time(2 * HOUR_SECONDS)
    client = rds(SOURCE)
    start = scene.clock.now() - timedelta(hours=3)

    assert [] == client.describe_events()["Events"]
    assert 2 == len(client.describe_events(Duration=180)["Events"])
    assert 2 == len(client.describe_events(StartTime=start)["Events"])
    assert 2 == len(
        client.describe_events(StartTime=start.isoformat(), EndTime=scene.clock.now())["Events"]
    )
    assert "InvalidParameterValue" == code_of(client.describe_events, Duration=14 * 24 * 60 + 1)


def test_events_are_listed_by_source_and_category(scene: Scene, rds: Rds) -> None:
    """Events are listed by source and category; an identifier needs its type beside it."""
    scene.cluster()
    client = rds(SOURCE)
    wanted = {"SourceIdentifier": "prod-cluster", "SourceType": "db-cluster"}
    found = [event["Message"] for event in client.describe_events(**wanted)["Events"]]

    assert ["DB cluster created"] == found
    assert [] == client.describe_events(**wanted, EventCategories=["deletion"])["Events"]
    assert "InvalidParameterCombination" == code_of(
        client.describe_events, SourceIdentifier="prod-cluster"
    )
    assert "InvalidParameterValue" == code_of(client.describe_events, SourceType="CLUSTER")

"""Events that are not for us: each leaves a log line and a metric, and nothing else."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION, SimulatedStage
from tests.refusals.scene import LogOutput, RefusalScene, belongings


def snapshot_event(arn: str, event_id: str = "RDS-EVENT-0169", **changes: Any) -> dict[str, Any]:
    """Make an event of a cluster snapshot as RDS sends it (sample of the Aurora user guide)."""
    messages = {
        "RDS-EVENT-0169": "Automated cluster snapshot created",
        "RDS-EVENT-0075": "Manual cluster snapshot created",
        "RDS-EVENT-0162": "Cluster snapshot export task failed.",
    }
    detail = {
        "EventCategories": ["backup"],
        "SourceType": "CLUSTER_SNAPSHOT",
        "SourceArn": arn,
        "Date": "2026-11-23T03:22:00.000Z",
        "SourceIdentifier": arn.split(":", 6)[-1],
        "Message": messages[event_id],
        "EventID": event_id,
    }
    envelope = {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "source": "aws.rds",
        "account": ACCOUNT,
        "detail-type": "RDS DB Cluster Snapshot Event",
        "time": "2026-11-23T03:22:00Z",
        "region": arn.split(":")[3] if arn else SOURCE_REGION,
        "resources": [arn],
        "detail": detail,
    }
    return envelope | changes


def snapshot_arn(identifier: str, region: str = SOURCE_REGION) -> str:
    """Spell the ARN of a cluster snapshot."""
    return f"arn:aws:rds:{region}:{ACCOUNT}:cluster-snapshot:{identifier}"


def only_ignored(scene: RefusalScene) -> list[str]:
    """Deliver what is on the bus: nothing comes of it but a line and a metric for each.

    Returns why, in order.
    """
    before = belongings(scene.stage)
    expected = len(scene.stage.queue)
    scene.stage.deliver()

    assert [] == scene.stage.all_operations()
    assert [] == scene.stage.failures
    assert [] == scene.stage.notices()
    assert before == belongings(scene.stage)
    assert expected == len(scene.logs.metrics("EventIgnored")) > 0
    assert all(
        line["level"] == "INFO" and line["event_id"] for line in scene.logs.lines("Ignored: ")
    )
    return [str(line["message"]) for line in scene.logs.lines("Ignored: ")]


def night_of(scene: RefusalScene, cluster: str, region: str = SOURCE_REGION) -> None:
    """Let Aurora take another cluster's automated snapshot, with both of its events on the bus."""
    scene.stage.aurora.take_automated_snapshot(cluster, account=ACCOUNT, region=region)
    while due := scene.stage.aurora.next_transition():
        scene.stage.move_to(due)
        scene.stage.aurora.tick()


def test_the_night_of_a_cluster_whose_name_begins_alike_is_ignored(scene: RefusalScene) -> None:
    """`prod-cluster-eu` is not `prod-cluster`: the snapshot is described, its name is not guessed
    from.
    """
    scene.stage.make_cluster("prod-cluster-eu", SOURCE_REGION)
    night_of(scene, "prod-cluster-eu")
    begun, created = only_ignored(scene)

    assert "Ignored: 'Creating automated cluster snapshot' starts nothing." == begun
    assert "is of the cluster prod-cluster-eu, not of prod-cluster." in created


class OtherEngineStage(SimulatedStage):
    """A stage whose source snapshots are those of another engine that rides the same API and the
    same events.
    """

    engine = "docdb"

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        if service != "rds":
            return client
        described = client.describe_db_cluster_snapshots

        def of_other_engine(**parameters: Any) -> Any:
            answer = described(**parameters)
            for snapshot in answer["DBClusterSnapshots"]:
                snapshot["Engine"] = self.engine
            return answer

        client.describe_db_cluster_snapshots = of_other_engine
        return client


@pytest.mark.parametrize("engine", ["docdb", "neptune", "aurora-mysql"])
def test_the_night_of_another_engine_is_ignored(logs: LogOutput, engine: str) -> None:
    """Events of DocumentDB and Neptune clusters are ignored, even under the source's name."""
    stage = OtherEngineStage()
    stage.engine = engine
    scene = RefusalScene(stage, logs)
    night_of(scene, "prod-cluster")

    assert f"is of {engine}, not of aurora-postgresql." in only_ignored(scene)[1]


@pytest.mark.parametrize("prefix", ["", "refresh-"])
def test_a_manual_snapshot_at_noon_replaces_nobodys_staging(logs: LogOutput, prefix: str) -> None:
    """A manual snapshot starts a restore only if its name begins with SNAPSHOT_PREFIX."""
    scene = RefusalScene(SimulatedStage({"SNAPSHOT_PREFIX": prefix}), logs)
    scene.stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="before-the-release"
    )
    scene.stage.move_to(scene.stage.aurora.next_transition() or scene.stage.clock.now())
    scene.stage.aurora.tick()
    begun, created = only_ignored(scene)

    assert "Ignored: 'Creating manual cluster snapshot' starts nothing." == begun
    assert "before-the-release is a manual snapshot" in created


def test_the_restored_clusters_own_nights_are_ignored(scene: RefusalScene) -> None:
    """The target's own automated snapshots start nothing, which would be a loop."""
    night_of(scene, "staging-cluster", TARGET_REGION)
    expected = "is not in us-east-1 of 123456789012, the source region of the plan default."

    assert expected in only_ignored(scene)[1]


def test_the_event_of_our_own_copy_is_ignored_even_where_its_name_would_let_it_in(
    logs: LogOutput,
) -> None:
    """Aurora is not known to send one; if it does, the tag tells what it is."""
    settings = {
        "TARGET_REGION": SOURCE_REGION,
        "SNAPSHOT_PREFIX": "aurora-restore-",
        "KMS_KEY_ID": "alias/other",
    }
    scene = RefusalScene(SimulatedStage(settings), logs)
    scene.stage.keys.create(ACCOUNT, SOURCE_REGION, "alias/other")
    scene.stage.network.groups["sg-staging"] = f"vpc-{SOURCE_REGION}-default"
    scene.stage.night()
    scene.stage.run(3600)
    (copy,) = scene.stage.only().facts.copies.hops
    before = scene.stage.all_operations()
    scene.stage.deliver_one(snapshot_event(str(copy.arn), "RDS-EVENT-0075"))

    assert scene.logs.lines("Ignored: ")[-1]["message"].endswith(
        "is a copy that aurora-restore made itself."
    )
    assert before == scene.stage.all_operations()


def test_the_event_of_a_final_snapshot_is_ignored(logs: LogOutput) -> None:
    """A target deleted with a last snapshot makes two events that look like somebody's wish."""
    stage = SimulatedStage({"SKIP_FINAL_SNAPSHOT": "false"})
    stage.staging()
    scene = RefusalScene(stage, logs)
    stage.night()
    scene.ends(State.SUCCEEDED)
    finals = [
        line
        for line in logs.lines("Ignored: ")
        if str(line.get("event_source", "")).endswith("-final")
    ]

    assert ["RDS DB Cluster Snapshot Event"] * 2 == [line["detail_type"] for line in finals]
    assert 1 == len(stage.all_operations())


def test_every_event_of_an_ended_operation_is_ignored_when_it_comes_again(
    scene: RefusalScene,
) -> None:
    """Right away or a week later: a replayed archive of the bus changes no record and makes no call
    that changes.
    """
    scene.stage.night()
    scene.ends(State.SUCCEEDED)
    records, things = scene.stage.all_operations(), (belongings(scene.stage), scene.target_ids())
    ignored = len(scene.logs.metrics("EventIgnored"))
    replayed = [
        event
        for event in scene.stage.delivered
        if "Creating" not in str(event["detail"].get("Message"))
    ]
    for event in list(replayed):
        scene.stage.deliver_one(event)
    scene.stage.clock.advance(7 * 86_400)
    for event in replayed:
        scene.stage.deliver_one(event)

    assert records == scene.stage.all_operations()
    assert things[1] == scene.target_ids()
    assert [] == scene.stage.failures
    assert len(scene.logs.metrics("EventIgnored")) > ignored + 2 * 15


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (snapshot_event(snapshot_arn("rds:prod-cluster-2026-01-01-03-00")), "is gone."),
        (
            snapshot_event(
                snapshot_arn("rds:prod-cluster-2026-01-01-03-00"), account="999999999999"
            ),
            "is not in us-east-1",
        ),
        (
            snapshot_event(snapshot_arn("rds:x"), "RDS-EVENT-0162"),
            "'Cluster snapshot export task failed.' starts nothing.",
        ),
        (snapshot_event("", resources=[]), "the event names no snapshot."),
    ],
)
def test_other_snapshot_events_are_ignored(
    scene: RefusalScene, event: dict[str, Any], why: str
) -> None:
    """A snapshot that is gone, another account's, an export's, or an event that names nothing."""
    scene.stage.queue.append(event)

    assert why in only_ignored(scene)[0]


def test_an_event_that_calls_a_snapshot_of_somebody_automated_is_not_believed(
    scene: RefusalScene,
) -> None:
    """The snapshot's own type decides, or anybody's manual snapshot would be restored."""
    scene.stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="at-noon"
    )
    scene.stage.settle()
    scene.stage.queue.append(snapshot_event(snapshot_arn("at-noon")))

    assert only_ignored(scene)[0].endswith("is manual, and its event says otherwise.")


def test_hints_of_other_clusters_wake_nobody(scene: RefusalScene) -> None:
    """Created, deleted, reset: RDS tells of every cluster of the account, also of one whose name
    begins alike.
    """
    rds = scene.stage.rds()
    rds.create_db_cluster(
        DBClusterIdentifier="staging-cluster-two",
        Engine="aurora-postgresql",
        MasterUsername="master",
        MasterUserPassword="somebody-elses",
        DatabaseName="shop",
    )
    scene.stage.move_to(scene.stage.aurora.next_transition() or scene.stage.clock.now())
    scene.stage.aurora.tick()
    expected = [
        (
            "Ignored: no open operation waits for "
            f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:staging-cluster-two."
        )
    ]

    assert expected == only_ignored(scene)


def test_another_stages_events_reach_no_function(scene: RefusalScene) -> None:
    """The rules of a stage match events with its own source only."""
    scene.stage.put_event("aurora-restore.prod", "RestoreRequested", {})
    scene.stage.deliver()

    assert [] == scene.stage.all_operations()
    assert [] == scene.logs.lines("Ignored: ")

"""What starts an operation, what does not, and what is caught up."""

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, SOURCE_REGION
from tests.choreography import delivery_faults
from tests.choreography.run_night import FaultyStage, target_of

HOUR = 3600
CREATED = "Automated cluster snapshot created"


def test_the_same_request_twice_is_one_operation(stage: FaultyStage) -> None:
    """The request id is the identity, not the event."""
    stage.night()
    stage.settle()
    for _ in range(3):
        stage.request("RestoreRequested", request_id="tuesday", reason="for the demo")

    assert State.SUCCEEDED == stage.run_to_the_end().state
    assert 1 == len(stage.all_operations())
    assert 'request "tuesday"' == stage.only().requested_by


def test_a_replayed_request_without_an_id_is_one_operation(stage: FaultyStage) -> None:
    """The event's own id identifies a request that has none."""
    stage.night()
    stage.settle()
    stage.request("RestoreRequested")
    ended = stage.run_to_the_end()
    stage.deliver_one(
        next(
            envelope
            for envelope in stage.delivered
            if envelope["detail-type"] == "RestoreRequested"
        )
    )
    stage.run(HOUR)

    assert ended == stage.only()


def test_a_request_while_another_operation_runs_is_skipped(stage: FaultyStage) -> None:
    """A second operation on a target names the one that holds it and leaves the lock alone."""
    stage.night()
    running = stage.reach(State.COPYING)
    stage.request("RestoreRequested", request_id="too-soon")
    stage.run_to_the_end()
    skipped = stage.operations.read(stage.all_operations()[-1].operation_id)

    assert State.SKIPPED == (skipped.state if skipped else None)
    assert (
        f"The operation {running.operation_id} already runs on {target_of('staging-cluster')}."
        == (skipped.reason if skipped else None)
    )


def test_a_snapshot_that_comes_while_an_operation_runs_is_caught_up(stage: FaultyStage) -> None:
    """SKIPPED at first.

    When the target is free and it is still the newest, the heartbeat starts it again.
    """
    stage.night()
    stage.reach(State.CLUSTER_RESTORING)
    second = stage.night()
    stage.run(2 * HOUR)
    newest = stage.all_operations()[-1]
    found = [operation.state.value for operation in stage.all_operations()]

    assert ["SUCCEEDED", "SKIPPED", "SUCCEEDED"] == found
    assert newest.operation_id.startswith("default-")
    assert (newest.facts.snapshot.arn or "").endswith(second)
    assert [] == stage.broken_promises()


def test_a_lost_snapshot_event_is_caught_up(stage: FaultyStage) -> None:
    """After a grace, from the list of snapshots, as the operation that its event would have
    started.
    """
    stage.delivery_fault = delivery_faults.only_ours
    ended = stage.run_night()
    waited = (
        (ended.created_at - ended.facts.snapshot.created_at).total_seconds()
        if ended.facts.snapshot.created_at
        else 0
    )

    assert State.SUCCEEDED == ended.state
    assert 900 < waited <= 900 + 360
    assert [] == stage.broken_promises()


def test_an_event_that_comes_after_its_catch_up_starts_nothing(stage: FaultyStage) -> None:
    """The event and the catch-up lead to the same operation id."""
    stage.delivery_fault = lambda name, _envelope: [1200] if name.startswith(CREATED) else [0]
    stage.run_night()
    stage.run(HOUR)

    assert (State.SUCCEEDED, []) == (stage.only().state, stage.broken_promises())


def test_the_past_is_never_caught_up() -> None:
    """A snapshot from before the first deployment stays where it is."""
    stage = FaultyStage()
    stage.store.tables["state"].clear()
    stage.night()
    stage.settle()
    stage.clock.advance(60)
    stage.run(2 * HOUR)

    assert ([], True) == (stage.all_operations(), stage.target().catch_up_since is not None)


def test_what_was_restored_is_not_caught_up_again(stage: FaultyStage) -> None:
    """Hours of heartbeats after a good night start nothing."""
    stage.run_night()
    stage.run(4 * HOUR)

    assert 1 == len(stage.all_operations())


def test_a_failed_operation_is_not_caught_up(stage: FaultyStage) -> None:
    """A failed operation is not repeated without a person's request."""
    stage.keys.disable(stage.keys.create(ACCOUNT, "us-west-2", "alias/aurora-restore").arn)
    stage.run_night()
    stage.run(4 * HOUR)

    assert State.FAILED is stage.only().state


def test_a_snapshot_that_is_older_than_the_last_success_is_skipped(stage: FaultyStage) -> None:
    """An event that comes after a newer snapshot was restored is skipped."""
    first = stage.night()
    stage.delivery_fault = delivery_faults.first(f"{CREATED} {first}", [delivery_faults.FOREVER])
    stage.run(120)
    stage.night()
    stage.run_to_the_end()
    stage.let_the_rest_come()
    stage.run_to_the_end()
    found = [operation.state.value for operation in stage.all_operations()]

    assert ["SUCCEEDED", "SKIPPED"] == found
    assert [] == stage.broken_promises()


def test_a_snapshot_past_the_age_limit_is_skipped_unless_a_person_asks() -> None:
    """SNAPSHOT_AGE_MAX_HOURS holds for what starts by itself.

    A person is told how old the data is.
    """
    stage = FaultyStage({"SNAPSHOT_AGE_MAX_HOURS": "2"})
    stage.delivery_fault = lambda name, _envelope: (
        [delivery_faults.FOREVER] if name.startswith(CREATED) else [0]
    )
    stage.disabled = {"heartbeat"}
    name = stage.night()
    stage.run(3 * HOUR)
    stage.disabled = set()
    stage.let_the_rest_come()
    stage.run_to_the_end()
    stage.request("RestoreRequested", snapshot_identifier=name)
    stage.run_to_the_end()
    found = [operation.state.value for operation in stage.all_operations()]

    assert ["SKIPPED", "SUCCEEDED"] == found
    assert "It is older than usual." in stage.notices()[-1]["text"]


@pytest.mark.parametrize(("name", "started"), [("nightly-by-hand", 1), ("adhoc", 0)])
def test_a_manual_snapshot_starts_an_operation_by_its_prefix_only(name: str, started: int) -> None:
    """Nobody's ad-hoc snapshot at noon replaces staging."""
    stage = FaultyStage({"SNAPSHOT_PREFIX": "nightly-"})
    stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=name, DBClusterIdentifier="prod-cluster"
    )
    stage.run(HOUR)

    assert started == len(stage.all_operations())


def test_a_manual_snapshot_starts_nothing_without_a_prefix(stage: FaultyStage) -> None:
    """Only automated snapshots start an operation unless a prefix is set."""
    stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="nightly", DBClusterIdentifier="prod-cluster"
    )
    stage.run(HOUR)

    assert [] == stage.all_operations()


def test_another_clusters_snapshot_starts_nothing(stage: FaultyStage) -> None:
    """A cluster whose name begins like the source's is not the source."""
    stage.make_cluster("prod-cluster-eu", SOURCE_REGION)
    stage.aurora.take_automated_snapshot("prod-cluster-eu", account=ACCOUNT, region=SOURCE_REGION)
    stage.run(HOUR)

    assert [] == stage.all_operations()


@pytest.mark.parametrize(
    "detail",
    [
        {"unknown": "field"},
        {"plan": "none-such"},
        {"plan": 7},
        {"snapshot_identifier": "none-such"},
        {"request_id": ""},
        {"target_cluster_id": "prod-cluster"},
    ],
)
def test_an_invalid_request_is_refused(stage: FaultyStage, detail: dict[str, object]) -> None:
    """People are told, and no operation is made of it."""
    stage.request("RestoreRequested", **detail)

    assert ["refused"] == [notice["kind"] for notice in stage.notices()]
    assert [] == stage.all_operations()


def test_two_plans_run_at_once_on_different_targets(stage: FaultyStage) -> None:
    """One snapshot starts two operations on two clusters, each with its own lock and tag."""
    stage.parameters.put_parameter(
        Name="/aurora-restore/test/plans/reports/target-cluster-id", Value="reports-cluster"
    )
    stage.night()
    stage.run_to_the_end()
    reports, default = sorted(
        stage.all_operations(), key=lambda operation: operation.plan_name != "reports"
    )
    names = {
        cluster["DBClusterIdentifier"]
        for cluster in stage.rds().describe_db_clusters()["DBClusters"]
    }

    assert (State.SUCCEEDED, State.SUCCEEDED) == (reports.state, default.state)
    assert {"reports-cluster", "staging-cluster"} <= names
    assert stage.operations.target(target_of("reports-cluster")).locked_by is None
    assert [] == stage.broken_promises()


def test_a_plan_that_fails_stops_no_other(stage: FaultyStage) -> None:
    """The other plan's subnet group is missing: it FAILS alone."""
    path = "/aurora-restore/test/plans/reports/"
    stage.parameters.put_parameter(Name=f"{path}target-cluster-id", Value="reports-cluster")
    stage.parameters.put_parameter(Name=f"{path}db-subnet-group-name", Value="none-such")
    stage.night()
    stage.run_to_the_end()
    found = {operation.plan_name: operation.state for operation in stage.all_operations()}

    assert {"reports": State.FAILED, "default": State.SUCCEEDED} == found
    assert [] == stage.broken_promises()

"""What starts an operation, what does not, and what is caught up."""

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, SOURCE_REGION
from tests.choreography import delivery_faults
from tests.choreography.run_night import Night, target_of

HOUR = 3600
CREATED = "Automated cluster snapshot created"


def test_the_same_request_twice_is_one_operation(night: Night) -> None:
    """The request id is the identity, not the event."""
    night.night()
    night.settle()
    for _ in range(3):
        night.request("RestoreRequested", request_id="tuesday", reason="for the demo")

    assert (State.SUCCEEDED, 1, 'request "tuesday"') == (
        night.run_to_the_end().state,
        len(night.all_operations()),
        night.only().requested_by,
    )


def test_a_replayed_request_without_an_id_is_one_operation(night: Night) -> None:
    """Then the event's own id is the identity."""
    night.night()
    night.settle()
    night.request("RestoreRequested")
    ended = night.run_to_the_end()
    night.deliver_one(
        next(one for one in night.delivered if one["detail-type"] == "RestoreRequested")
    )
    night.run(HOUR)

    assert ended == night.only()


def test_a_request_while_another_operation_runs_is_skipped(night: Night) -> None:
    """One operation per target at a time: the second says who holds it, and never touches the lock."""
    night.night()
    running = night.reach(State.COPYING)
    night.request("RestoreRequested", request_id="too-soon")
    night.run_to_the_end()
    skipped = night.operations.read(night.all_operations()[-1].operation_id)

    assert (
        State.SKIPPED,
        f"The operation {running.operation_id} already runs on {target_of('staging-cluster')}.",
    ) == (skipped.state if skipped else None, skipped.reason if skipped else None)


def test_a_snapshot_that_comes_while_an_operation_runs_is_caught_up(night: Night) -> None:
    """SKIPPED at first.

    When the target is free and it is still the newest, the heartbeat starts it again.
    """
    night.night()
    night.reach(State.CLUSTER_RESTORING)
    second = night.night()
    night.run(2 * HOUR)
    newest = night.all_operations()[-1]

    assert (["SUCCEEDED", "SKIPPED", "SUCCEEDED"], True, True, []) == (
        [operation.state.value for operation in night.all_operations()],
        newest.operation_id.startswith("default-"),
        (newest.facts.snapshot.arn or "").endswith(second),
        night.broken_promises(),
    )


def test_a_lost_snapshot_event_is_caught_up(night: Night) -> None:
    """After a grace, from the list of snapshots, as the operation that its event would have
    started.
    """
    night.fate = delivery_faults.only_ours
    ended = night.dream()
    waited = (
        (ended.created_at - ended.facts.snapshot.created_at).total_seconds()
        if ended.facts.snapshot.created_at
        else 0
    )

    assert (State.SUCCEEDED, True, []) == (
        ended.state,
        900 < waited <= 900 + 360,
        night.broken_promises(),
    )


def test_an_event_that_comes_after_its_catch_up_starts_nothing(night: Night) -> None:
    """Both ways lead to the same identity."""
    night.fate = lambda name, _envelope: [1200] if name.startswith(CREATED) else [0]
    night.dream()
    night.run(HOUR)

    assert (State.SUCCEEDED, []) == (night.only().state, night.broken_promises())


def test_the_past_is_never_caught_up() -> None:
    """A snapshot from before the first deployment stays where it is."""
    night = Night()
    night.store.tables["state"].clear()
    night.night()
    night.settle()
    night.clock.advance(60)
    night.run(2 * HOUR)

    assert ([], True) == (night.all_operations(), night.target().catch_up_since is not None)


def test_what_was_restored_is_not_caught_up_again(night: Night) -> None:
    """Hours of heartbeats after a good night start nothing."""
    night.dream()
    night.run(4 * HOUR)

    assert 1 == len(night.all_operations())


def test_a_failed_operation_is_not_caught_up(night: Night) -> None:
    """Whoever is told of a failure decides; it is not repeated all day."""
    night.keys.disable(night.keys.create(ACCOUNT, "us-west-2", "alias/aurora-restore").arn)
    night.dream()
    night.run(4 * HOUR)

    assert State.FAILED is night.only().state


def test_a_snapshot_that_is_older_than_the_last_success_is_skipped(night: Night) -> None:
    """Its event came late, after a newer one was restored."""
    first = night.night()
    night.fate = delivery_faults.first(f"{CREATED} {first}", [delivery_faults.FOREVER])
    night.run(120)
    night.night()
    night.run_to_the_end()
    night.let_the_rest_come()
    night.run_to_the_end()

    assert (["SUCCEEDED", "SKIPPED"], []) == (
        [operation.state.value for operation in night.all_operations()],
        night.broken_promises(),
    )


def test_a_snapshot_past_the_age_limit_is_skipped_unless_a_person_asks() -> None:
    """SNAPSHOT_AGE_MAX_HOURS holds for what starts by itself.

    A person is told how old the data is.
    """
    night = Night({"SNAPSHOT_AGE_MAX_HOURS": "2"})
    night.fate = lambda name, _envelope: (
        [delivery_faults.FOREVER] if name.startswith(CREATED) else [0]
    )
    night.deaf = {"heartbeat"}
    name = night.night()
    night.run(3 * HOUR)
    night.deaf = set()
    night.let_the_rest_come()
    night.run_to_the_end()
    night.request("RestoreRequested", snapshot_identifier=name)
    night.run_to_the_end()

    assert (["SKIPPED", "SUCCEEDED"], True) == (
        [operation.state.value for operation in night.all_operations()],
        "It is older than usual." in night.notices()[-1]["text"],
    )


@pytest.mark.parametrize(("name", "started"), [("nightly-by-hand", 1), ("adhoc", 0)])
def test_a_manual_snapshot_starts_an_operation_by_its_prefix_only(name: str, started: int) -> None:
    """Nobody's ad-hoc snapshot at noon replaces staging."""
    night = Night({"SNAPSHOT_PREFIX": "nightly-"})
    night.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=name, DBClusterIdentifier="prod-cluster"
    )
    night.run(HOUR)

    assert started == len(night.all_operations())


def test_a_manual_snapshot_starts_nothing_without_a_prefix(night: Night) -> None:
    """By itself aurora-restore reacts to automated snapshots."""
    night.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="nightly", DBClusterIdentifier="prod-cluster"
    )
    night.run(HOUR)

    assert [] == night.all_operations()


def test_another_clusters_snapshot_starts_nothing(night: Night) -> None:
    """Not even one whose name begins like the source's."""
    night.make_cluster("prod-cluster-eu", SOURCE_REGION)
    night.aurora.take_automated_snapshot("prod-cluster-eu", account=ACCOUNT, region=SOURCE_REGION)
    night.run(HOUR)

    assert [] == night.all_operations()


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
def test_a_request_that_cannot_be_obeyed_is_refused(
    night: Night, detail: dict[str, object]
) -> None:
    """People are told, and no operation is made of it."""
    night.request("RestoreRequested", **detail)

    assert (["refused"], []) == (
        [notice["kind"] for notice in night.notices()],
        night.all_operations(),
    )


def test_two_plans_run_at_once_on_different_targets(night: Night) -> None:
    """One snapshot, two operations, two clusters; each with its own lock and its own tag."""
    night.parameters.put_parameter(
        Name="/aurora-restore/test/plans/reports/target-cluster-id", Value="reports-cluster"
    )
    night.night()
    night.run_to_the_end()
    reports, default = sorted(
        night.all_operations(), key=lambda operation: operation.plan_name != "reports"
    )
    names = {
        cluster["DBClusterIdentifier"]
        for cluster in night.rds().describe_db_clusters()["DBClusters"]
    }

    assert ((State.SUCCEEDED, State.SUCCEEDED), True, None, []) == (
        (reports.state, default.state),
        {"reports-cluster", "staging-cluster"} <= names,
        night.operations.target(target_of("reports-cluster")).locked_by,
        night.broken_promises(),
    )


def test_a_plan_that_fails_stops_no_other(night: Night) -> None:
    """The other plan's subnet group is missing: it FAILS alone."""
    path = "/aurora-restore/test/plans/reports/"
    night.parameters.put_parameter(Name=f"{path}target-cluster-id", Value="reports-cluster")
    night.parameters.put_parameter(Name=f"{path}db-subnet-group-name", Value="none-such")
    night.night()
    night.run_to_the_end()

    assert ({"reports": State.FAILED, "default": State.SUCCEEDED}, []) == (
        {operation.plan_name: operation.state for operation in night.all_operations()},
        night.broken_promises(),
    )

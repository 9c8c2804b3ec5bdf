"""What the calls make of the world: each effect once, and in the end exactly what was wanted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.ownership import ARCHIVED_TAG
from simulation.history import Called, Entry
from tests.simulation.trace_builder import (
    COPY,
    COPY_ARN,
    PLAN,
    VICTIM,
    TraceBuilder,
    broken,
    names,
    without,
)

NIGHT_WITHOUT_COPIES_KEPT = replace(PLAN, copies=replace(PLAN.copies, archive_snapshot=False))


def test_an_effect_twice_in_an_attempt_is_seen() -> None:
    """A deletion of the same member; another member is another effect."""
    trace = TraceBuilder().copy().go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
    trace.delete_instance("staging-cluster-2").delete_instance("staging-cluster-1").delete_instance(
        "staging-cluster-1"
    )

    once = [violation for violation in broken(trace.fail()) if violation.startswith("effect-once")]
    expected = [
        (
            "effect-once: night-1 did DeleteDBInstance of db staging-cluster-1 in us-west-2 "
            "twice in the "
            "attempt attempt-6."
        ),
        (
            "effect-once: night-1 did DeleteDBInstance of db staging-cluster-1 in us-west-2 "
            "twice at version "
            "6."
        ),
    ]

    assert expected == once


def test_an_effect_twice_in_a_visit_is_seen() -> None:
    """An effect that two attempts make within one state is found."""
    trace = TraceBuilder().copy().delete()
    trace.call(
        "RestoreDBClusterFromSnapshot", DBClusterIdentifier="staging-cluster", attempt="another"
    ).restore().finish()

    assert {"effect-once"} == names(broken(trace))


def test_setting_the_same_again_is_no_second_effect() -> None:
    """Another attempt may set the password again: nobody knows what became of the first."""
    trace = TraceBuilder().copy().delete().restore()
    for attempt in ("first", "second"):
        shown = {"DBCluster": {"DBClusterIdentifier": "staging-cluster"}}
        trace.call(
            "ModifyDBCluster",
            shown,
            DBClusterIdentifier="staging-cluster",
            MasterUserPassword="*",
            attempt=attempt,
        )

    assert [] == broken(trace.finish())


def test_a_call_that_was_refused_is_no_effect() -> None:
    """A call that AWS refused may be made again."""
    trace = TraceBuilder().copy().delete()
    trace.call(
        "RestoreDBClusterFromSnapshot", DBClusterIdentifier="staging-cluster", error="Throttling"
    ).restore().finish()

    assert [] == broken(trace)


def test_calls_of_an_attempt_belong_to_the_visit_it_claimed() -> None:
    """An attempt that goes on after another one advanced the record does the same a second time."""
    trace = TraceBuilder().copy().go(State.TARGET_CLEAR)
    trace.restore()
    trace.call(
        "CreateDBInstance",
        DBInstanceIdentifier="staging-cluster-1",
        DBClusterIdentifier="staging-cluster",
    )

    assert "effect-once" not in names(broken(trace.finish()))


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (
            "RestoreDBClusterFromSnapshot",
            "no restore of the cluster staging-cluster in us-west-2 is known",
        ),
        (
            "CreateDBInstance",
            "the db staging-cluster-1 in us-west-2 was not made since the restore",
        ),
        (
            "AddTagsToResource",
            "the cluster-snapshot the-copy in us-west-2 was not tagged as archived",
        ),
    ],
)
def test_a_success_without_its_effects_is_seen(action: str, sentence: str) -> None:
    """A history that does not hold the call counts as one without it."""
    found = broken(without(TraceBuilder().succeed(), lambda entry: _is_call(entry, action)))

    assert {"expected-resources"} == names(found)
    assert any(sentence in violation for violation in found)


def test_a_cluster_that_was_deleted_again_is_seen() -> None:
    """A restored cluster that one of our functions deletes is found; people may delete it."""
    trace = (
        TraceBuilder()
        .copy()
        .delete()
        .restore()
        .go(State.USERS_READY, facts={"users": {"production_logins_closed": True}})
    )
    trace.call("DeleteDBCluster", DBClusterIdentifier="staging-cluster")

    assert any(
        "no restore of the cluster staging-cluster" in violation
        for violation in broken(trace.finish())
    )


def test_an_instance_too_many_is_seen() -> None:
    """An instance beyond those of the plan is found."""
    trace = TraceBuilder().copy().delete().restore().create_instance("staging-cluster-3")

    assert any(
        "db staging-cluster-3 in us-west-2 stands, which its plan does not want" in violation
        for violation in broken(trace.finish())
    )


def test_another_cluster_than_the_recorded_one_is_seen() -> None:
    """The restore's answer tells which one was made."""
    trace = TraceBuilder().copy().delete().restore()

    found = broken(
        trace.go(
            State.USERS_READY,
            facts={
                "target": {"cluster_resource_id": "cluster-OTHER"},
                "users": {"production_logins_closed": True},
            },
        )
    )
    assert [] == [violation for violation in found if violation.startswith("expected-resources")]
    assert any(
        "succeeded with cluster-OTHER, and the restore had made cluster-NEW" in violation
        for violation in broken(_archived(trace))
    )


def test_a_rerun_may_adopt_what_its_chain_made() -> None:
    """The cluster and the copy of the first operation; not those of a stranger's."""
    first = TraceBuilder("first").copy().delete().restore().fail()

    assert [] == broken(first, _rerun(first, root_id="first"))
    assert any(
        "was restored by first" in violation
        for violation in broken(first, _rerun(first, root_id="stranger"))
    )


def test_a_copy_that_should_be_gone_is_seen() -> None:
    """The plan says whether it stays; gone is gone, whoever deleted it."""
    kept = _archived(
        TraceBuilder(plan=NIGHT_WITHOUT_COPIES_KEPT)
        .copy()
        .delete()
        .restore()
        .go(State.USERS_READY, facts=CLOSED)
    )
    deleted = (
        TraceBuilder(plan=NIGHT_WITHOUT_COPIES_KEPT)
        .copy()
        .delete()
        .restore()
        .go(State.USERS_READY, facts=CLOSED)
    )
    deleted.call("DeleteDBClusterSnapshot", DBClusterSnapshotIdentifier=COPY)

    assert any(
        "the-copy in us-west-2, which its plan does not keep, was not deleted" in violation
        for violation in broken(kept)
    )
    assert "expected-resources" not in names(
        broken(deleted.go(State.ARCHIVED).go(State.SUCCEEDED, notified=True))
    )


def test_a_copy_that_another_run_of_the_chain_left_is_seen() -> None:
    """The last run may know nothing of it.

    A success's archive, and another chain's copy, may stay.
    """
    first = TraceBuilder("first").copy().delete().restore().fail()
    second = TraceBuilder("second", at=first.now, root_id="first", state=State.SNAPSHOT_FOUND)
    second.call(
        "CopyDBClusterSnapshot", TargetDBClusterSnapshotIdentifier="left", Tags=second._tags()
    )
    other = TraceBuilder("other", at=first.now, state=State.SNAPSHOT_FOUND)
    other.call(
        "CopyDBClusterSnapshot", TargetDBClusterSnapshotIdentifier="others", Tags=other._tags()
    )
    found = broken(first, second, other, _rerun(first, root_id="first"))
    told = (
        "expected-resources: again succeeded, and the cluster-snapshot left in us-west-2, "
        "which second made, "
        "was not deleted."
    )

    assert [told] == [
        violation for violation in found if violation.startswith("expected-resources")
    ]


def test_a_kept_copy_that_was_deleted_is_seen() -> None:
    """The deletion of a copy that the plan keeps is found."""
    trace = TraceBuilder().copy().delete().restore().go(State.USERS_READY, facts=CLOSED)
    trace.call("DeleteDBClusterSnapshot", DBClusterSnapshotIdentifier=COPY)

    assert any(
        "the-copy in us-west-2, which its plan keeps, is gone" in violation
        for violation in broken(_archived(trace))
    )


def test_a_copy_that_could_not_be_put_away_is_a_warning() -> None:
    """The record says it, and the restore is good."""
    trace = TraceBuilder().copy().delete().restore().go(State.USERS_READY, facts=CLOSED)
    trace.go(State.TARGET_OPEN)
    trace.go(State.ARCHIVED, warnings=("archive-snapshot: AWS refused.",)).go(
        State.SUCCEEDED, notified=True
    )

    assert [] == broken(trace)


CLOSED = {"users": {"production_logins_closed": True}}


def _archived(trace: TraceBuilder) -> TraceBuilder:
    trace.call(
        "AddTagsToResource", ResourceName=COPY_ARN, Tags=[{"Key": ARCHIVED_TAG, "Value": "now"}]
    )
    return trace.go(State.ARCHIVED).go(State.SUCCEEDED, notified=True)


def _rerun(first: TraceBuilder, **who: Any) -> TraceBuilder:
    again = TraceBuilder(
        "again",
        at=first.now + timedelta(minutes=5),
        state=State.CLUSTER_RESTORED,
        facts=first.operation.facts,
        **who,
    )
    return again.go(State.INSTANCES_CREATING).go(State.RESTORED).finish()


def _is_call(entry: Entry, action: str) -> bool:
    return isinstance(entry, Called) and entry.action == action

"""No reader is created while production's logins are open."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.flow.choreography import State
from tests.simulation.trace_builder import BOUNDS, PLAN, TraceBuilder, broken

EARLY = (
    "readers: night-1 made the db staging-cluster-2 in us-west-2 while production's logins were "
    "open."
)
OF_FILES = replace(BOUNDS, blind_to=frozenset({"Announced", "Said", "Opened"}))


def made_all_at_once() -> TraceBuilder:
    """Create the reader together with the writer."""
    trace = TraceBuilder().copy().delete()
    shown = {
        "DBClusterIdentifier": "staging-cluster",
        "DbClusterResourceId": "cluster-NEW",
        "TagList": trace._tags(),
    }
    trace.call(
        "RestoreDBClusterFromSnapshot",
        {"DBCluster": shown},
        DBClusterIdentifier="staging-cluster",
        Tags=trace._tags(),
    )
    trace.go(State.CLUSTER_RESTORING, facts={"target": {"cluster_resource_id": "cluster-NEW"}}).go(
        State.CLUSTER_RESTORED
    )
    for identifier in PLAN.target.instance_ids(""):
        trace.create_instance(identifier)
    return trace.go(State.INSTANCES_CREATING).go(State.RESTORED)


def closed_after_the_reader(*, seconds: float) -> TraceBuilder:
    """Close the logins so long after the reader was asked for."""
    trace = TraceBuilder().copy().delete().restore()
    trace.create_instance("staging-cluster-2")
    closed = {
        "production_logins_closed": True,
        "exposed_until": trace.now + timedelta(seconds=seconds),
    }
    return trace.go(State.USERS_READY, facts={"users": closed})


def test_a_reader_beside_the_writer_is_seen() -> None:
    """The row that follows does not say that the logins are closed."""
    assert EARLY in broken(made_all_at_once().finish())


def test_a_reader_before_the_lock_out_is_seen() -> None:
    """A reader created before the logins were closed is found by the times of the calls."""
    assert EARLY in broken(closed_after_the_reader(seconds=0.5))


def test_cloudtrails_whole_seconds_are_no_order() -> None:
    """CloudTrail's times may be a second early, so calls that close are not ordered."""
    assert EARLY not in broken(closed_after_the_reader(seconds=0.9), bounds=OF_FILES)
    assert EARLY in broken(closed_after_the_reader(seconds=1.1), bounds=OF_FILES)


def test_readers_of_a_cluster_whose_logins_are_closed_already_are_fine() -> None:
    """A rerun may create a reader that was deleted after the logins were closed."""
    trace = (
        TraceBuilder()
        .copy()
        .delete()
        .restore()
        .go(State.READERS_CREATING, facts={"users": {"production_logins_closed": True}})
    )

    assert EARLY not in broken(trace.create_instance("staging-cluster-2").go(State.USERS_READY))

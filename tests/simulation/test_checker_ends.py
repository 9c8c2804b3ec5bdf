"""How operations end: alone on their target, in time, with a reason, told, and closed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.flow.choreography import State
from simulation.checker import Checker, violations
from simulation.history import Announced, Bounds, Entry, Opened, Reached, Said, Unnamed, Wrote
from simulation.invariants.ends import budget, slack
from tests.simulation.trace_builder import (
    BOUNDS,
    PLAN,
    TARGET,
    TraceBuilder,
    broken,
    names,
    rewritten,
    without,
)

WAIT = 3 * 60  # seconds of slack: three beats of a minute


def test_a_holder_that_is_replaced_is_seen() -> None:
    """A target goes from one holder to none before it goes to another."""
    found = broken(TraceBuilder().hold("night-2").fail())
    expected = (
        f"lock: The target {TARGET} went from night-1 to night-2, without being free in between."
    )

    assert expected in found


def test_two_operations_on_one_target_are_seen() -> None:
    """Two operations at once are found by their rows, whatever the target's item says."""
    first = TraceBuilder("first")
    second = TraceBuilder("second", at=first.now + timedelta(seconds=1))
    found = broken(first.fail(), second.fail())

    assert f"lock: second was created on {TARGET} before first had ended." in found


def test_one_after_another_is_no_overlap() -> None:
    """Operations may follow each other, and one that was skipped never held the target."""
    first = TraceBuilder("first").copy()
    soon, reason = first.now + timedelta(seconds=1), "The target is busy."
    skipped = TraceBuilder(
        "skipped", at=soon, state=State.SKIPPING, skipped_because_locked=True, reason=reason
    ).fail(State.SKIPPED)
    first.fail()

    assert [] == broken(first, skipped, TraceBuilder("second", at=first.now).fail())


def test_two_operations_of_an_export_are_compared_at_rest() -> None:
    """An export's rows come before the record that names the target, so rest compares them."""
    first, second = (
        TraceBuilder("first"),
        TraceBuilder("second", at=TraceBuilder().now + timedelta(seconds=1)),
    )
    whole = [
        entry
        for trace in (first.fail(), second.fail())
        for entry in trace.entries
        if isinstance(entry, Wrote)
    ]
    rows = sorted((entry for entry in whole if entry.table == "audit"), key=lambda entry: entry.at)
    last = [
        replace(entry, before=None)
        for entry in whole
        if entry.item.get("ended_at") and not entry.item.get("open")
    ]
    found = violations(BOUNDS, [*rows, *last], second.now)

    assert [f"second was created on {TARGET} before first had ended."] == [
        violation.sentence for violation in found if violation.invariant == "lock"
    ]


def test_what_is_open_at_rest_is_seen() -> None:
    """A record that has not ended, and one that ended and was not closed."""
    ended = TraceBuilder().fail()
    ended.entries.pop()

    assert "no-leaked-locks: night-1 is ACCEPTED, and still open." in broken(TraceBuilder())
    assert ["no-leaked-locks: night-1 is FAILED, and still open."] == broken(ended)


def test_what_is_under_way_may_be_open() -> None:
    """An operation of a real account that is given as under way may be open."""
    assert [] == broken(TraceBuilder(), bounds=replace(BOUNDS, under_way=frozenset({"night-1"})))


def test_a_target_that_is_held_by_nobody_is_seen() -> None:
    """A lock whose holder has ended is found."""
    expected = [f"no-leaked-locks: The target {TARGET} is held by night-1, which is not open."]

    assert expected == broken(TraceBuilder().fail().hold("night-1"))


@pytest.mark.parametrize(
    ("seconds", "wrong"), [(3600 + WAIT, set()), (3600 + WAIT + 1, {"deadline"})]
)
def test_a_state_that_lasts_too_long_is_seen(seconds: int, wrong: set[str]) -> None:
    """A state may last its budget and the slack, to the second."""
    trace = (
        TraceBuilder().copy().go(State.TARGET_CLEAR).go(State.CLUSTER_RESTORING, seconds=seconds)
    )

    assert wrong == names(broken(trace.fail()))


def test_the_queue_of_a_copy_has_its_own_time() -> None:
    """Waiting in Aurora's queue does not spend the copy's budget."""
    assert timedelta(hours=36) == budget(State.COPYING, PLAN)
    assert timedelta(seconds=WAIT) == slack(60, 70)


def test_time_counts_from_the_last_fault() -> None:
    """A deadline that passes among faults is extended by the slack; a later fault adds nothing."""
    trace = (
        TraceBuilder()
        .go(State.FAILING, seconds=10 * 3600, reason="It was late.", remedy="Wait.")
        .fail()
    )
    among, after = Checker(BOUNDS), Checker(BOUNDS)
    among.faults_stopped(trace.now - timedelta(seconds=WAIT))
    seen = [
        [violation.invariant for entry in trace.entries for violation in checker.see(entry)]
        for checker in (among, after)
    ]
    after.faults_stopped(trace.now)

    assert [[], ["deadline"]] == seen
    assert ([], []) == (among.rest(trace.now), after.rest(trace.now))


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED, State.SKIPPED])
def test_an_end_without_a_reason_is_seen(end: State) -> None:
    """A missing reason is found in the record and in the row."""
    found = broken(TraceBuilder().fail(end, reason=None))

    assert f"explains-failure: night-1 is {end} without a reason." in found
    assert f"explains-failure: The row of night-1 at version 3, {end}, gives no reason." in found


def test_an_end_without_a_remedy_is_seen() -> None:
    """A missing remedy is found, except of an operation that was skipped."""
    found = [
        broken(TraceBuilder().fail(end, remedy=None))
        for end in (State.FAILED, State.CANCELLED, State.SKIPPED)
    ]
    expected = [
        ["explains-failure: night-1 is FAILED without a remedy."],
        ["explains-failure: night-1 is CANCELLED without a remedy."],
        [],
    ]

    assert expected == found


def test_an_end_without_a_notification_is_seen() -> None:
    """An end without a notice is found unless its record warns of that."""
    unknown = broken(
        TraceBuilder().go(State.FAILING, reason="It fell.", remedy="Lift it.").go(State.FAILED)
    )
    silent = broken(TraceBuilder().fail(notified=False))
    warned = broken(
        TraceBuilder().fail(notified=False, warnings=("sns-notification: The topic is gone.",))
    )

    assert ["notified: night-1 is FAILED, and nobody knows whether people were told."] == unknown
    assert ["notified: night-1 is FAILED, people were not told, and no warning says so."] == silent
    assert [] == warned


def test_an_end_that_was_not_announced_is_seen() -> None:
    """A missing event is found where the history could hold it."""
    trace = without(TraceBuilder().fail(), lambda entry: isinstance(entry, Announced))
    expected = [
        "notified: night-1 was closed, and EventBridge had not accepted that it is FAILED.",
        "notified: night-1 is FAILED, and EventBridge never accepted that event.",
    ]

    assert expected == broken(trace)
    assert [] == broken(trace, bounds=replace(BOUNDS, blind_to=frozenset({"Announced"})))


SECRET = 'p"ss\u00e9 word'
KNOWING = Bounds(stage=BOUNDS.stage, sources=BOUNDS.sources, secrets=frozenset({SECRET}))


@pytest.mark.parametrize(
    "entry",
    [
        Said(TraceBuilder().now, "sql", f"ALTER ROLE app PASSWORD '{SECRET}'"),
        Said(TraceBuilder().now, "log", '{"message": "p\\"ss\\u00e9 word"}'),
        Announced(
            TraceBuilder().now,
            "RestoreFailed",
            {"operation_id": "night-1", "reason": f"not {SECRET}"},
        ),
        Wrote(
            TraceBuilder().now,
            "a-step",
            "audit",
            "night-1#000001#intent",
            {"facts": [{"x": SECRET}]},
        ),
        Wrote(TraceBuilder().now, "a-step", "state", f"target#{TARGET}", {SECRET: 1}),
        replace(TraceBuilder().call("ModifyDBCluster", DBClusterIdentifier=SECRET).entries[-1]),
    ],
)
def test_a_secret_in_any_text_is_seen_and_not_repeated(entry: Entry) -> None:
    """A secret is found as it is and as JSON writes it, and the finding does not repeat it."""
    found = [
        violation
        for violation in broken(TraceBuilder().fail(), bounds=KNOWING, extra=[entry])
        if violation.startswith("secret")
    ]

    assert 1 == len(found)
    assert SECRET not in found[0]


def test_the_password_is_where_it_has_to_be() -> None:
    """The request that sets the master's password may hold it."""
    trace = TraceBuilder().call(
        "ModifyDBCluster", DBClusterIdentifier="staging-cluster", MasterUserPassword=SECRET
    )

    assert "secret" not in names(broken(trace.fail(), bounds=KNOWING))


def test_a_login_of_productions_after_a_success_is_seen() -> None:
    """A production login that works after a success is found, unless the plan keeps it."""
    plan = replace(PLAN, users=replace(PLAN.users, keep_login_roles=("auditor",)))
    trace = TraceBuilder(plan=plan).succeed()
    early, late, kept = (
        Opened(at, "cluster-NEW", role)
        for at, role in [(trace.entries[0].at, "boss"), (trace.now, "boss"), (trace.now, "auditor")]
    )
    trace.entries.insert(0, early)
    expected = [
        "logins-revoked: Production's login boss opens cluster-NEW, with which night-1 succeeded."
    ]

    assert expected == broken(trace, extra=[kept, late])


def test_a_login_that_was_taken_and_is_not_named_is_seen() -> None:
    """A production login that was closed without being named in the record is found."""
    trace = TraceBuilder().succeed()
    found = broken(trace, extra=[Unnamed(trace.now, "cluster-NEW", "billing")])
    expected = [
        "logins-revoked: night-1 took production's login billing, and its record does not name it."
    ]

    assert expected == found


def test_a_way_to_production_after_a_success_is_seen() -> None:
    """A way to production is found unless QUIESCE leaves it, as is one closed without a record."""
    trace = TraceBuilder(
        plan=replace(PLAN, users=replace(PLAN.users, quiesce=("-partman",)))
    ).succeed()
    ways = (
        Reached(trace.now, "cluster-NEW", kind, is_open)
        for kind, is_open in [("dblink", True), ("partman", True), ("user-mappings", False)]
    )
    expected = [
        "logins-revoked: Production's dblink are on cluster-NEW, with which night-1 succeeded.",
        (
            "logins-revoked: night-1 stopped production's user-mappings, and its record does not "
            "count them."
        ),
    ]

    assert expected == broken(trace, extra=[*ways])


def test_a_success_that_does_not_know_the_logins_closed_is_seen() -> None:
    """A success whose record does not say that the logins are closed is found."""
    found = broken(
        rewritten(
            TraceBuilder().succeed(),
            "night-1",
            facts={"target": {"cluster_resource_id": "cluster-NEW"}},
        )
    )
    expected = (
        "logins-revoked: night-1 succeeded, and its record does not say that production's "
        "logins are "
        "closed."
    )

    assert expected in found

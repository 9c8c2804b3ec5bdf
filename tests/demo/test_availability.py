"""What a client of the target got during a night: whole data, and how long nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from localaws.foreground import SPEED
from localaws.startup import SMALL

from chalicelib.flow.choreography import State
from demo import availability
from demo.availability import Service, check_return, check_service, seconds_allowed
from demo.databases import TableContent
from demo.steady_client import Answer, Reading, choose_question
from tests.demo import scene

NIGHT = datetime(2026, 11, 27, 3, tzinfo=UTC)
STALE = Answer(is_stale=True, content=TableContent(1, "1"))
FRESH = Answer(is_stale=False, content=TableContent(3, "17"))
HALF = Answer(is_stale=False, content=TableContent(2, "9"))
SWAP = {State.SWAPPING: 10, State.TARGET_RENAMED: 16, State.TARGET_OPEN: 17}


def at(seconds: float) -> datetime:
    """Give a moment of the night."""
    return NIGHT + timedelta(seconds=seconds)


def service(*answers: tuple[float, Answer], lasted: float = 20) -> Service:
    """Make what a client got: answers, each at a second of the night."""
    readings = [Reading(at(seconds), answer) for seconds, answer in answers]
    return Service(100, at(0), at(lasted), readings)


def trail(**states: int) -> list[dict[str, str]]:
    """Make the audit rows of an operation, with the second at which each state began."""
    return [
        {"metric_id": state, "to_state": state, "at": at(seconds).isoformat()}
        for state, seconds in states.items()
    ]


def sentence(seen: Service, states: dict[State, int] = SWAP) -> tuple[bool, str]:
    """Check a service; return whether it passed, and what was said."""
    checked = check_service(seen, trail(**states), STALE, FRESH)
    return checked.passed, checked.sentence


GOOD = ((1, STALE), (6, STALE), (11, STALE), (15.5, FRESH), (19, FRESH))


def test_the_longest_time_without_an_answer_and_its_states_are_told() -> None:
    """The longest pause between two answers is told, with each state in which a part of it was."""
    seen = service((1, STALE), (6, STALE), (9, STALE), (16.5, FRESH), (19, FRESH))

    passed, said = sentence(seen)

    assert passed
    assert said == (
        "A client that queried every 200 ms got 5 of 100 answers, each of whole data; the longest "
        "time without one was 7.5 s, in SWAPPING, TARGET_RENAMED (at most 19 s)."
    )


def test_a_silence_before_the_first_and_after_the_last_answer_counts() -> None:
    """Nothing is hidden at the two ends of the client's work."""
    early = service((8, STALE), (9, FRESH), lasted=10)
    late = service((1, STALE), (2, FRESH), lasted=10)

    assert (8, 8) == (early.longest_silence.seconds, late.longest_silence.seconds)


def test_a_client_that_waits_longer_than_two_renames_fails_the_demo() -> None:
    """Beyond the renames and the margin the check fails, and says how long it may take."""
    passed, said = sentence(service((1, STALE), (40, FRESH), lasted=41))

    assert not passed
    assert said.endswith("more than the 19 s that it may take.")


@pytest.mark.parametrize(
    "answers",
    [((1, STALE), (2, HALF), (3, FRESH)), ((1, STALE), (2, FRESH), (3, STALE), (4, FRESH))],
    ids=["neither", "back"],
)
def test_half_made_data_fails_the_demo(answers: Sequence[tuple[float, Answer]]) -> None:
    """An answer that is neither whole fails the check, and so does old data after the new."""
    passed, said = sentence(service(*answers))

    assert not passed
    assert said.startswith("A client saw half-made data: ")


@pytest.mark.parametrize("answers", [(), ((1, STALE),)], ids=["none", "only the old"])
def test_a_client_that_never_sees_the_new_data_fails_the_demo(
    answers: Sequence[tuple[float, Answer]],
) -> None:
    """No answer, or none of the other data, proves nothing."""
    assert not sentence(service(*answers, lasted=2))[0]


def test_a_deletion_has_no_limit() -> None:
    """Where nothing is renamed, the time without an answer is told and not judged."""
    states = {State.TARGET_DELETING: 2, State.TARGET_CLEAR: 50, State.TARGET_OPEN: 99}
    passed, said = sentence(service((1, STALE), (98, FRESH), lasted=99), states)

    assert passed
    assert said.endswith("97.0 s, in TARGET_DELETING, TARGET_CLEAR.")


def test_a_restart_may_take_its_time() -> None:
    """Stop and start count where the trail has them, at the pace of the local AWS."""
    restarted = trail(**SWAP, TARGET_RESTARTING=16)

    assert 12 == (seconds_allowed(restarted) or 0) - (seconds_allowed(trail(**SWAP)) or 0)


def test_the_seconds_are_those_of_localaws() -> None:
    """The limits follow from how long the local AWS takes for a rename and a restart."""
    pace = SMALL.scaled(SPEED)

    assert availability.RENAME_SECONDS == pytest.approx(pace.rename_lag + pace.rename)
    assert availability.RESTART_SECONDS == pytest.approx(pace.cluster_stop + pace.cluster_start)


def test_the_smallest_table_that_differs_tells_the_nights_apart() -> None:
    """A table of both clusters that differs is asked for, and the smallest of several."""
    source = {
        "shop.a.same": TableContent(1, "1"),
        "shop.a.big": TableContent(90, "2"),
        "shop.a.small": TableContent(5, "3"),
        "shop.a.new": TableContent(1, "4"),
        "ledger.a.other": TableContent(2, "5"),
    }
    target = {
        "shop.a.same": TableContent(1, "1"),
        "shop.a.big": TableContent(80, "6"),
        "shop.a.small": TableContent(4, "7"),
        "ledger.a.other": TableContent(1, "8"),
    }
    question = choose_question("shop", source, target)

    assert ("a", "small") == question.table
    assert (Answer(True, TableContent(4, "7")), Answer(False, TableContent(5, "3"))) == (
        question.stale,
        question.fresh,
    )


def test_without_a_common_table_the_mark_tells_the_nights_apart() -> None:
    """A dump without tables, or one that is hidden, leaves the mark of the earlier night."""
    hidden = {"shop.a.t": TableContent(0, "", is_whole=False)}
    question = choose_question("shop", hidden, {"shop.a.t": TableContent(1, "1")})

    assert (None, True, False) == (
        question.table,
        question.stale.is_stale,
        question.fresh.is_stale,
    )


def test_going_back_needs_the_old_cluster_and_its_rows() -> None:
    """Yesterday is back only with the resource id and the rows of before the night."""
    before = scene.stale()
    again, another = scene.stale(), scene.stale(resource_id="cluster-NEW")
    emptied = scene.stale(tables={})
    results = [check_return(before, after).passed for after in (again, another, emptied)]

    assert [True, False, False] == results

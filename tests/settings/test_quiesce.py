"""QUIESCE: everything is stopped on the copy unless it is named off."""

import pytest

from chalicelib.flow.quiesce_kinds import KINDS, chosen, sentence, summary


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("all", set()),
        ("none", set(KINDS)),
        ("-event-triggers", {"event-triggers"}),
        ("all,-dblink,-partman", {"dblink", "partman"}),
    ],
)
def test_everything_is_stopped_except_excluded_kinds(value: str, left: set[str]) -> None:
    """Everything is stopped but the kinds that QUIESCE names off."""
    assert tuple(kind for kind in KINDS if kind not in left) == chosen(value.split(","))


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        ("-cron-job", "did you mean -cron-jobs?"),
        ("user_mappings", "did you mean -user-mappings?"),
        ("subscriptions", "-subscriptions leaves that kind as it is"),
        ("none,-dblink", "the kinds are"),
        ("-xyz", "the kinds are prepared-transactions, event-triggers"),
    ],
)
def test_a_value_that_names_no_kind_is_refused_with_the_nearest(value: str, summary: str) -> None:
    """A value without a minus or of no kind is refused with the nearest kind."""
    with pytest.raises(ValueError, match="should be all, none, or the kinds") as refusal:
        chosen(value.split(","))
    assert summary in str(refusal.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_described_in_words(kind: str) -> None:
    """Every kind has words for one and for several."""
    one, two = summary({kind: 1}, KINDS), summary({kind: 2}, KINDS)

    assert (one[:2], two[:2]) == ("1 ", "2 ")
    assert one[2:] != two[2:]


def test_what_was_stopped_is_reported_with_its_outcome() -> None:
    """The sentence names what was stopped and how, or that nothing was found."""
    found = {"prepared-transactions": 1, "event-triggers": 1, "subscriptions": 2}
    stopped = (
        "1 prepared transaction rolled back, 1 event trigger disabled, 2 subscriptions dropped"
    )

    assert f"stopped or cut off: {stopped}" == sentence(found, ())
    assert sentence({}, ()) == "nothing was found to stop"

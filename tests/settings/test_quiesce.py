"""QUIESCE: everything is stopped on the copy unless it is named off."""

import pytest

from chalicelib.quiesce import KINDS, chosen


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("all", set()),
        ("none", set(KINDS)),
        ("-event-triggers", {"event-triggers"}),
        ("all,-dblink,-partman", {"dblink", "partman"}),
    ],
)
def test_all_is_stopped_but_what_is_named_off(value: str, left: set[str]) -> None:
    """A list of what to stop would miss the kind that is added later."""
    assert tuple(kind for kind in KINDS if kind not in left) == chosen(value.split(","))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("-cron-job", "did you mean -cron-jobs?"),
        ("user_mappings", "did you mean -user-mappings?"),
        ("subscriptions", "-subscriptions leaves that kind as it is"),
        ("none,-dblink", "the kinds are"),
        ("-xyz", "the kinds are prepared-transactions, event-triggers"),
    ],
)
def test_a_value_that_names_no_kind_is_refused_with_the_nearest(value: str, told: str) -> None:
    """Also a kind without a minus: it would be read as one that alone is stopped."""
    with pytest.raises(ValueError, match="should be all, none, or the kinds") as refusal:
        chosen(value.split(","))
    assert told in str(refusal.value)

"""One contract for both stores: what a condition means, what is written, and in which order an
index is read.
"""

from typing import Any

import pytest

from chalicelib.records.store import Change, ConditionError, Item, Store, When

STOOD: Item = {
    "colour": "red",
    "number": 3,
    "names": ["one", "two"],
    "until": "2026-01-01T00:00:00.000Z",
}


def holds(store: Store, when: When) -> bool:
    """Tell whether a condition lets a change of the item `one` through."""
    try:
        store.change(Change("one", assign={"changed": True}, when=(when,)))
    except ConditionError:
        return False
    return True


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When("colour", "is", "red"), True),
        (When("colour", "is", "blue"), False),
        (When("number", "is", 3), True),
        (When("number", "is", "3"), False),
        (When("names", "is", ["one", "two"]), True),
        (When("names", "is", ["two", "one"]), False),
        (When("names", "is", ["one"]), False),
        (When("missing", "is", "red"), False),
        (When("colour", "in", ("blue", "red")), True),
        (When("colour", "in", ("blue",)), False),
        (When("missing", "in", ("red",)), False),
        (When("missing", "absent"), True),
        (When("colour", "absent"), False),
        (When("missing", "free_by", "2020-01-01T00:00:00.000Z"), True),
        (When("until", "free_by", "2026-01-01T00:00:00.000Z"), True),
        (When("until", "free_by", "2026-01-01T00:00:00.001Z"), True),
        (When("until", "free_by", "2025-12-31T23:59:59.999Z"), False),
    ],
)
def test_a_condition_holds_or_not(store: Store, when: When, expected: bool) -> None:
    """Each test of each attribute means the same in both implementations."""
    store.change(Change("one", assign=STOOD))

    assert expected is holds(store, when)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When("colour", "is", "red"), False),
        (When("colour", "in", ("red",)), False),
        (When("operation_id", "absent"), True),
        (When("until", "free_by", "2026"), True),
    ],
)
def test_a_condition_on_an_item_that_is_not_there(store: Store, when: When, expected: bool) -> None:
    """An item that does not exist has none of the attributes."""
    assert expected is holds(store, when)


def test_all_conditions_of_a_change_have_to_hold(store: Store) -> None:
    """A change with one condition that fails writes nothing."""
    store.change(Change("one", assign=STOOD))
    both = (When("colour", "is", "red"), When("number", "is", 4))
    with pytest.raises(ConditionError):
        store.change(Change("one", assign={"colour": "blue"}, when=both))

    assert "red" == (store.get("one") or {})["colour"]


def test_a_failed_condition_tells_what_stood_there(store: Store) -> None:
    """A failed condition returns the item that was there."""
    store.change(Change("one", assign=STOOD))
    with pytest.raises(ConditionError) as caught:
        store.change(
            Change("one", assign={"colour": "blue"}, when=(When("colour", "is", "green"),))
        )
    found = (
        caught.value.failed,
        caught.value.items,
    )

    assert ((True,), ({"operation_id": "one", **STOOD},)) == found


def test_a_failed_condition_on_nothing_tells_that_nothing_stood_there(store: Store) -> None:
    """A failed condition on a missing item returns None and makes no item."""
    with pytest.raises(ConditionError) as caught:
        store.change(Change("one", assign=STOOD, when=(When("colour", "is", "red"),)))

    assert ((None,), None) == (caught.value.items, store.get("one"))


def test_several_changes_happen_all_or_none(store: Store) -> None:
    """In both tables.

    The error tells which conditions failed and what stood there, in the order of the changes.
    """
    store.change(Change("two", assign={"colour": "green"}))
    with pytest.raises(ConditionError) as caught:
        store.change_all(
            Change("one", assign=STOOD),
            Change("two", assign={"colour": "blue"}, when=(When("colour", "is", "red"),)),
            Change("row", assign={"operation_id": "one"}, table="audit"),
        )
    found = (store.get("one"), store.get("two"), store.get("row", "audit"))

    assert (None, {"operation_id": "two", "colour": "green"}, None) == found
    assert (False, True, False) == caught.value.failed
    assert (None, {"operation_id": "two", "colour": "green"}, None) == caught.value.items


def test_several_changes_are_written_together(store: Store) -> None:
    """Changes in both tables are written when all their conditions hold."""
    store.change_all(
        Change("one", assign=STOOD), Change("row", assign={"operation_id": "one"}, table="audit")
    )
    found = (
        store.get("one"),
        store.get("row", "audit"),
    )

    assert ({"operation_id": "one", **STOOD}, {"metric_id": "row", "operation_id": "one"}) == found


@pytest.mark.parametrize(
    "value",
    [
        0,
        -7,
        10**15,
        0.5,
        12.345,
        1e-3,
        "",
        "text",
        "ünïcode",
        True,
        False,
        [],
        {},
        [1, "two", [3.5]],
        {"nested": {"map": [{"deep": True}], "empty": {}}},
        ["a", {"b": 0.25}],
    ],
)
def test_a_value_comes_back_as_it_was(store: Store, value: Any) -> None:
    """Numbers, booleans and nested values are read as they were written."""
    written = store.change(Change("one", assign={"value": value}))["value"]
    read = (store.get("one") or {})["value"]

    assert (value, value, type(value)) == (written, read, type(read))


def test_a_tuple_comes_back_as_a_list(store: Store) -> None:
    """A tuple is read as a list, because DynamoDB has lists only."""
    store.change(Change("one", assign={"value": ("a", ("b",)), "map": {"inside": (1,)}}))
    found = store.get("one")

    assert {"operation_id": "one", "value": ["a", ["b"]], "map": {"inside": [1]}} == found


def test_a_whole_float_is_equal_to_its_integer(store: Store) -> None:
    """DynamoDB has one kind of number, so only equality is promised."""
    store.change(Change("one", assign={"value": 162.0}))

    assert {"operation_id": "one", "value": 162} == store.get("one")


def test_what_is_returned_is_a_copy(store: Store) -> None:
    """A change of a value that was given or returned changes nothing in the store."""
    given = {"list": [1]}
    store.change(Change("one", assign=given))
    given["list"].append(2)
    (store.get("one") or {})["list"].append(3)

    assert {"operation_id": "one", "list": [1]} == store.get("one")


def test_a_change_keeps_what_it_does_not_name(store: Store) -> None:
    """A change keeps attributes that it does not name, such as another version's."""
    store.change(Change("one", assign=STOOD))
    now = store.change(Change("one", assign={"colour": "blue"}, remove=("until", "never_was")))

    kept = {"number": 3, "names": ["one", "two"]}
    assert {"operation_id": "one", "colour": "blue", **kept} == now


def test_numbers_are_added_to_what_is_there_or_to_nothing(store: Store) -> None:
    """A counter needs no first value."""
    store.change(Change("one", add={"attempts": 1}))
    now = store.change(Change("one", add={"attempts": 2, "others": -1}))

    assert {"operation_id": "one", "attempts": 3, "others": -1} == now


def test_reserved_words_and_odd_names_are_attributes_like_others(store: Store) -> None:
    """`state`, `open`, `plan` and `at` are among DynamoDB's reserved words, or near them."""
    item = {
        "state": "NEW",
        "open": "yes",
        "plan": "default",
        "at": "now",
        "name": "x",
        "values": [1],
        "size": 2,
    }
    store.change(Change("one", assign=item, when=(When("state", "absent"), When("size", "absent"))))

    assert {"operation_id": "one", **item} == store.get("one")


def test_an_attribute_may_be_written_and_asked_for_at_once(store: Store) -> None:
    """The condition sees what stood there before the change."""
    store.change(Change("one", assign={"version": 1}))
    now = store.change(Change("one", assign={"version": 2}, when=(When("version", "is", 1),)))

    assert 2 == now["version"]


def due(store: Store, **how: Any) -> list[str]:
    """List the keys in the index of open operations."""
    return [item["operation_id"] for item in store.query("open-by-due", "yes", **how)]


def five_due(store: Store) -> None:
    """Put five open items and some that are not in the index."""
    for number in (3, 1, 5, 2, 4):
        store.change(
            Change(f"open-{number}", assign={"open": "yes", "due_at": f"2026-01-0{number}"})
        )
    store.change(Change("closed", assign={"due_at": "2026-01-01"}))
    store.change(Change("never-due", assign={"open": "yes"}))
    store.change(Change("otherwise", assign={"open": "no", "due_at": "2026-01-01"}))


def test_an_index_is_read_in_order(store: Store) -> None:
    """An index is read in the order of its range key, without items that lack a key."""
    five_due(store)

    assert [f"open-{number}" for number in (1, 2, 3, 4, 5)] == due(store)


def test_an_index_is_read_up_to_a_value(store: Store) -> None:
    """An index is read up to a value and including it."""
    five_due(store)

    assert ["open-1", "open-2", "open-3"] == due(store, up_to="2026-01-03")


def test_an_index_is_read_newest_first(store: Store) -> None:
    """An index is read newest first for the last operations of a plan."""
    five_due(store)

    assert ["open-5", "open-4", "open-3", "open-2", "open-1"] == due(store, newest_first=True)


def test_an_index_is_read_over_several_pages(store: Store) -> None:
    """An index that is read in pages loses and doubles no item."""
    five_due(store)

    assert [f"open-{number}" for number in (1, 2, 3, 4, 5)] == due(store, page=2)


def test_an_item_leaves_an_index_with_its_key(store: Store) -> None:
    """The index of open operations is sparse: its cost follows what is open."""
    five_due(store)
    store.change(Change("open-2", remove=("open", "due_at")))

    assert ["open-1", "open-3", "open-4", "open-5"] == due(store)


def test_the_trail_of_one_operation_is_read_in_order(store: Store) -> None:
    """The audit rows of one operation are read in the order of their keys."""
    for key in ("a#000002", "a#000001", "b#000001", "a#000002#intent"):
        store.change(Change(key, assign={"operation_id": key[0]}, table="audit"))
    found = [row["metric_id"] for row in store.query("by-operation", "a")]

    assert ["a#000001", "a#000002", "a#000002#intent"] == found


def test_the_operations_of_a_plan_are_read_newest_first(store: Store) -> None:
    """The operations of a plan are read newest first."""
    for number in (1, 3, 2):
        store.change(
            Change(f"one-{number}", assign={"plan": "default", "created_at": f"2026-01-0{number}"})
        )
    found = [item["operation_id"] for item in store.query("by-plan", "default", newest_first=True)]

    assert ["one-3", "one-2", "one-1"] == found


def test_an_attribute_may_have_any_name(store: Store) -> None:
    """The target's item has attributes that are named after clusters' resource ids."""
    name = "retirement#cluster-A2.B_3"
    store.change(Change("one", assign={name: "first"}, when=(When(name, "absent"),)))
    store.change_all(Change("one", assign={name: "second"}, when=(When(name, "is", "first"),)))
    noted = (store.get("one") or {}).get(name)
    store.change(Change("one", remove=(name,), add={"count#x": 1}, when=(When(name, "is", noted),)))

    assert "second" == noted
    assert {"count#x": 1} == {
        key: value for key, value in (store.get("one") or {}).items() if "#" in key
    }

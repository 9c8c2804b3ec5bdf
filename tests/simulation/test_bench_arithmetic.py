"""The benchmark's arithmetic: DynamoDB's sizes and units, prices, rates, and the time of a
function.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.latencies import COLD_START_SECONDS, KEPT_WARM, WARM_START_SECONDS, LocalClock, Warmth
from bench.markdown import filled
from bench.meter import HEARTBEAT, Meter, mean
from bench.prices import PRICES, dollars
from bench.rates import RDS_BURST, Busy, Tick, beyond, minute_most
from bench.sizes import item_bytes, read_units, write_units
from bench.tables import MeteredStore, PricedTables
from chalicelib.records.store import Change, ConditionError, When

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("text", 4),
        ("Grün", 5),
        (True, 1),
        (None, 1),
        (7, 2),
        (1234, 3),
        (0.125, 3),
        ([], 3),
        (["ab", "c"], 8),
        ({}, 3),
        ({"k": "v"}, 6),
    ],
)
def test_a_value_is_as_large_as_the_guide_says(value: Any, size: int) -> None:
    """Names and text in UTF-8, a byte for two digits and one more, 3 bytes for a list and 1 for
    each element.
    """
    assert len("name") + size == item_bytes({"name": value})


def test_a_unit_is_begun_by_its_first_byte() -> None:
    """1 KB is one write unit and a byte more is two.

    4 KB is one consistent read, half of it otherwise.
    """
    written = [write_units(size) for size in (0, 1024, 1025)]
    read = [read_units([size], consistent=True) for size in (0, 4096, 4097)]

    assert ([1, 1, 2], [1, 1, 2]) == (written, read)
    assert 0.5 == read_units([2000, 2000], consistent=False)


def _store() -> tuple[MeteredStore, Meter]:
    meter = Meter()
    return MeteredStore(
        PricedTables(lambda _key, _item: None), meter, "step", lambda _service: None
    ), meter


def _written(meter: Meter) -> float:
    return meter.counts["step", "write units"]


def test_an_index_costs_its_own_units_and_a_new_key_two() -> None:
    """A small open record: the table and two indexes.

    A new due time moves it in one index and rewrites the other.
    """
    store, meter = _store()
    store.change(
        Change("one", assign={"open": "yes", "due_at": "1", "plan": "default", "created_at": "1"})
    )
    made = _written(meter)
    store.change(Change("one", assign={"due_at": "2"}))
    moved = _written(meter) - made
    store.change(Change("one", remove=("open", "due_at")))

    assert (3, 1 + 2 + 1, 1 + 1 + 1) == (made, moved, _written(meter) - made - moved)


def test_a_transaction_costs_twice_and_what_is_refused_costs_too() -> None:
    """Two small items without an index, then a condition that does not hold."""
    store, meter = _store()
    store.change_all(Change("one", assign={"a": "b"}), Change("two", assign={"a": "b"}))
    both = _written(meter)
    with pytest.raises(ConditionError):
        store.change(Change("one", assign={"a": "c"}, when=(When("a", "is", "d"),)))

    assert (2 * 2, 1) == (both, _written(meter) - both)


def test_a_size_follows_the_changes() -> None:
    """An item's size after additions, replacements and removals is that of a fresh computation."""
    tables = PricedTables(lambda _key, _item: None)
    tables.change(Change("one", assign={"facts": {"a": [1, 2]}, "name": "x"}, add={"attempts": 1}))
    tables.change(Change("one", assign={"name": "longer"}, add={"attempts": 99}, remove=("facts",)))

    assert item_bytes(tables.tables["state"]["one"]) == tables.size("one")


def test_a_query_is_paid_page_by_page_as_far_as_it_is_read() -> None:
    """A reader who wants 11 of 25 items pays for two pages of ten."""
    store, meter = _store()
    for number in range(25):
        store.change(Change(f"{number:02d}", assign={"open": "yes", "due_at": f"{number:02d}"}))
    calls = meter.counts["step", "dynamodb"]
    found = store.query("open-by-due", "yes", up_to="99", page=10)
    keys = [next(found)["operation_id"] for _ in range(11)]

    assert f"{10:02d}" == keys[-1]
    assert 2 == meter.counts["step", "dynamodb"] - calls
    assert 20 == meter.counts["step", "items by index"]


def test_every_price_says_where_it_is_from_and_what_is_counted_is_priced() -> None:
    """A million requests of Lambda are twenty cents; what has no price costs nothing."""
    assert all(price.dollars > 0 and price.source and price.unit for price in PRICES.values())
    assert 0.2 == pytest.approx(dollars({"requests": 1e6, "rds": 1e6}))


def test_lambda_bills_each_millisecond_that_has_begun_and_events_their_64_kb() -> None:
    """100.2 ms are 101; an entry of 65 KB is two events."""
    meter = Meter()
    meter.invoked("step", 0.1002)
    meter.called(
        "step", "events", "put_events", {"Entries": [{"Detail": "x"}, {"Detail": "x" * 65 * 1024}]}
    )

    assert 0.101 == meter.by_kind()["seconds"]
    assert 3 == meter.by_kind()["events"]
    assert 1 == meter.by_kind()["events calls"]


def test_counts_are_averaged_per_function() -> None:
    """Two nights, of which the heartbeat's part can be asked for."""
    nights = [Meter({("step", "rds"): 4, (HEARTBEAT, "rds"): 1}), Meter({("step", "rds"): 2})]

    assert {"rds": 3.5} == mean(nights).by_kind()
    assert {"rds": 0.5} == mean(nights).by_kind([HEARTBEAT])


def test_auroras_own_time_is_when_it_had_something_under_way() -> None:
    """Two minutes, a pause, and one minute more; when it ended is known from what was due."""
    busy = Busy()
    for now, due in ((0, 120), (60, 120), (130, None), (200, None), (300, 360), (361, None)):
        busy.see(_after(now), None if due is None else _after(due))

    assert 180 == busy.seconds


def test_calls_beyond_the_rate_are_those_that_find_no_token() -> None:
    """300 at once are taken, and 12 a second after that."""
    assert 0 == beyond({10: RDS_BURST})
    assert 1 == beyond({10: RDS_BURST + 1})
    assert 0 == beyond({10: RDS_BURST, 11: 12})
    assert 5 == beyond({10: RDS_BURST, 11: 17})
    assert 7 == minute_most({0: 3, 59: 4, 61: 2})


def test_a_function_starts_cold_unless_an_environment_is_free() -> None:
    """The first, the next after it, one beside a busy one, and one after a long rest."""
    warmth = Warmth()
    starts = [warmth.start_seconds("step", NOON)]
    warmth.ended("step", _after(1))
    starts += [warmth.start_seconds("step", _after(2)), warmth.start_seconds("step", _after(2))]
    warmth.ended("step", _after(3))
    starts.append(warmth.start_seconds("step", _after(4) + KEPT_WARM))
    expected = [
        COLD_START_SECONDS,
        WARM_START_SECONDS,
        COLD_START_SECONDS,
        COLD_START_SECONDS,
    ]

    assert expected == starts


def test_an_invocation_is_ahead_of_the_others_and_holds_nobody_up() -> None:
    """An invocation spends its own time and delays no other."""
    clock = LocalClock(NOON)
    clock.spend(2.5)
    ahead = clock.now()
    clock.back()

    assert (_after(2.5), NOON) == (ahead, clock.now())


def test_a_tick_knows_what_it_read_itself() -> None:
    """The meter counts on from tick to tick."""
    meter = Meter({(HEARTBEAT, "items by index"): 7, (HEARTBEAT, "read units"): 2.5})
    first = Tick.of(0.1, meter, [])
    meter.add(HEARTBEAT, "items by index", 3)

    assert 7 == first.items
    assert 3 == Tick.of(0.1, meter, [first]).items
    assert 0 == Tick.of(0.1, meter, [first]).units


def test_the_lines_of_a_list_item_are_indented() -> None:
    """Each item of a list is broken by itself; a paragraph begins all its lines at the margin."""
    item, paragraph = filled(f"- {'word ' * 30}"), filled(f"{'word ' * 30}\n\nlast")

    assert ["- word", "  word"] == [line[:6] for line in item.splitlines()]
    assert ["word", "word", "", "last"] == [line[:4] for line in paragraph.splitlines()]

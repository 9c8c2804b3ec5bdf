"""Names of what we make: RDS takes every one of them, at the extremes of what names them."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.flow.identifiers import automatic_id, catch_up_id, requested_id, resource_name
from tests.settings.test_variables import COMPLETE, plan

RDS_IDENTIFIER = re.compile(r"[a-z](-?[a-z0-9])*")
SUFFIX = "-final"
STAGES = ("a", "prod", "a" * 16, "a1" * 8)
TEXTS = (
    "x",
    "x" * 128,
    "-",
    "--",
    "-x-",
    "7",
    "Ünïcödé",
    "rds:prod-2026",
    "a b",
    "🙂",
    "\x00",
    "target#x",
    "--7--",
    "A" * 24 + "-",
)


def texts(seed: int) -> Iterator[str]:
    """Give the extremes, and a few hundred texts of all kinds of characters and lengths."""
    yield from TEXTS
    dice = random.Random(seed)  # noqa: S311 # the same texts every time
    for _ in range(300):
        yield "".join(dice.choice("abzAZ09-._:/# é\t🙂") for _ in range(dice.randint(1, 128)))


def is_identifier(name: str) -> bool:
    """Tell whether RDS takes a name for something new (API reference, CopyDBClusterSnapshot)."""
    return len(name) <= 63 and RDS_IDENTIFIER.fullmatch(name) is not None


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_snapshot_starts_has_a_name_that_rds_takes(stage: str) -> None:
    """The id of an automatic operation is a valid RDS name, the same for every duplicate."""
    for number, snapshot in enumerate(texts(1)):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        operation_id = automatic_id("p" + "lan-" * (number % 8), stage, snapshot, moment)
        names = [
            resource_name(stage, identifier)
            for identifier in (operation_id, catch_up_id(operation_id))
        ]

        assert [] == [name for name in names if not is_identifier(f"{name}{SUFFIX}")]
        assert operation_id == automatic_id("p" + "lan-" * (number % 8), stage, snapshot, moment)
        assert names[0] != names[1]


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_person_asks_for_has_a_name_that_rds_takes(stage: str) -> None:
    """The id of a requested operation is a valid RDS name, whatever the request is called."""
    for request_id in texts(2):
        operation_id = requested_id(request_id)
        names = [
            resource_name(stage, identifier)
            for identifier in (operation_id, catch_up_id(operation_id))
        ]

        assert [] == [name for name in names if not is_identifier(f"{name}{SUFFIX}")]
        assert operation_id == requested_id(request_id)


def test_two_requests_are_two_operations() -> None:
    """However alike their ids look once written as names.

    And none is called like a target's item.
    """
    asked = set(texts(3))
    ids = {requested_id(request_id) for request_id in asked}

    assert len(asked) == len(ids)
    assert not [operation_id for operation_id in ids if "#" in operation_id]


def test_two_snapshots_two_plans_and_two_stages_are_different_operations() -> None:
    """Stages share a table only by mistake, but names of what they make share an account."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    ids = {
        automatic_id(name, stage, snapshot, moment + timedelta(milliseconds=late))
        for name in ("default", "weekly")
        for stage in ("dev", "prod")
        for snapshot in ("one", "two")
        for late in (0, 1)
    }

    assert 16 == len(ids)


def test_following_an_operation_again_and_again_gives_new_names_that_stay_short() -> None:
    """Catching up happens a few times at most, and each has a record of its own."""
    ids = [requested_id("x" * 128)]
    for _ in range(5):
        ids.append(catch_up_id(ids[-1]))

    assert 6 == len(set(ids))
    assert max(map(len, ids)) <= 50


@pytest.mark.parametrize("target", ["s", "staging-cluster", "t" * 57, "a-" * 28 + "a"])
@pytest.mark.parametrize("count", [1, 2, 16])
def test_instances_have_names_that_rds_takes_and_keep_them(target: str, count: int) -> None:
    """Endpoints in people's settings depend on them.

    The longest target leaves room for a dash and a number.
    """
    settings = {"TARGET_CLUSTER_ID": target, "INSTANCE_COUNT": str(count)}
    resolved = plan({**COMPLETE, **settings, "REPLACEMENT": "delete-first"})

    assert count == len(set(resolved.target.instance_ids("first")))
    assert all(map(is_identifier, resolved.target.instance_ids("first")))
    assert f"{target}-1" == resolved.target.instance_ids("first")[0]


@pytest.mark.parametrize("target", ["s", "staging-cluster", "t" * 53, "a-" * 26 + "a"])
@pytest.mark.parametrize("count", [1, 2, 16])
def test_instances_of_clusters_that_are_swapped_have_names_of_their_own(
    target: str, count: int
) -> None:
    """Those of the old cluster still hold theirs.

    The longest target leaves room for digits of the operation and a number.
    """
    settings = {"TARGET_CLUSTER_ID": target, "INSTANCE_COUNT": str(count), "REPLACEMENT": "swap"}
    resolved = plan({**COMPLETE, **settings}).target
    names = {root: resolved.instance_ids(root) for root in ("first", "second")}

    assert count == len(set(names["first"]))
    assert set() == {*names["first"]} & {*names["second"]}
    assert all(map(is_identifier, [*names["first"], *resolved.cluster_ids]))
    assert resolved.instance_ids("first") == names["first"]

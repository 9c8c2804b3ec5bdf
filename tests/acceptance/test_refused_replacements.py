"""Whatever AWS refuses before a target is replaced leaves people the old one: over HTTP, with the
rights of the deployed roles.
"""

import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest

from demo import next_steps
from demo.aws import Aws
from demo.inspection import Inspector, TargetInspection
from tests.acceptance.operations import (
    LOOK_SECONDS,
    NIGHT_SECONDS_MAX,
    asked_for,
    end_of_newest,
    newest_record,
)
from tests.acceptance.role_decisions import without
from tests.acceptance.up import READY, Up, free_port

# What comes last before the old target is changed, or changes it first: the statement that allows
# it. (The rollback of a rename that is denied waits for two minutes.)
LATE = {
    "swap": ("setup-db-users", "CreateInstances"),
    "pointer": ("swap-target", "PointInSecret"),
    "delete-first": ("delete-rds", "DeleteTarget"),
}


@pytest.fixture(params=list(LATE))
def replacement(request: pytest.FixtureRequest) -> str:
    """Give each way to replace a target."""
    return str(request.param)


@pytest.fixture
def world(replacement: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Give a world whose stage replaces its target in this way."""
    folder = tmp_path_factory.mktemp(replacement) / "data"
    up = Up(folder, free_port(), "--speed", "150", "--replacement", replacement)
    try:
        up.wait_for(READY)
        yield up
    finally:
        up.end()


def rerun_as_told(world: Up, stopped: dict[str, Any]) -> dict[str, Any]:
    """Type the line of a stopped operation's own notice, and wait for the end of what it starts."""
    operation_id = stopped["operation_id"]["S"]
    notices = [found for found in Aws(world.endpoint).notices() if operation_id in found["Message"]]
    next_steps.type_in(world.endpoint, next_steps.command_in(notices[0], "RestoreRequested"))
    return newest_after(world, operation_id)


@contextmanager
def disabled_key(world: Up) -> Iterator[None]:
    """Disable the key of the copies for a while."""
    kms = world.client("kms")
    key = kms.describe_key(KeyId="alias/aurora-restore")["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    try:
        yield
    finally:
        kms.enable_key(KeyId=key)


def newest_after(world: Up, operation_id: str) -> dict[str, Any]:
    """Wait until an operation is newer than another one and has ended."""
    ends_at = time.monotonic() + NIGHT_SECONDS_MAX
    while (record := newest_record(world)) is None or record["operation_id"]["S"] == operation_id:
        assert time.monotonic() < ends_at, record
        time.sleep(LOOK_SECONDS)
    return end_of_newest(world)


def seen(world: Up) -> tuple[str, str, list[str], tuple[str, ...]]:
    """Look at the target as people do: which cluster it is, its instances, and its stale mark."""
    target: TargetInspection = Inspector(Aws(world.endpoint)).target()
    return target.resource_id, target.status, sorted(target.instances.values()), target.stale_in


def refuse_next(world: Up, action: str, code: str) -> None:
    """Have AWS refuse the next call of an action."""
    url = f"{world.endpoint}/localaws/refusal?action={action}&code={code}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:  # noqa: S310  # loopback
        assert HTTPStatus.OK == answer.status


def test_a_refusal_leaves_people_the_old_target(world: Up, replacement: str) -> None:
    """A wrong combination, a denied restore, a disabled key of the copy and a late denial each end
    the operation with nothing lost; the notice's own line continues, and succeeds once AWS allows
    all of it.
    """
    before = seen(world)
    refuse_next(world, "RestoreDBClusterFromSnapshot", "InvalidParameterCombination")
    combination = asked_for(world, "combination")
    after_combination = seen(world)
    with without(world, "restore-snapshot", "Restore"):
        restore_denied = rerun_as_told(world, combination)
    after_restore = seen(world)
    with disabled_key(world):
        key_disabled = rerun_as_told(world, restore_denied)
    after_key = seen(world)
    with without(world, *LATE[replacement]):
        late_denied = rerun_as_told(world, key_disabled)
    after_late = seen(world)
    ended = rerun_as_told(world, late_denied)
    stopped = [combination, restore_denied, key_disabled, late_denied]
    steps = ["restore-snapshot", "restore-snapshot", "delete-rds", LATE[replacement][0]]

    assert ["FAILED"] * 4 == [record["state"]["S"] for record in stopped]
    assert steps == [record["failed_step"]["S"] for record in stopped]
    assert "InvalidParameterCombination" in combination["reason"]["S"]
    assert [before] * 4 == [after_combination, after_restore, after_key, after_late]
    assert "SUCCEEDED" == ended["state"]["S"], ended
    assert before[0] != seen(world)[0]

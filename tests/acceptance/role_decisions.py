"""What the roles of a running world were asked and decided, and roles that are changed there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.acceptance.up import Up

PREFIX = "aurora-restore-local-"


def decisions(world: Up) -> list[dict[str, Any]]:
    """Read every decision that was made in a world, oldest first."""
    return [json.loads(line) for line in (world.folder / "iam.jsonl").read_text().splitlines()]


def not_allowed(world: Up, *, after: int = 0) -> list[dict[str, Any]]:
    """List what was not allowed, after so many decisions."""
    return [decision for decision in decisions(world)[after:] if decision["decision"] != "allowed"]


def put(world: Up, detail_type: str, **detail: str) -> None:
    """Put an event of the stage on the bus, as people do."""
    entry = {
        "Source": "aurora-restore.local",
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
    }
    world.client("events").put_events(Entries=[entry])


@contextmanager
def without(world: Up, function: str, sid: str) -> Iterator[None]:
    """Take a statement away from a function's role, for a while."""
    iam, name = world.client("iam"), f"{PREFIX}{function}"
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    left = [statement for statement in document["Statement"] if statement["Sid"] != sid]
    assert len(left) == len(document["Statement"]) - 1
    iam.put_role_policy(
        RoleName=name, PolicyName=policy, PolicyDocument=json.dumps({**document, "Statement": left})
    )
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))

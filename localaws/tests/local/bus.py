"""Rules, and events put on the bus."""

import json
from typing import Any

from tests.local.conftest import Clients

ACCOUNT = "123456789012"
ENTRY = {"Source": "mine", "DetailType": "Something", "Detail": '{"a": 1}'}


def connect(
    clients: Clients, name: str, pattern: dict[str, Any], target: str, region: str = "us-west-2"
) -> None:
    """Put a rule with one target."""
    events = clients("events", region)
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])


def put(clients: Clients, region: str = "us-west-2", **fields: Any) -> dict[str, Any]:
    """Put one entry and return what became of it."""
    answer: dict[str, Any] = clients("events", region).put_events(Entries=[{**ENTRY, **fields}])[
        "Entries"
    ][0]
    return answer

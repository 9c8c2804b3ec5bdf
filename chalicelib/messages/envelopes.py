"""What an event of EventBridge says of itself, read without trust in who sent it."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.flow.untrusted_text import one_line, shown_name

ID_MAX = 128
_OPERATION_ID = re.compile(r"[a-z][a-z0-9-]{0,127}")


def detail_of(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the detail of an event; empty where it is no object."""
    detail = envelope.get("detail")
    return detail if isinstance(detail, Mapping) else {}


def event_id_of(envelope: Mapping[str, Any]) -> str:
    """Read the id that EventBridge gave an event; empty where there is no valid one."""
    found = envelope.get("id")
    return one_line(found) if isinstance(found, str) and len(found) <= ID_MAX else ""


def is_operation_id(text: str) -> bool:
    """Tell whether a text could be an operation's id: the same table has the targets' items."""
    return _OPERATION_ID.fullmatch(text) is not None


def operation_id_of(envelope: Mapping[str, Any]) -> str:
    """Read the operation id of an announcement; empty where it names none."""
    found = detail_of(envelope).get("operation_id")
    return found if isinstance(found, str) and is_operation_id(found) else ""


def text_of(value: object) -> str:
    """Read a text of an event; empty where the value is no text."""
    return shown_name(value) if isinstance(value, str) else ""

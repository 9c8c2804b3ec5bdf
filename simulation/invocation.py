"""One run of one function."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Invocation:
    """One run of one function: what woke it, until when it lives, and which operation it is about.

    The operation is named by its event, or by what it claimed.
    """

    number: int
    step: str
    envelope: Mapping[str, Any]
    deadline: datetime
    operation_id: str | None = None
    calls: Counter[str] = field(default_factory=Counter)

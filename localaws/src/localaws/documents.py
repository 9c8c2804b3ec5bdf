"""JSON as AWS reads it: `NaN` and `Infinity` are no numbers, and no depth makes the reader fail."""

import json
from typing import Any, NoReturn


def strict_json(text: str | bytes) -> Any:
    """Read JSON; raises ValueError, whose text says what is wrong."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")

"""Which functions an event wakes, by the real patterns.

Parsed once, and asked once for each kind of event.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from chalicelib.flow.choreography import STEPS
from chalicelib.messages.event_patterns import pattern
from localaws import patterns
from simulation.settings import STAGE


@cache
def _parsed(step: str) -> Any:
    return patterns.parse(json.dumps(pattern(step, STAGE)))


@cache
def _steps(kind: str) -> tuple[str, ...]:
    envelope = json.loads(kind)
    return tuple(
        step for step in (*STEPS, "cancel-restore") if patterns.matches(envelope, _parsed(step))
    )


def steps_for(envelope: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the functions whose rule matches.

    Rules look at source, detail-type, event id and message only.
    """
    detail = envelope["detail"]
    seen = {key: detail[key] for key in ("EventID", "Message") if key in detail}
    kind = {"source": envelope["source"], "detail-type": envelope["detail-type"], "detail": seen}
    return _steps(json.dumps(kind, sort_keys=True))

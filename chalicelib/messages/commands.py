"""Commands that people paste.

Each carries a request id of its own, so that pasting it twice asks for one thing.
"""

import json
import shlex
from collections.abc import Mapping

from chalicelib.flow.choreography import REQUESTED, event_source
from chalicelib.flow.identifiers import requested_id
from chalicelib.flow.operation import Operation


def request_command(stage: str, region: str, detail: Mapping[str, object]) -> str:
    """Write the command that puts a RestoreRequested on the stage's bus.

    Fields that are None are left out.
    """
    given = {field: value for field, value in detail.items() if value is not None}
    entry = {"Source": event_source(stage), "DetailType": REQUESTED, "Detail": json.dumps(given)}
    entries = json.dumps([entry], separators=(",", ":"))
    return f"aws events put-events --region {region} --entries {shlex.quote(entries)}"


def rerun_command(operation: Operation) -> str:
    """Write the command that continues an operation where it stopped, with what was allowed to it.

    Its request id follows from what it asks for.
    """
    again = {
        "rerun_of": operation.operation_id,
        "from_step": operation.rerun_from,
        "older": operation.may_be_older or None,
    }
    region = operation.region or operation.plan.target.region
    return request_command(operation.stage, region, {"request_id": request_id_of(again), **again})


def request_id_of(again: Mapping[str, object]) -> str:
    """Name what is asked for: the same for the same detail, where fields that are None say nothing."""
    given = (f"{field}={value}" for field, value in again.items() if value is not None)
    return requested_id(" ".join(["again", *given]))

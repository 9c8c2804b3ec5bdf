"""The commands that people paste, each with a request id: a command pasted twice acts once."""

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
    """Write the command that continues an operation where it stopped, with its permissions.

    Its request id follows from the request.
    """
    request = {
        "rerun_of": operation.operation_id,
        "from_step": operation.rerun_from,
        "older": operation.may_be_older or None,
    }
    region = operation.region or operation.plan.target.region
    detail = {"request_id": request_id_of(request), **request}
    return request_command(operation.stage, region, detail)


def request_id_of(request: Mapping[str, object]) -> str:
    """Make the id of a request: the same for the same detail, whose fields of None are ignored."""
    given = (f"{field}={value}" for field, value in request.items() if value is not None)
    return requested_id(" ".join(["again", *given]))

"""The permissions of Route 53's calls: zones and changes have ARNs without region and account."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from localaws.iam.permission_request import Call, Context, PermissionRequest
from localaws.iam.resource_lookup import ResourceLookup
from localaws.record_sets import fully_qualified

_SET: Final = "route53:ChangeResourceRecordSets"


def _ask(call: Call, kind: str, name: str, context: Context | None = None) -> PermissionRequest:
    identifier = str(call.parameters[name]).rpartition("/")[2]
    resource = f"arn:aws:route53:::{kind}/{identifier}"
    return PermissionRequest(f"route53:{call.operation}", resource, context or {})


def of_zone(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for a zone."""
    return [_ask(call, "hostedzone", "HostedZoneId" if "HostedZoneId" in call.parameters else "Id")]


def change_records(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for a zone, with names, types and actions of all that the batch changes.

    The keys are those of the developer guide, "Using IAM policy conditions".
    """
    changes: list[Mapping[str, Any]] = call.parameters["ChangeBatch"]["Changes"]
    sets = [change["ResourceRecordSet"] for change in changes]
    context = {
        f"{_SET}NormalizedRecordNames": _each(_normalised(str(one["Name"])) for one in sets),
        f"{_SET}RecordTypes": _each(str(one["Type"]) for one in sets),
        f"{_SET}Actions": _each(str(change["Action"]) for change in changes),
    }
    return [_ask(call, "hostedzone", "HostedZoneId", context)]


def _normalised(name: str) -> str:
    return fully_qualified(name).rstrip(".")


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def of_change(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for a change."""
    return [_ask(call, "change", "Id")]

"""What CloudTrail recorded, as calls.

Names as the API has them, and each call at its place in the trail of the tables.

CloudTrail lowers the first letters of names (`dBClusterIdentifier`) and leaves out the member that
wraps an answer; botocore's own model of RDS gives both back. It tells whole seconds and no
operation: a call is put into the visit of the state in which the function that made it works,
within a second. Reads are in the trail without an answer.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationNotFoundError, ServiceModel, Shape, StructureShape

from chalicelib.flow.choreography import SOURCE_PREFIX
from chalicelib.flow.ownership import OPERATION_TAG
from chalicelib.flow.plan import Plan
from chalicelib.flow.setting_definitions import INSTANCES_MAX
from simulation.history import Called
from simulation.invariants.calls import FUNCTIONS, changed, tags

SOURCE = "rds.amazonaws.com"
RESOLUTION = timedelta(seconds=1)  # of CloudTrail's times
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stay:
    """One visit of a state, as the tables tell it.

    Which step works in it, for which operation, from when to when.
    """

    operation_id: str
    root_id: str
    step: str
    entered: datetime
    left: datetime
    settings: Plan | None
    copies: frozenset[str] = frozenset()


def read_trail(path: Path) -> list[Mapping[str, Any]]:
    """Read the records of a file.

    CloudTrail's own (`Records`, gzip or not), or what `lookup-events` prints.

    Raises OSError and ValueError.
    """
    content = path.read_bytes()
    return list(
        _records(json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content))
    )


def _records(found: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(found, Mapping) and "eventName" in found:
        yield found
    elif isinstance(found, Mapping) and "CloudTrailEvent" in found:
        yield from _records(found["CloudTrailEvent"])
    elif isinstance(found, str):
        yield from _records(json.loads(found))
    elif isinstance(found, Mapping) and ("Records" in found or "Events" in found):
        yield from _records(found.get("Records", found.get("Events")))
    elif isinstance(found, list):
        for part in found:
            yield from _records(part)
    else:
        raise ValueError("it holds no records of CloudTrail")


def calls_of(
    records: Iterable[Mapping[str, Any]], stage: str, stays: Iterable[Stay] = ()
) -> list[Called]:
    """Make calls of the records of RDS, each at its place among the stays.

    A record that is there twice counts once.
    """
    unique = {str(record.get("eventID", number)): record for number, record in enumerate(records)}
    by_step: dict[str, list[Stay]] = {}
    for stay in stays:
        by_step.setdefault(stay.step, []).append(stay)
    calls = (
        _call(record, stage) for record in unique.values() if record.get("eventSource") == SOURCE
    )
    return [_placed(call, by_step.get(call.by, [])) for call in calls]


def _call(record: Mapping[str, Any], stage: str) -> Called:
    action = str(record["eventName"])
    request, answer = _shapes(action)
    answered = _named(record.get("responseElements") or {}, answer)
    return Called(
        at=datetime.fromisoformat(str(record["eventTime"])),
        by=principal(record.get("userIdentity") or {}, stage),
        service="rds",
        action=action,
        region=str(record.get("awsRegion", "")),
        parameters=_named(record.get("requestParameters") or {}, request),
        error=record.get("errorCode"),
        answer=_wrapped(answered, answer),
    )


def principal(identity: Mapping[str, Any], stage: str) -> str:
    """Name who called: the step of a function of this stage's, else the ARN as it is.

    Chalice names a function and its role alike, `aurora-restore-<stage>-<step>`: the role issued
    the session, and the session is called after the function. Both may hold the name.
    """
    arn = str(identity.get("arn", ""))
    issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
    for name in (str(issuer.get("userName", "")), *arn.rsplit(":", maxsplit=1)[-1].split("/")[1:]):
        step = name.removeprefix(f"{SOURCE_PREFIX}-{stage}-")
        if step != name and step in FUNCTIONS:
            return step
    return arn or str(identity.get("invokedBy") or identity.get("type") or "somebody")


def _placed(call: Called, stays: list[Stay]) -> Called:
    near = [stay for stay in stays if stay.entered - RESOLUTION <= call.at <= stay.left]
    meant = near if len(near) == 1 else [stay for stay in near if _is_meant(call, stay)]
    if len({stay.operation_id for stay in meant}) != 1:
        return call
    # delete-rds decides in one state, and deletes in the next.
    stay = max(meant, key=lambda stay: stay.entered)
    within = min(max(call.at, stay.entered), max(stay.entered, stay.left - _INSTANT))
    return replace(call, at=within, operation_id=stay.operation_id)


def _is_meant(call: Called, stay: Stay) -> bool:
    """Tell whether a call names what an operation works on.

    By its tags, its target or its copies.
    """
    tagged = tags(call.parameters.get("Tags")).get(OPERATION_TAG)
    if tagged:
        return tagged == stay.root_id
    names = {named.identifier for named in changed(call)}
    target = (
        {
            *stay.settings.target.cluster_ids,
            *stay.settings.target.instance_ids(stay.root_id, INSTANCES_MAX),
        }
        if stay.settings
        else set()
    )
    return bool(names & (target | stay.copies))


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("rds")


def _shapes(action: str) -> tuple[Shape | None, Shape | None]:
    try:
        operation = _model().operation_model(action)
    except OperationNotFoundError:
        return None, None
    return operation.input_shape, operation.output_shape


def _named(found: Any, shape: Shape | None) -> Any:
    """Give the members of a structure the names that the API's model has.

    What that does not know stays as it is.
    """
    if isinstance(found, Mapping) and isinstance(shape, StructureShape):
        inner = _only_member(shape)
        if inner and not _knows(shape, found) and _knows(shape.members[inner], found):
            return _named(found, shape.members[inner])
        names = {member.lower(): member for member in shape.members}
        known = {key: names.get(str(key).lower(), str(key)) for key in found}
        return {
            known[key]: _named(value, shape.members.get(known[key])) for key, value in found.items()
        }
    if isinstance(found, list) and isinstance(shape, ListShape):
        return [_named(part, shape.member) for part in found]
    return found


def _wrapped(answer: Mapping[str, Any], shape: Shape | None) -> Mapping[str, Any]:
    inner = _only_member(shape)
    return {inner: answer} if inner and answer and inner not in answer else answer


def _only_member(shape: Shape | None) -> str | None:
    """Name the one structure that an answer consists of (`DBCluster` of DeleteDBCluster's)."""
    members = shape.members if isinstance(shape, StructureShape) else {}
    (name, member) = next(iter(members.items()), ("", None))
    return name if len(members) == 1 and isinstance(member, StructureShape) else None


def _knows(shape: Shape, found: Mapping[str, Any]) -> bool:
    names = {member.lower() for member in getattr(shape, "members", {})}
    return any(str(key).lower() in names for key in found)

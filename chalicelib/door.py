"""Where events come in: each is let in, ignored with a line and a metric, or refused with a notice to people."""

from collections.abc import Mapping
from typing import Any

from chalicelib import notices, observability, parameters, runner, starting
from chalicelib.announcing import announce
from chalicelib.aurora import SourceCluster
from chalicelib.choreography import CANCEL_REQUESTED, DOOR, REQUESTED, ROWS
from chalicelib.errors import RefusedError, UnreadableRecordError
from chalicelib.events import CancelRequested, RdsNotice, RestoreRequested, parse_request, why_stale
from chalicelib.operation import Operation
from chalicelib.plan import Plan
from chalicelib.ports import Ports
from chalicelib.rds_events import MANUAL_SNAPSHOT_CREATED, RDS_SOURCE
from chalicelib.settings import DEFAULT_PLAN
from chalicelib.source_snapshots import why_not_ours

Envelope = Mapping[str, Any]


def answer(step: str, envelope: Envelope, ports: Ports) -> None:
    """Take one event to where it belongs. Raises what must fail the invocation: tables, settings and records."""
    if stale := why_stale(envelope, ports.now()):
        why_not = _let_be(envelope, stale, ports)
    elif envelope.get("source") == RDS_SOURCE:
        why_not = _snapshot(envelope, ports) if step == DOOR else _hint(step, envelope, ports)
    elif _is_wish(envelope):
        why_not = _wish(envelope, ports)
    else:
        operation_id = str((envelope.get("detail") or {}).get("operation_id", ""))
        why_not = runner.run_step(step, operation_id, ports)
    if why_not:
        observability.ignored(ports.settings.stage, why_not, envelope)


def _is_wish(envelope: Envelope) -> bool:
    return envelope.get("detail-type") in (REQUESTED, CANCEL_REQUESTED)


def _let_be(envelope: Envelope, stale: str, ports: Ports) -> str | None:
    """Do nothing about an event of the past; who put it is told."""
    if not _is_wish(envelope):
        return stale
    refusal = RefusedError(f"The event is not obeyed: {stale}.", "Put it again if it is still meant.")
    notices.refused(refusal, envelope, ports)
    return None


def _snapshot(envelope: Envelope, ports: Ports) -> str | None:
    notice = RdsNotice.of(envelope)
    if not notice.starts_something:
        return f"'{notice.message}' starts nothing"
    if not notice.arn:
        return "the event names no snapshot"
    reasons = [_begin(plan, notice, ports) for plan in parameters.plans(ports)]
    return "; ".join(filter(None, reasons)) if all(reasons) else None


def _begin(plan: Plan, notice: RdsNotice, ports: Ports) -> str | None:
    """Start an operation of one plan; returns why not."""
    if (notice.account, notice.region) != (plan.account, plan.source_region):
        return f"{notice.arn} is not in {plan.source_region} of {plan.account}, where the plan {plan.name} looks"
    manual = notice.is_one_of((MANUAL_SNAPSHOT_CREATED,))
    if manual and not (plan.snapshot_prefix and notice.identifier.startswith(plan.snapshot_prefix.lower())):
        return f"{notice.identifier} is a manual snapshot, and its name does not begin with the plan's SNAPSHOT_PREFIX"
    snapshot = SourceCluster(ports.service("rds", plan.source_region), plan).observe_snapshot(notice.arn)
    if snapshot is None:
        return f"{notice.arn} is gone"
    if why := why_not_ours(snapshot, plan):
        return why
    if manual is (snapshot.kind == "automated"):
        return f"{notice.arn} is {snapshot.kind}, and its event says otherwise"
    operation = starting.start_by_itself(plan, snapshot, ports, why=f"the {snapshot.kind} snapshot {notice.identifier}")
    return None if operation else f"{notice.arn} has its operation already"


def _hint(step: str, envelope: Envelope, ports: Ports) -> str | None:
    """Wake the operation that holds the target which an RDS event speaks of; the record decides what it is worth."""
    notice = RdsNotice.of(envelope)
    if not notice.is_one_of(tuple(event for row in ROWS.values() if row.step == step for event in row.woken_by)):
        return f"'{notice.message}' wakes nobody"
    try:
        target = ports.operations.target(notice.cluster_arn)
    except UnreadableRecordError as error:  # the heartbeat, which does without this item, announces again what waits
        observability.unreadable(error, ports.settings.stage)
        return f"the item of {notice.cluster_arn} cannot be read"
    if target.holder and (notice.is_of_cluster or notice.identifier.removeprefix("rds:") in target.members):
        return runner.run_step(step, target.holder, ports)
    return f"no open operation waits for {notice.arn}"


def _wish(envelope: Envelope, ports: Ports) -> str | None:
    """Obey a person, or say why not, to the log and to the topic."""
    try:
        if envelope["detail-type"] == CANCEL_REQUESTED:
            _cancel(parse_request(CancelRequested, envelope.get("detail")), ports)
            return None
        return _request(parse_request(RestoreRequested, envelope.get("detail")), str(envelope["id"]), ports)
    except RefusedError as refusal:
        notices.refused(refusal, envelope, ports)
        return None


def _request(request: RestoreRequested, event_id: str, ports: Ports) -> str | None:
    request_id = request.request_id or event_id
    if request.rerun_of:
        before = _known(request.rerun_of, ports)
        operation = starting.start_again(request, request_id, before, ports)
    else:
        plan = _plan(request.plan or DEFAULT_PLAN, ports)
        if request.snapshot_identifier:
            request = _with_arn(request, request.snapshot_identifier, plan, ports)
        operation = starting.start_on_request(request, request_id, plan, ports)
    return None if operation else f"the request {request_id} has its operation already"


def _with_arn(request: RestoreRequested, identifier: str, plan: Plan, ports: Ports) -> RestoreRequested:
    source = SourceCluster(ports.service("rds", plan.source_region), plan)
    snapshot = source.observe_snapshot(identifier)
    if snapshot is None:
        raise RefusedError(
            f"There is no snapshot {identifier} in {plan.source_region}.",
            "Name one that exists, or none for the newest.",
        )
    if why := why_not_ours(snapshot, plan):
        raise RefusedError(f"{why}.", "Name a snapshot of the plan's source cluster.")
    return request.model_copy(update={"snapshot_identifier": snapshot.arn})


def _plan(name: str, ports: Ports) -> Plan:
    plan = parameters.plan(ports, name)
    if plan is None:
        raise RefusedError(
            f"There is no plan {name} in the stage {ports.settings.stage}.",
            f"Leave it out, or give it parameters under {ports.settings.parameter_path}plans/{name}/.",
        )
    return plan


def _known(operation_id: str, ports: Ports) -> Operation:
    operation = None if operation_id.startswith("target#") else ports.operations.read(operation_id)
    if operation is None:
        raise RefusedError(
            f"There is no operation {operation_id} in the stage {ports.settings.stage}.",
            f"Look its id up in the table {ports.settings.state_table_name}.",
        )
    return operation


def _cancel(request: CancelRequested, ports: Ports) -> None:
    before = _known(request.operation_id, ports)
    flagged = ports.operations.request_cancel(before.operation_id, reason=request.reason, now=ports.now())
    if flagged is None:
        raise RefusedError(
            f"The operation {before.operation_id} is {before.state}, which is too late to cancel.",
            "Let it end; nothing of it is undone.",
        )
    announce([flagged], ports)  # whoever holds it, or is woken by this, sees the flag

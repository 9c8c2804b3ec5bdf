"""Where events come in: each is let in, ignored with a line and a metric, or refused with a notice to people."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chalicelib import observability
from chalicelib.aws.rds import Snapshot
from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    PROBE_REQUESTED,
    REQUESTED,
    ROWS,
    START_STEP,
    TERMINAL,
)
from chalicelib.flow.errors import (
    RefusedError,
    SettingsError,
    TablesBusyError,
    TransientError,
    UnreadableRecordError,
)
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.identifiers import catch_up_id, requested_id
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.flow.rds_events import MANUAL_SNAPSHOT_CREATED, RDS_SOURCE
from chalicelib.flow.untrusted_text import quoted
from chalicelib.messages import notifications
from chalicelib.messages.events import (
    LAST,
    CancelRequested,
    ProbeRequested,
    RdsNotice,
    RestoreRequested,
    event_id_of,
    is_operation_id,
    operation_id_of,
    parse_request,
    why_untimely,
)
from chalicelib.messages.publishing import announce
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.runtime import plans, repeated_steps, reruns, runner, starting
from chalicelib.settings import DEFAULT_PLAN
from chalicelib.snapshots.eligibility import why_ineligible
from chalicelib.snapshots.source import SourceCluster

Envelope = Mapping[str, Any]


def route(step: str, envelope: Envelope, ports: Ports) -> None:
    """Take one event to where it belongs.

    Raises for trouble with tables, and for what AWS or the settings do not let a snapshot's event
    do; never for what an event is like.
    """
    if untimely := why_untimely(envelope, ports.now()):
        why_not = _reject_stale(envelope, untimely, ports)
    elif envelope.get("source") == RDS_SOURCE:
        why_not = (
            _on_snapshot_event(envelope, ports)
            if step == START_STEP
            else _on_rds_event(step, envelope, ports)
        )
    elif is_request(envelope):
        why_not = _on_request(envelope, ports)
    elif envelope.get("detail-type") == PROBE_REQUESTED:
        why_not = _try_network(envelope, ports)
    elif operation_id := operation_id_of(envelope):
        why_not = runner.run_step(step, operation_id, ports)
    else:
        why_not = "the event names no operation"
    if why_not:
        observability.ignored(ports.settings.stage, why_not, envelope)


def _try_network(envelope: Envelope, ports: Ports) -> str | None:
    """Try what setup-db-users reaches, for the doctor; returns why not."""
    from chalicelib.target.reachability import note_trial  # noqa: PLC0415 # only one of eleven functions needs it

    try:
        note_trial(ProbeRequested.model_validate(envelope.get("detail")), ports)
    except ValidationError:
        return "its detail is not one that the doctor puts"
    return None


def is_request(envelope: Envelope) -> bool:
    """Tell whether a person put the event, who is told when it is not obeyed."""
    return envelope.get("detail-type") in (REQUESTED, CANCEL_REQUESTED)


def refuse_for_settings(error: SettingsError, envelope: Envelope, ports: Ports) -> None:
    """Tell who put an event that the settings cannot be used."""
    notifications.publish_refusal(_settings_refusal(error), envelope, ports)


def _settings_refusal(error: SettingsError) -> RefusedError:
    """Make one sentence of a single problem; several are told one a line."""
    remedy = "Correct the settings; then put the event again."
    if len(error.problems) > 1:
        return RefusedError(error.heading, remedy, problems=error.problems)
    sentences = dict.fromkeys([error.heading, *error.problems])
    return RefusedError(" ".join(sentences), remedy)


def _reject_stale(envelope: Envelope, untimely: str, ports: Ports) -> str | None:
    """Do nothing about an event of the past or of the future; who put it is told."""
    if not is_request(envelope):
        return untimely
    refusal = RefusedError(
        f"The event is not obeyed: {untimely}.", "Put it again if it is still meant."
    )
    notifications.publish_refusal(refusal, envelope, ports)
    return None


def _on_snapshot_event(envelope: Envelope, ports: Ports) -> str | None:
    """Start an operation for each plan whose snapshot it is; what stops one plan stops no other."""
    notice = RdsNotice.of(envelope)
    if not notice.starts_something:
        return f"'{notice.message}' starts nothing"
    if not notice.names_snapshot:
        return "the event names no snapshot"
    reasons, failures = list[str | None](), list[Exception]()
    for plan in plans.plans(ports):
        try:
            reasons.append(_start_for_plan(plan, notice, ports))
        except (TransientError, RefusedError, UnreadableRecordError) as error:
            _log_failure(plan, notice, error)
            failures.append(error)
    if failures:
        raise failures[0]  # into the failure queue; the heartbeat catches up each of these plans
    return "; ".join(filter(None, reasons)) if all(reasons) else None


def _log_failure(plan: Plan, notice: RdsNotice, error: Exception) -> None:
    logger.warning(f"The plan {plan.name} did not start for {notice.arn}: {error}")
    if isinstance(error, UnreadableRecordError):
        observability.unreadable(error, plan.stage)


def _start_for_plan(plan: Plan, notice: RdsNotice, ports: Ports) -> str | None:
    """Start an operation of one plan; returns why not."""
    if not notice.is_in(plan.account, plan.source.region):
        return (
            f"{notice.arn} is not in {plan.source.region} of {plan.account}, where the plan "
            f"{plan.name} looks"
        )
    manual = notice.is_one_of((MANUAL_SNAPSHOT_CREATED,))
    prefix = (plan.source.snapshot_prefix or "").lower()
    if manual and not (prefix and notice.identifier.startswith(prefix)):
        return (
            f"{notice.identifier} is a manual snapshot, and its name does not begin with the "
            "plan's SNAPSHOT_PREFIX"
        )
    source = SourceCluster(ports.service("rds", plan.source.region), plan)
    snapshot = source.observe_snapshot(notice.arn)
    if snapshot is None:
        return f"{notice.arn} is gone"
    if why := why_ineligible(snapshot, plan):
        return why
    if manual is (snapshot.kind == "automated"):
        return f"{notice.arn} is {snapshot.kind}, and its event says otherwise"
    why = f"the {snapshot.kind} snapshot {notice.identifier}"
    operation = starting.start_from_snapshot(plan, snapshot, ports, why=why)
    return None if operation else f"{notice.arn} has its operation already"


def _on_rds_event(step: str, envelope: Envelope, ports: Ports) -> str | None:
    """Wake the operation that holds the target which an RDS event speaks of.

    The record decides what it is worth.
    """
    notice = RdsNotice.of(envelope)
    if not notice.is_one_of(
        tuple(event for row in ROWS.values() if row.step == step for event in row.rds_events)
    ):
        return f"'{notice.message}' wakes nobody"
    try:
        target = ports.operations.target(notice.cluster_arn)
    except (
        UnreadableRecordError
    ) as error:  # the heartbeat, which does without this item, announces again what waits
        observability.unreadable(error, ports.settings.stage)
        return f"the item of {notice.cluster_arn} cannot be read"
    member = notice.is_of_cluster or notice.identifier.removeprefix("rds:") in target.members
    if target.locked_by and member:
        return runner.run_step(step, target.locked_by, ports)
    return f"no open operation waits for {notice.arn}"


def _on_request(envelope: Envelope, ports: Ports) -> str | None:
    """Obey a person, or say why not, to the log and to the topic.

    Returns why nothing is to be said.
    """
    try:
        return _do_request(envelope, ports)
    except RefusedError as refusal:
        notifications.publish_refusal(refusal, envelope, ports)
    except SettingsError as error:
        refuse_for_settings(error, envelope, ports)
    except UnreadableRecordError as error:
        observability.unreadable(error, ports.settings.stage)
        remedy = "Put the event again when that is repaired."
        notifications.publish_refusal(RefusedError(str(error), remedy), envelope, ports)
    except TablesBusyError:
        # what was written is not known, so nothing can be said; the failure queue keeps the event
        raise
    except TransientError as error:
        remedy = "Put the event again in a few minutes."
        notifications.publish_refusal(RefusedError(error.reason, remedy), envelope, ports)
    return None


def _do_request(envelope: Envelope, ports: Ports) -> str | None:
    event_id, detail = event_id_of(envelope), envelope.get("detail")
    if envelope["detail-type"] == CANCEL_REQUESTED:
        return _cancel(parse_request(CancelRequested, detail), event_id, ports)
    request = parse_request(RestoreRequested, detail)
    if not (request.request_id or event_id):
        raise RefusedError("The event has neither an id nor a request_id.", "Give it a request_id.")
    return _start_requested(request, event_id, ports)


def _start_requested(request: RestoreRequested, event_id: str, ports: Ports) -> str | None:
    """Start what is asked for.

    Returns why nothing is to be said about a request that was obeyed already.

    EventBridge and Lambda deliver at least once, so the same event again is no second request. What
    was skipped because the target was busy did nothing, so another event of that request starts it.
    """
    request_id = request.request_id or event_id
    operation_id = requested_id(request_id)
    before = ports.operations.read(operation_id)
    while before and before.skipped_because_locked and before.requested_by_event != event_id:
        operation_id = catch_up_id(operation_id)
        before = ports.operations.read(operation_id)
    asked = starting.Asked(request, request_id, event_id, operation_id)
    if before is None and _start_or_rerun(asked, ports):
        return None
    before = before or _operation_or_refuse(operation_id, ports)
    if event_id and before.requested_by_event == event_id:
        return f"the event was obeyed already, by {before.operation_id}"
    raise starting.made_before(request_id, before)


def _start_or_rerun(asked: starting.Asked, ports: Ports) -> Operation | None:
    request = asked.request
    if request.rerun_of:
        before = _to_rerun(request.rerun_of, request.plan, ports)
        again = (
            repeated_steps.repeat_step if repeated_steps.repeats(request, before) else reruns.rerun
        )
        return again(asked, before, ports)
    plan = _plan(request.plan or DEFAULT_PLAN, ports)
    if request.snapshot_identifier is None:
        return starting.start_on_request(asked, plan, ports)
    snapshot = _resolve_snapshot(request.snapshot_identifier, plan, ports)
    return starting.start_on_request(asked, plan, ports, _facts_of(snapshot))


def _to_rerun(rerun_of: str, plan_name: str | None, ports: Ports) -> Operation:
    """Find the operation that is to be run again.

    `last` is the last success on the target of a plan.
    """
    if rerun_of != LAST:
        return _operation_or_refuse(rerun_of, ports)
    plan = _plan(plan_name or DEFAULT_PLAN, ports)
    last = ports.operations.target(plan.target_cluster_arn).last_success_operation
    if last is None:
        raise RefusedError(
            f"No restore of {plan.target_cluster_arn} has succeeded yet.",
            "Wait for the first one, or ask for it without rerun_of.",
        )
    return _operation_or_refuse(last, ports)


def _facts_of(snapshot: Snapshot) -> Facts:
    return Facts(snapshot=SnapshotFacts(arn=snapshot.arn, created_at=snapshot.created_at))


def _resolve_snapshot(identifier: str, plan: Plan, ports: Ports) -> Snapshot:
    source = SourceCluster(ports.service("rds", plan.source.region), plan)
    snapshot = source.observe_snapshot(identifier)
    if snapshot is None:
        raise RefusedError(
            f"There is no snapshot {identifier} in {plan.source.region}.",
            "Name one that exists, or none for the newest.",
        )
    if why := why_ineligible(snapshot, plan):
        raise RefusedError(f"{why}.", "Name a snapshot of the plan's source cluster.")
    return snapshot


def _plan(name: str, ports: Ports) -> Plan:
    plan = plans.plan(ports, name)
    if plan is None:
        raise RefusedError(
            f"There is no plan {name} in the stage {ports.settings.stage}.",
            "Leave it out, or give it parameters under "
            f"{ports.settings.parameter_path}plans/{name}/.",
        )
    return plan


def _operation_or_refuse(operation_id: str, ports: Ports) -> Operation:
    operation = ports.operations.read(operation_id) if is_operation_id(operation_id) else None
    if operation is None:
        raise RefusedError(
            f"There is no operation {quoted(operation_id)} in the stage {ports.settings.stage}.",
            f"Look its id up in the table {ports.settings.state_table_name}.",
        )
    return operation


def _cancel(request: CancelRequested, event_id: str, ports: Ports) -> str | None:
    before = _operation_or_refuse(request.operation_id, ports)
    if event_id and before.cancelled_by_event == event_id:
        return "the event was obeyed already"
    flagged = ports.operations.request_cancel(
        before.operation_id, reason=request.reason, event_id=event_id, now=ports.now()
    )
    if flagged is None:
        raise _too_late(ports.operations.read(before.operation_id) or before, ports)
    announce([flagged], ports)  # whoever holds it, or is woken by this, sees the flag
    return None


def _too_late(operation: Operation, ports: Ports) -> RefusedError:
    if operation.state in TERMINAL:
        return RefusedError(
            f"The operation {operation.operation_id} ended as {operation.state}, so there is "
            "nothing to cancel.",
            "To cancel another one, look up which are open, in the index open-by-due of the table "
            f"{ports.settings.state_table_name}.",
        )
    return RefusedError(
        f"The operation {operation.operation_id} is {operation.state}, which is too late to "
        "cancel.",
        "Wait for its end; nothing of it is undone.",
    )

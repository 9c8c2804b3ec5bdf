"""The router of events: runs a step, starts an operation, ignores the event, or refuses it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chalicelib import observability
from chalicelib.aws.rds import Snapshot
from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    PROBE_REQUESTED,
    REQUESTED,
    ROLLBACK_REQUESTED,
    ROWS,
    START_STEP,
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
from chalicelib.flow.rds_event_ids import CLUSTER_DELETED, MANUAL_SNAPSHOT_CREATED, RDS_SOURCE
from chalicelib.flow.untrusted_text import quoted
from chalicelib.messages import commands, notifications
from chalicelib.messages.envelopes import event_id_of, is_operation_id, operation_id_of
from chalicelib.messages.event_age import why_untimely
from chalicelib.messages.rds_events import RdsNotice
from chalicelib.messages.requests import (
    LAST,
    CancelRequested,
    ProbeRequested,
    RestoreRequested,
    RollbackRequested,
    parse_request,
)
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.runtime import (
    cancellations,
    plans,
    repeated_steps,
    reruns,
    rollbacks,
    runner,
    starting,
)
from chalicelib.runtime.unnamed import refuse_unnamed
from chalicelib.settings import DEFAULT_PLAN
from chalicelib.snapshots.eligibility import why_ineligible
from chalicelib.snapshots.source import SourceCluster

Envelope = Mapping[str, Any]
DELETIONS = (CLUSTER_DELETED,)  # of a previous target, by an operation that holds no lock


def route(step: str, envelope: Envelope, ports: Ports) -> None:
    """Handle one event with a step; every function of a step calls this.

    Raises errors of the tables, and errors of AWS or the settings for a snapshot's event, but none
    for the content of an event.
    """
    if untimely := why_untimely(envelope, ports.now()):
        ignored_because = _reject_stale(envelope, untimely, ports)
    elif envelope.get("source") == RDS_SOURCE and step == START_STEP:
        ignored_because = _on_snapshot_event(envelope, ports)
    elif envelope.get("source") == RDS_SOURCE:
        ignored_because = _on_rds_event(step, envelope, ports)
    elif is_request(envelope):
        ignored_because = _on_request(envelope, ports)
    elif envelope.get("detail-type") == PROBE_REQUESTED:
        ignored_because = _try_network(envelope, ports)
    elif operation_id := operation_id_of(envelope):
        ignored_because = runner.run_step(step, operation_id, ports)
    else:
        ignored_because = "the event names no operation"
    if ignored_because:
        observability.ignored(ports.settings.stage, ignored_because, envelope)


def _try_network(envelope: Envelope, ports: Ports) -> str | None:
    """Try what setup-db-users reaches, for the doctor; returns why the event is ignored."""
    # Imported here: only one of twelve functions needs it.
    from chalicelib.target.reachability import note_trial  # noqa: PLC0415

    try:
        note_trial(ProbeRequested.model_validate(envelope.get("detail")), ports)
    except ValidationError:
        return "its detail is not one that the doctor sends"
    return None


def is_request(envelope: Envelope) -> bool:
    """Tell whether a person sent the event: a refusal is then published to the topic."""
    return envelope.get("detail-type") in (REQUESTED, CANCEL_REQUESTED, ROLLBACK_REQUESTED)


def refuse_for_settings(error: SettingsError, envelope: Envelope, ports: Ports) -> None:
    """Refuse a request because the settings are invalid."""
    notifications.publish_refusal(_settings_refusal(error), envelope, ports)


def _settings_refusal(error: SettingsError) -> RefusedError:
    """Make a refusal of invalid settings: one sentence, or a list of several problems."""
    remedy = "Correct the settings; then send the event again."
    if len(error.problems) > 1:
        return RefusedError(error.heading, remedy, problems=error.problems)
    sentences = dict.fromkeys([error.heading, *error.problems])
    return RefusedError(" ".join(sentences), remedy)


def _reject_stale(envelope: Envelope, untimely: str, ports: Ports) -> str | None:
    """Ignore an event of the past or of the future; a person's request is refused."""
    if not is_request(envelope):
        return untimely
    reason = f"The event was not accepted: {untimely}."
    refusal = RefusedError(reason, "Send it again if it is still needed.")
    notifications.publish_refusal(refusal, envelope, ports)
    return None


def _on_snapshot_event(envelope: Envelope, ports: Ports) -> str | None:
    """Start an operation for each plan that restores the snapshot; one error stops no other."""
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
        # Lambda puts the event into the failure queue; the heartbeat catches up each of the plans.
        raise failures[0]
    return "; ".join(filter(None, reasons)) if all(reasons) else None


def _log_failure(plan: Plan, notice: RdsNotice, error: Exception) -> None:
    logger.warning(f"The plan {plan.name} did not start for {notice.arn}: {error}")
    if isinstance(error, UnreadableRecordError):
        observability.unreadable(error, plan.stage)


def _start_for_plan(plan: Plan, notice: RdsNotice, ports: Ports) -> str | None:
    """Start an operation of one plan; returns why none is started."""
    if not notice.is_in(plan.account, plan.source.region):
        where = f"{plan.source.region} of {plan.account}"
        return f"{notice.arn} is not in {where}, the source region of the plan {plan.name}"
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
    if ineligible := why_ineligible(snapshot, plan):
        return ineligible
    if manual is (snapshot.kind == "automated"):
        return f"{notice.arn} is {snapshot.kind}, and its event says otherwise"
    why = f"the {snapshot.kind} snapshot {notice.identifier}"
    operation = starting.start_from_snapshot(plan, snapshot, ports, why=why)
    return None if operation else f"{notice.arn} has its operation already"


def _on_rds_event(step: str, envelope: Envelope, ports: Ports) -> str | None:
    """Run the step for the operation that holds the event's target; its record decides the rest."""
    notice = RdsNotice.of(envelope)
    rows = [row for row in ROWS.values() if row.step == step]
    if not notice.is_one_of(tuple(event for row in rows for event in row.rds_events)):
        return f"'{notice.message}' wakes no step"
    for arn in notice.target_arns:
        try:
            target = ports.operations.target(arn)
        except UnreadableRecordError as error:
            # The heartbeat does not need this item: it announces the operation again.
            observability.unreadable(error, ports.settings.stage)
            return f"the item of {arn} cannot be read"
        member = notice.is_of_cluster or notice.identifier.removeprefix("rds:") in target.members
        waiting = target.deleted_by if notice.is_one_of(DELETIONS) else None
        if member and (waiting := waiting or target.locked_by):
            return runner.run_step(step, waiting, ports)
    return f"no open operation waits for {notice.arn}"


def _on_request(envelope: Envelope, ports: Ports) -> str | None:
    """Do what a person requests, or publish a refusal; returns why neither happens."""
    try:
        return _do_request(envelope, ports)
    except RefusedError as refusal:
        notifications.publish_refusal(refusal, envelope, ports)
    except SettingsError as error:
        refuse_for_settings(error, envelope, ports)
    except UnreadableRecordError as error:
        observability.unreadable(error, ports.settings.stage)
        remedy = "Send the event again when that is repaired."
        notifications.publish_refusal(RefusedError(str(error), remedy), envelope, ports)
    except TablesBusyError:
        # It is not known what was written, so nothing is published; the failure queue keeps the
        # event.
        raise
    except TransientError as error:
        remedy = "Send the event again in a few minutes."
        notifications.publish_refusal(RefusedError(error.reason, remedy), envelope, ports)
    return None


def _do_request(envelope: Envelope, ports: Ports) -> str | None:
    event_id, detail = event_id_of(envelope), envelope.get("detail")
    if envelope["detail-type"] != REQUESTED:
        refuse_unnamed(envelope, ports)
    if envelope["detail-type"] == CANCEL_REQUESTED:
        cancellation = parse_request(CancelRequested, detail)
        known = _operation_or_refuse(cancellation.operation_id, ports)
        return cancellations.cancel(cancellation, known, event_id, ports)
    if envelope["detail-type"] == ROLLBACK_REQUESTED:
        _roll_back(parse_request(RollbackRequested, detail), event_id, ports)
        return None
    request = parse_request(RestoreRequested, detail)
    if not (request.request_id or event_id):
        raise RefusedError("The event has neither an id nor a request_id.", "Give it a request_id.")
    return _start_requested(request, event_id, ports)


def _start_requested(request: RestoreRequested, event_id: str, ports: Ports) -> str | None:
    """Start what a person requests; returns why a duplicate of an event is ignored.

    EventBridge and Lambda deliver at least once, so the same event again is no second request. An
    operation that was skipped because the target was busy did nothing, so another event with its
    request id starts it.
    """
    request_id = request.request_id or event_id
    operation_id = requested_id(request_id)
    before = ports.operations.read(operation_id)
    while before and before.skipped_because_locked and before.requested_by_event != event_id:
        operation_id = catch_up_id(operation_id)
        before = ports.operations.read(operation_id)
    start = starting.StartRequest(request, request_id, event_id, operation_id)
    if before is None and _start_or_rerun(start, ports):
        return None
    before = before or _operation_or_refuse(operation_id, ports)
    if event_id and before.requested_by_event == event_id:
        return f"the event has started {before.operation_id} already"
    raise starting.made_before(request_id, before)


def _start_or_rerun(start: starting.StartRequest, ports: Ports) -> Operation | None:
    request = start.detail
    if request.rerun_of:
        before = _to_rerun(request.rerun_of, request.plan, ports)
        if repeated_steps.repeats(request, before):
            return repeated_steps.repeat_step(start, before, ports)
        return reruns.rerun(start, before, ports)
    plan = _plan(request.plan or DEFAULT_PLAN, ports)
    if request.snapshot_identifier is None:
        return starting.start_on_request(start, plan, ports)
    snapshot = _resolve_snapshot(request.snapshot_identifier, plan, ports)
    return starting.start_on_request(start, plan, ports, _facts_of(snapshot))


def _to_rerun(rerun_of: str, plan_name: str | None, ports: Ports) -> Operation:
    """Find the operation to rerun; `last` is the last success on the target of a plan."""
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
    if ineligible := why_ineligible(snapshot, plan):
        raise RefusedError(f"{ineligible}.", "Name a snapshot of the plan's source cluster.")
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
            f"List the newest with `{commands.newest_command(ports)}`, and name one of these.",
        )
    return operation


def _roll_back(request: RollbackRequested, event_id: str, ports: Ports) -> None:
    before = _operation_or_refuse(request.operation_id, ports)
    if not (request.request_id or event_id):
        raise RefusedError("The event has neither an id nor a request_id.", "Give it a request_id.")
    rollbacks.roll_back(request, before, event_id, ports)

"""How nights end and what is under way: the records of operations, and the locks of the targets."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.errors import NOTHING_TO_DO, UnreadableRecordError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.retirement import kept_until
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages import advice
from chalicelib.target.cluster import find_clusters
from chalicelib.target.previous_protection import why_kept

OVERDUE_AFTER = timedelta(
    minutes=15
)  # what is due is announced again every minute, and a step answers in minutes
SHOWN_MAX = 5
LOOKED_BACK_MAX = 100  # operations of one plan, of which many may have been skipped
ALWAYS = datetime.max.replace(tzinfo=UTC)


def operations(view: StageView) -> Iterator[Finding]:
    """Report open operations and their waits, overdue ones, and records that cannot be read."""
    late_since, opened, unreadable = view.now() - OVERDUE_AFTER, [], []
    for item in view.ports.operations.due(ALWAYS):
        try:
            opened.append(Operation.from_item(item))
        except UnreadableRecordError as error:
            unreadable.append(str(error))
    late = [each for each in opened if each.due_at and each.due_at <= late_since]
    if late:
        shown = ", ".join(f"{each.operation_id} ({each.state})" for each in late[:SHOWN_MAX])
        more = f" and {len(late) - SHOWN_MAX} more" if len(late) > SHOWN_MAX else ""
        yield warning(
            f"Overdue: {shown}{more}.",
            "See the check `heartbeat`, and read the log of the state's function.",
        )
    for sentence in unreadable[:SHOWN_MAX]:
        yield failed(sentence, "")
    told = (_of_previous(each, view) or _under_way(each) for each in opened[:SHOWN_MAX])
    yield ok(" ".join(told) or "None is open.")


def _of_previous(operation: Operation, view: StageView) -> str | None:
    """Say what a retirement that waits for its time will do, as things are now.

    None where only the record tells: while clusters change their names, or its time is over.
    """
    old, ports = operation.facts.target.old, view.ports
    target = ports.operations.target(operation.plan.target_cluster_arn)
    if operation.state is not State.PREVIOUS_KEPT or old is None or target.swapped_by:
        return None
    rds = ports.service("rds", operation.plan.target.region)
    cluster = find_clusters(rds, [old.resource_id]).get(old.resource_id)
    kept = why_kept(operation, cluster, ports) if cluster else None
    if cluster is None or kept:
        why = kept.reason if kept else f"{old.resource_id} is gone."
        return f"{operation.operation_id} will end without deleting anything: {why}"
    until = kept_until(operation)
    if view.now() >= until:
        return None
    name = f"{cluster.identifier} ({old.resource_id})"
    return (
        f"{operation.operation_id} keeps the previous target {name} until {iso_timestamp(until)} "
        "and deletes it then."
    )


def _under_way(operation: Operation) -> str:
    waits = f": {operation.waiting_for}" if operation.waiting_for else "."
    since = iso_timestamp(operation.entered_at)
    return f"{operation.operation_id} is {operation.state} since {since}{waits}"


def lock(view: StagePlan) -> Iterator[Finding]:
    """Say which operation locks the target, and whether that is still open."""
    holder = view.ports.operations.target(view.plan.target_cluster_arn).locked_by
    if holder is None:
        yield ok(f"{view.plan.target.cluster_id} is locked by no operation.")
        return
    operation = view.ports.operations.read(holder)
    if operation is None or operation.state in TERMINAL:
        state = operation.state if operation else "no longer there"
        yield warning(
            f"{view.plan.target.cluster_id} is locked by {holder}, which is {state}.",
            "Nothing has to be done: the next operation on this target takes the lock.",
        )
        return
    yield ok(f"{view.plan.target.cluster_id} is locked. {_under_way(operation)}")


def last(view: StagePlan) -> Iterator[Finding]:
    """Tell how the plan's last restore or rollback ended, and the deletion that followed it.

    One that was skipped had nothing to do, and is passed over.
    """
    found = view.ports.store.query("by-plan", view.plan.name, newest_first=True)
    newest = [
        Operation.from_item(item) for item in islice(found, LOOKED_BACK_MAX) if "state" in item
    ]
    told = list(_told(newest))
    if not told:
        skipped = [each for each in newest if each.state in TERMINAL]
        reason = f" The newest was skipped: {skipped[0].reason}" if skipped else ""
        yield ok(f"No operation has succeeded or failed yet.{reason}")
    for each in told:
        yield _end(each, goes_on=_goes_on(each, newest))
        if each.notified is False:
            yield warning(
                f"No notification of the end of {each.operation_id} was sent.",
                "See the check `topic`.",
            )


def _told(newest: Sequence[Operation]) -> Iterator[Operation]:
    """Find the last restore or rollback that ended, and a younger deletion of a previous target.

    That deletion does not make up for a restore that failed after it had opened its target.
    """
    ended = [each for each in newest if each.state in TERMINAL and each.state is not State.SKIPPED]
    restore = next((each for each in ended if each.kind is not Kind.RETIRE), None)
    retirement = next((each for each in ended if each.kind is Kind.RETIRE), None)
    if restore:
        yield restore
    if retirement and (restore is None or retirement.created_at >= restore.created_at):
        yield retirement


def _goes_on(operation: Operation, newest: Sequence[Operation]) -> bool:
    """Tell whether a newer operation may mend what became of this one."""
    is_retirement = operation.kind is Kind.RETIRE
    mends = [each for each in newest if is_retirement or each.kind is not Kind.RETIRE]
    return mends[0].state not in TERMINAL


def _end(operation: Operation, *, goes_on: bool) -> Finding:
    what = (
        f"{operation.operation_id} {operation.state} at "
        f"{iso_timestamp(operation.ended_at or operation.entered_at)}"
    )
    if operation.state is State.SUCCEEDED:
        warned = f" Warnings: {' '.join(operation.warnings)}" if operation.warnings else ""
        return ok(f"{what}.{warned}")
    if operation.kind is Kind.RETIRE and (kept := _retired(operation)):
        return ok(f"{what}: {kept}")
    at = f" in {operation.failed_step}" if operation.failed_step else ""
    lasts = operation.opened or operation.keeps_cluster or operation.kind is Kind.RETIRE
    status = advice.target_status(operation)[:1] if lasts else []
    why = " ".join(filter(None, [operation.reason, *operation.problems, *status]))
    tell = failed if operation.state is State.FAILED and not goes_on else warning
    remedy = " ".join(filter(None, [operation.remedy, advice.next_command(operation)]))
    return tell(f"{what}{at}: {why}", "A newer operation is under way." if goes_on else remedy)


def _retired(retirement: Operation) -> str | None:
    """Say what became of a previous target; None where people have to look after it."""
    old = retirement.facts.target.old
    name = f"the previous target {old.resource_id}" if old else "the previous target"
    is_part = retirement.stopped_at is State.PREVIOUS_DELETING
    if retirement.state is State.RETIRED:
        return f"{name} is deleted."
    if retirement.state is not State.CANCELLED or retirement.remedy != NOTHING_TO_DO or is_part:
        return None
    asked = retirement.stopped_at is not None  # else the operation itself found why
    return f"{name} is kept{', as asked' if asked else ''}. {retirement.reason}"

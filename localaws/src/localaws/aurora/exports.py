"""Exports of cluster snapshots to S3: tasks that start, run, end, fail or are canceled.

Limits are those of "Considerations for DB cluster snapshot exports" in the Aurora user guide.
"""

import re
from datetime import timedelta
from functools import partial

from localaws.aurora import arns, events
from localaws.aurora.arns import Arn
from localaws.aurora.errors import RdsError, invalid_value, not_modelled
from localaws.aurora.export_files import write_files
from localaws.aurora.export_storage import Destination
from localaws.aurora.listing import last_part, page, passes, read_filters
from localaws.aurora.names import new_identifier, one_of
from localaws.aurora.records import ExportTask, Snapshot
from localaws.aurora.sharing import find_snapshot
from localaws.aurora.state import Answer, AuroraState, Region, Request

TASKS_MOST = 5
OPEN = frozenset({"STARTING", "IN_PROGRESS", "CANCELING"})
CANCELABLE = frozenset({"STARTING", "IN_PROGRESS"})
_DONE = 100
_PART = r"[A-Za-z0-9$_]+"
_ONLY = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")


def start_export_task(request: Request) -> Answer:
    """Start an export of a snapshot's tables; what the snapshot holds now is exported.

    The snapshot may be deleted meanwhile. Another account's snapshot and a cluster are refused.
    """
    identifier, region = new_identifier(request, "ExportTaskIdentifier"), request.region
    if identifier in region.exports:
        raise RdsError("ExportTaskAlreadyExists", f"Export task {identifier} exists already.")
    snapshot = _source(request)
    _refuse_another(request, snapshot)
    task = ExportTask(
        identifier=identifier,
        snapshot_arn=snapshot.arn,
        snapshot_time=snapshot.created_at,
        destination=_destination(request, snapshot, identifier),
        prefix=request.get("S3Prefix"),
        only=_only(request),
        data_key=request.state.identities.resource_id("snapshot"),
    )
    request.state.exports.check(task.destination)
    region.exports[identifier] = task
    _reserve(request.state, snapshot, task)
    return show_task(request.state, task)


def _source(request: Request) -> Snapshot:
    text = str(request["SourceArn"])
    arn = Arn.parse(text)
    if arn is None:
        raise invalid_value(f"SourceArn {text!r} is not the ARN of a snapshot or a cluster.")
    if arn.kind == arns.CLUSTER:
        raise not_modelled(f"The export of a cluster ({text})")
    if arn.kind == "snapshot":
        raise RdsError("DBSnapshotNotFound", f"DBSnapshot {text} not found.")
    snapshot = find_snapshot(request, text)
    if snapshot.arn.account != request.region.account:
        raise not_modelled(f"The export of another account's snapshot ({text})")
    if snapshot.status != "available" or snapshot.created_at is None:
        raise _source_state(f"Snapshot {snapshot.identifier} is {snapshot.status}, not available.")
    return snapshot


def _source_state(message: str) -> RdsError:
    return RdsError("InvalidExportSourceState", message)


def _refuse_another(request: Request, snapshot: Snapshot) -> None:
    """Refuse a second export of one snapshot at a time, and a sixth of one account.

    The user guide has both limits and names no code for either.
    """
    account = request.region.account
    regions = [region for region in request.state.regions.values() if region.account == account]
    tasks = [task for region in regions for task in region.exports.values()]
    under_way = [task for task in tasks if task.status in OPEN]
    if any(task.snapshot_arn == snapshot.arn for task in under_way):
        raise _source_state(f"Snapshot {snapshot.identifier} is being exported already.")
    if len(under_way) >= TASKS_MOST:
        raise not_modelled(f"More than {TASKS_MOST} export tasks at a time, which AWS refuses,")


def _destination(request: Request, snapshot: Snapshot, identifier: str) -> Destination:
    prefix = str(request.get("S3Prefix", ""))
    if ":" in prefix:
        raise invalid_value(f"S3Prefix {prefix!r} contains a colon, which exports do not support.")
    key = request.state.usable_key(request.region, request["KmsKeyId"])
    return Destination(
        account=request.region.account,
        region=request.region.name,
        source_arn=str(snapshot.arn),
        bucket=request["S3BucketName"],
        folder="/".join(filter(None, (prefix.strip("/"), identifier))),
        role_arn=request["IamRoleArn"],
        key_arn=key.arn,
    )


def _only(request: Request) -> list[str]:
    only = [str(path) for path in request.get("ExportOnly", [])]
    for path in only:
        if not _ONLY.fullmatch(path):
            raise RdsError(
                "InvalidExportOnly",
                f"ExportOnly {path!r} is not a database, database.schema or database.schema.table "
                "whose names have only letters, digits, $ and _.",
            )
    return only


def _reserve(state: AuroraState, snapshot: Snapshot, task: ExportTask) -> None:
    """Keep the snapshot's data for the task, so that it outlives the snapshot."""
    state.perform(
        lambda: state.data.copy_snapshot(snapshot.key, task.data_key),
        lambda: _reserved(state, task),
        lambda error: _fail(state, task, str(error)),
    )


def _reserved(state: AuroraState, task: ExportTask) -> None:
    task.has_data = True
    if task.status == "STARTING":
        state.later(state.durations.export_start, lambda: _begin(state, task))
    elif task.status not in OPEN:
        _release(state, task)


def _begin(state: AuroraState, task: ExportTask) -> None:
    if task.status != "STARTING":
        return
    seconds = state.durations.export
    task.status, task.started_at = "IN_PROGRESS", state.now
    task.due_at = state.now + timedelta(seconds=seconds)
    state.later(seconds, lambda: _write(state, task))


def _write(state: AuroraState, task: ExportTask) -> None:
    """Write the files at the end, if bucket, role and key are still what they have to be."""
    if task.status != "IN_PROGRESS":
        return
    try:
        state.usable_key(_region(state, task), task.destination.key_arn)
        state.exports.check(task.destination)
    except RdsError as error:
        _fail(state, task, error.message)
        return
    ended_at, sizes = state.now, list[int]()
    state.perform(
        lambda: sizes.append(write_files(state, task, ended_at)),
        lambda: _complete(state, task, sum(sizes)),
        lambda error: _fail(state, task, str(error)),
    )


def _complete(state: AuroraState, task: ExportTask, size: int) -> None:
    if task.status == "IN_PROGRESS":
        task.size = size
        _end(state, task, "COMPLETE", events.SNAPSHOT_EXPORT_COMPLETED)


def _fail(state: AuroraState, task: ExportTask, cause: str) -> None:
    if task.status in CANCELABLE:
        task.failure_cause = cause
        _end(state, task, "FAILED", events.SNAPSHOT_EXPORT_FAILED)


def _end(state: AuroraState, task: ExportTask, status: str, kind: events.EventKind) -> None:
    task.status, task.ended_at = status, state.now
    _release(state, task)
    events.happened(state, task.snapshot_arn, kind)


def _release(state: AuroraState, task: ExportTask) -> None:
    if task.has_data:
        task.has_data = False
        state.perform(lambda: state.data.delete_snapshot(task.data_key))


def _region(state: AuroraState, task: ExportTask) -> Region:
    return state.region(task.destination.account, task.destination.region)


def cancel_export_task(request: Request) -> Answer:
    """Cancel a task that has not ended.

    What AWS has written by then stays in the bucket (API reference); here files come at the end.
    """
    task = _existing(request)
    if task.status not in CANCELABLE:
        raise RdsError(
            "InvalidExportTaskStateFault",
            f"Export task {task.identifier} is {task.status} and cannot be canceled.",
        )
    task.status, state = "CANCELING", request.state
    canceled = partial(_end, state, task, "CANCELED", events.SNAPSHOT_EXPORT_CANCELED)
    state.later(state.durations.export_cancel, canceled)
    return show_task(state, task)


def _existing(request: Request) -> ExportTask:
    identifier = request.identifier("ExportTaskIdentifier")
    task = request.region.exports.get(identifier)
    if task is None:
        raise RdsError("ExportTaskNotFound", f"Export task {identifier} not found.")
    return task


def describe_export_tasks(request: Request) -> Answer:
    """List the export tasks of this region; they are remembered for ever."""
    names = {"export-task-identifier", "s3-bucket", "source-arn", "status"}
    filters = read_filters(request, modelled=names)
    kind = one_of(request, "SourceType", {"SNAPSHOT", "CLUSTER"}, "SNAPSHOT")
    named = "ExportTaskIdentifier" in request
    tasks = [_existing(request)] if named else list(request.region.exports.values())
    source = str(request.get("SourceArn", "")).lower()
    found = [
        task
        for task in tasks
        if kind == "SNAPSHOT"
        and source in {"", str(task.snapshot_arn)}
        and passes(filters, _facts(task))
    ]
    state = request.state
    return page(
        request,
        "ExportTasks",
        found,
        lambda task: task.identifier,
        lambda task: show_task(state, task),
    )


def _facts(task: ExportTask) -> dict[str, str]:
    return {
        "export-task-identifier": task.identifier,
        "s3-bucket": task.destination.bucket.lower(),
        "source-arn": last_part(str(task.snapshot_arn)),
        "status": task.status.lower(),
    }


def show_task(state: AuroraState, task: ExportTask) -> Answer:
    """Return a task's description; members without a value are left out."""
    shown = {
        "ExportTaskIdentifier": task.identifier,
        "SourceArn": str(task.snapshot_arn),
        "ExportOnly": list(task.only) or None,
        "SnapshotTime": task.snapshot_time,
        "TaskStartTime": task.started_at,
        "TaskEndTime": task.ended_at,
        "S3Bucket": task.destination.bucket,
        "S3Prefix": task.prefix,
        "IamRoleArn": task.destination.role_arn,
        "KmsKeyId": task.destination.key_arn,
        "Status": task.status,
        "PercentProgress": _progress(state, task),
        "TotalExtractedDataInGB": task.size // 2**30,
        "FailureCause": task.failure_cause,
        "SourceType": "SNAPSHOT",
    }
    return {name: value for name, value in shown.items() if value is not None}


def _progress(state: AuroraState, task: ExportTask) -> int:
    """Return the percentage of a task's time that has passed; only one that is complete has 100."""
    if task.status == "COMPLETE":
        return _DONE
    if task.started_at is None or task.due_at is None:
        return 0
    passed = (task.ended_at or state.now) - task.started_at
    whole = max(task.due_at - task.started_at, timedelta.resolution)
    return min(_DONE - 1, int(_DONE * passed / whole))

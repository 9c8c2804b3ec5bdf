"""The whole flow, as one table: which state is announced how, what answers it, and where it may go.

Everything else that needs the flow (rules, transitions, the diagram in the docs, metrics, the operator's timeline,
the tests) reads `CHOREOGRAPHY`; nothing repeats it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SOURCE_PREFIX = "aurora-restore"
RDS_SOURCE = "aws.rds"


class State(StrEnum):
    """The last fact that is known of an operation."""

    ACCEPTED = "ACCEPTED"  # somebody wants this snapshot restored, and the target is ours to replace
    SNAPSHOT_FOUND = "SNAPSHOT_FOUND"  # the snapshot exists, is available and is the source's
    COPYING = "COPYING"  # Aurora copies it to where the target lives
    HOP_COPIED = "HOP_COPIED"  # one copy is made and another has to follow
    SNAPSHOT_READY = "SNAPSHOT_READY"  # what will be restored is available in the target's region
    TARGET_DELETING = "TARGET_DELETING"  # everything later was checked; the old target is on its way out
    TARGET_CLEAR = "TARGET_CLEAR"  # the target's name is free
    CLUSTER_RESTORING = "CLUSTER_RESTORING"  # Aurora makes the new cluster
    CLUSTER_RESTORED = "CLUSTER_RESTORED"  # the new cluster is there, with no instance yet
    INSTANCES_CREATING = "INSTANCES_CREATING"  # Aurora makes its instances
    RESTORED = "RESTORED"  # the instances answer, with production's logins
    USERS_READY = "USERS_READY"  # production's logins are out, ours are in and proven
    ARCHIVED = "ARCHIVED"  # the copy is kept or gone, as the plan says
    FAILING = "FAILING"  # it cannot go on; people are being told
    CANCELLING = "CANCELLING"  # somebody stopped it; people are being told
    SKIPPING = "SKIPPING"  # there was nothing to do; people are being told
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class RdsEvent:
    """An event of RDS: its id, and how its message begins.

    The id is missing from some payloads, and the published schema does not know it (the CDK's event schema), so the
    message has to do then. Live messages have no full stop, the documentation's do: only the beginning counts.
    """

    event_id: str
    detail_type: str
    message: str


CLUSTER, INSTANCE, SNAPSHOT = (f"RDS DB {kind} Event" for kind in ("Cluster", "Instance", "Cluster Snapshot"))
AUTOMATED_SNAPSHOT_CREATED = RdsEvent("RDS-EVENT-0169", SNAPSHOT, "Automated cluster snapshot created")
MANUAL_SNAPSHOT_CREATED = RdsEvent("RDS-EVENT-0075", SNAPSHOT, "Manual cluster snapshot created")
CLUSTER_CREATED = RdsEvent("RDS-EVENT-0170", CLUSTER, "DB cluster created")
CLUSTER_DELETED = RdsEvent("RDS-EVENT-0171", CLUSTER, "DB cluster deleted")
CLUSTER_INCOMPATIBLE = RdsEvent("RDS-EVENT-0354", CLUSTER, "You can't create the DB cluster because of incompatible")
CLUSTER_OVER_LIMITS = RdsEvent("RDS-EVENT-0355", CLUSTER, "The DB cluster can't be created because of insufficient")
CLUSTER_PASSWORD_RESET = RdsEvent("RDS-EVENT-0016", CLUSTER, "Reset master credentials")
INSTANCE_CREATED = RdsEvent("RDS-EVENT-0005", INSTANCE, "DB instance created")
INSTANCE_DELETED = RdsEvent("RDS-EVENT-0003", INSTANCE, "DB instance deleted")
INSTANCE_OVER_LIMITS = RdsEvent("RDS-EVENT-0353", INSTANCE, "The DB instance can't be created because of insufficient")
INSTANCE_PARAMETERS = RdsEvent("RDS-EVENT-0035", INSTANCE, "Database instance put into")
INSTANCE_NETWORK = RdsEvent("RDS-EVENT-0036", INSTANCE, "Database instance in")
INSTANCE_PASSWORD_RESET = RdsEvent("RDS-EVENT-0016", INSTANCE, "Reset master credentials")
INSTANCE_PASSWORD_REFUSED = RdsEvent("RDS-EVENT-0067", INSTANCE, "Unable to reset your password")


@dataclass(frozen=True)
class Row:
    """One state: the event that announces it, the step that answers, where that may lead, and how long it may take.

    `deadline` names the `Plan` field (seconds) that bounds the state; `awaits` says what of Aurora's the state waits
    for, None where the time is all our own; `gives_up_to` is where a refusal, a spent deadline or repeated bugs lead:
    after a good restore that is onward, with a warning.
    """

    state: State
    announced_as: str
    step: str | None = None
    goes_to: tuple[State, ...] = ()
    deadline: str = "step_deadline"
    woken_by: tuple[RdsEvent, ...] = ()
    awaits: str | None = None
    gives_up_to: State = State.FAILING


_S = State
CHOREOGRAPHY: tuple[Row, ...] = (
    Row(
        _S.ACCEPTED,
        "RestoreAccepted",
        "snapshot-check",
        (_S.SNAPSHOT_FOUND, _S.SKIPPING),
        "snapshot_deadline",
        awaits="the snapshot",
    ),
    Row(_S.SNAPSHOT_FOUND, "SnapshotFound", "copy-snapshot", (_S.COPYING, _S.SNAPSHOT_READY), "copy_queue_deadline"),
    Row(
        _S.COPYING,
        "SnapshotCopyStarted",
        "check-copy-status",
        (_S.HOP_COPIED, _S.SNAPSHOT_READY, _S.SNAPSHOT_FOUND),
        "copy_deadline",
        awaits="the copy",
    ),  # Aurora tells nobody that a copy is done: it is looked at
    Row(_S.HOP_COPIED, "SnapshotHopCopied", "copy-snapshot", (_S.COPYING,), "copy_queue_deadline"),
    Row(_S.SNAPSHOT_READY, "SnapshotReady", "delete-rds", (_S.TARGET_DELETING, _S.TARGET_CLEAR), "delete_deadline"),
    Row(
        _S.TARGET_DELETING,
        "TargetDeletionStarted",
        "delete-rds",
        (_S.TARGET_CLEAR,),
        "delete_deadline",
        (INSTANCE_DELETED, CLUSTER_DELETED),
        awaits="the deletion",
    ),
    Row(_S.TARGET_CLEAR, "TargetCleared", "restore-snapshot", (_S.CLUSTER_RESTORING,)),
    Row(
        _S.CLUSTER_RESTORING,
        "ClusterRestoreStarted",
        "check-restore-status",
        (_S.CLUSTER_RESTORED,),
        "restore_deadline",
        (CLUSTER_CREATED, CLUSTER_INCOMPATIBLE, CLUSTER_OVER_LIMITS),
        awaits="the cluster",
    ),
    Row(_S.CLUSTER_RESTORED, "ClusterRestored", "restore-snapshot", (_S.INSTANCES_CREATING,)),
    Row(
        _S.INSTANCES_CREATING,
        "InstanceCreationStarted",
        "check-restore-status",
        (_S.RESTORED,),
        "instance_deadline",
        (INSTANCE_CREATED, INSTANCE_OVER_LIMITS, INSTANCE_PARAMETERS, INSTANCE_NETWORK),
        awaits="the instances",
    ),
    Row(
        _S.RESTORED,
        "TargetRestored",
        "setup-db-users",
        (_S.USERS_READY,),
        "users_deadline",
        (CLUSTER_PASSWORD_RESET, INSTANCE_PASSWORD_RESET, INSTANCE_PASSWORD_REFUSED),
        awaits="the password reset",
    ),
    Row(_S.USERS_READY, "UsersReady", "archive-snapshot", (_S.ARCHIVED,), "archive_deadline", gives_up_to=_S.ARCHIVED),
    Row(
        _S.ARCHIVED,
        "SnapshotArchived",
        "sns-notification",
        (_S.SUCCEEDED,),
        "notification_deadline",
        gives_up_to=_S.SUCCEEDED,
    ),
    Row(_S.FAILING, "RestoreFailing", "sns-notification", (_S.FAILED,), "notification_deadline", gives_up_to=_S.FAILED),
    Row(
        _S.CANCELLING,
        "RestoreCancelling",
        "sns-notification",
        (_S.CANCELLED,),
        "notification_deadline",
        gives_up_to=_S.CANCELLED,
    ),
    Row(
        _S.SKIPPING,
        "RestoreSkipping",
        "sns-notification",
        (_S.SKIPPED,),
        "notification_deadline",
        gives_up_to=_S.SKIPPED,
    ),
    Row(_S.SUCCEEDED, "RestoreSucceeded"),
    Row(_S.FAILED, "RestoreFailed"),
    Row(_S.CANCELLED, "RestoreCancelled"),
    Row(_S.SKIPPED, "RestoreSkipped"),
)
ROWS: Mapping[State, Row] = {row.state: row for row in CHOREOGRAPHY}
STEPS: tuple[str, ...] = tuple(dict.fromkeys(row.step for row in CHOREOGRAPHY if row.step))
TERMINAL = frozenset(row.state for row in CHOREOGRAPHY if row.step is None)
ENDING = frozenset({State.ARCHIVED, State.FAILING, State.CANCELLING, State.SKIPPING})  # past cancelling and failing
STARTING_EVENTS = (AUTOMATED_SNAPSHOT_CREATED, MANUAL_SNAPSHOT_CREATED)
REQUESTED, CANCEL_REQUESTED = "RestoreRequested", "CancelRequested"  # what people put on the bus
DOOR = "snapshot-check"  # the step that also takes what starts an operation


def states_of(step: str) -> tuple[State, ...]:
    """Say in which states it is `step`'s turn, in the order of the flow."""
    return tuple(row.state for row in CHOREOGRAPHY if row.step == step)


def may_follow(before: State, after: State) -> bool:
    """Tell whether the flow knows this change of state; giving up and being stopped are possible until the ending."""
    if after is State.CANCELLING:
        return before not in ENDING | TERMINAL
    return after in (*ROWS[before].goes_to, ROWS[before].gives_up_to)


def event_source(stage: str) -> str:
    """Name the source of a stage's own events, so that stages of one account hear only themselves."""
    return f"{SOURCE_PREFIX}.{stage}"


def pattern(step: str, stage: str) -> dict[str, Any]:
    """Build the EventBridge pattern of the rule that wakes `step`.

    RDS events are not narrowed by identifier: a plan's clusters are settings that are read when the event arrives,
    and an event that is not ours is to be seen ignored, with a log line, rather than lost without a trace.
    """
    ours = [row.announced_as for row in CHOREOGRAPHY if row.step == step]
    if step == DOOR:
        return _any_of(stage, [*ours, REQUESTED], (), all_snapshot_events=True)
    if step == "cancel-restore":
        return _any_of(stage, [CANCEL_REQUESTED], ())
    return _any_of(stage, ours, [event for row in CHOREOGRAPHY if row.step == step for event in row.woken_by])


def _any_of(
    stage: str, ours: list[str], rds_events: Iterable[RdsEvent], *, all_snapshot_events: bool = False
) -> dict[str, Any]:
    branches: list[dict[str, Any]] = [{"source": [event_source(stage)], "detail-type": ours}]
    if all_snapshot_events:
        branches.append({"source": [RDS_SOURCE], "detail-type": [SNAPSHOT]})
    if rds_events := tuple(rds_events):
        branches.append(_from_rds(rds_events))
    return {"$or": branches} if len(branches) > 1 else branches[0]  # EventBridge wants two branches or no $or


def _from_rds(rds_events: tuple[RdsEvent, ...]) -> dict[str, Any]:
    by_id = {"EventID": sorted({event.event_id for event in rds_events})}
    by_message = {"Message": [{"prefix": message} for message in sorted({event.message for event in rds_events})]}
    detail_types = sorted({event.detail_type for event in rds_events})
    return {"source": [RDS_SOURCE], "detail-type": detail_types, "detail": {"$or": [by_id, by_message]}}

"""The whole flow, as one table: which state is announced how, what answers it, and where it may go.

Everything else that needs the flow (rules, transitions, the diagram in the docs, metrics, the
operator's timeline, the tests) reads `CHOREOGRAPHY`; nothing repeats it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.flow import rds_events as rds

SOURCE_PREFIX = "aurora-restore"


class State(StrEnum):
    """The last fact that is known of an operation."""

    ACCEPTED = (
        "ACCEPTED"  # somebody wants this snapshot restored, and the target is ours to replace
    )
    SNAPSHOT_FOUND = "SNAPSHOT_FOUND"  # the snapshot exists, is available and is the source's
    COPYING = "COPYING"  # Aurora copies it to where the target lives
    HOP_COPIED = "HOP_COPIED"  # one copy is made and another has to follow
    SNAPSHOT_READY = "SNAPSHOT_READY"  # what will be restored is available in the target's region
    PREFLIGHT_PASSED = (
        "PREFLIGHT_PASSED"  # everything later was looked up, and what is deleted is decided
    )
    TARGET_DELETING = (
        "TARGET_DELETING"  # setup-db-users reaches what it needs; the old target is on its way out
    )
    TARGET_CLEAR = "TARGET_CLEAR"  # the target's name is free
    CLUSTER_RESTORING = "CLUSTER_RESTORING"  # Aurora makes the new cluster
    CLUSTER_RESTORED = "CLUSTER_RESTORED"  # the new cluster is there, with no instance yet
    INSTANCES_CREATING = "INSTANCES_CREATING"  # Aurora makes its writer
    RESTORED = "RESTORED"  # the writer answers, with production's logins
    READERS_CREATING = (
        "READERS_CREATING"  # the users are in and proven; Aurora still makes the readers
    )
    # production's logins are out, ours are in and proven; all instances are there
    USERS_READY = "USERS_READY"
    ARCHIVED = "ARCHIVED"  # the copy is kept or gone, as the plan says
    FAILING = "FAILING"  # it cannot go on; people are being told
    CANCELLING = "CANCELLING"  # somebody stopped it; people are being told
    SKIPPING = "SKIPPING"  # it changes nothing, for a reason that people are being told
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Row:
    """One state: the event that announces it, the step that answers, where that may lead, and how long it may take.

    `deadline` names the `Plan` field (seconds) that bounds the state; `awaits` says what of
    Aurora's the state waits for, None where the time is all our own; `gives_up_to` is where a
    refusal, a spent deadline or repeated bugs lead: to the failure, and from an ending to that end,
    which stands whether people could be told or not. Where the step `only_tries` what it will do in
    a later state, asking for the step means that later state.
    """

    state: State
    announced_as: str
    step: str | None = None
    goes_to: tuple[State, ...] = ()
    deadline: str = "step_deadline"
    woken_by: tuple[rds.RdsEvent, ...] = ()
    awaits: str | None = None
    gives_up_to: State = State.FAILING
    only_tries: bool = False


S = State
# fmt: off
CHOREOGRAPHY: tuple[Row, ...] = (
    #   state                 announced as               step                    goes to
    Row(S.ACCEPTED,           "RestoreAccepted",         "snapshot-check",       (S.SNAPSHOT_FOUND, S.SKIPPING),
        "snapshot_deadline", awaits="the snapshot"),
    Row(S.SNAPSHOT_FOUND,     "SnapshotFound",           "copy-snapshot",        (S.COPYING, S.SNAPSHOT_READY),
        "copy_queue_deadline"),
    Row(S.COPYING,            "SnapshotCopyStarted",     "check-copy-status",    (S.HOP_COPIED, S.SNAPSHOT_READY,
        # no event tells that a copy is done
        S.SNAPSHOT_FOUND), "copy_deadline", awaits="the copy"),
    Row(S.HOP_COPIED,         "SnapshotHopCopied",       "copy-snapshot",        (S.COPYING,),
        "copy_queue_deadline"),
    Row(S.SNAPSHOT_READY,     "SnapshotReady",           "delete-rds",           (S.PREFLIGHT_PASSED,),
        "delete_deadline"),
    Row(S.PREFLIGHT_PASSED,   "PreflightPassed",         "setup-db-users",       (S.TARGET_DELETING, S.TARGET_CLEAR),
        "network_deadline", only_tries=True),  # nothing was lost so far
    Row(S.TARGET_DELETING,    "TargetDeletionStarted",   "delete-rds",           (S.TARGET_CLEAR,),
        # its instances are gone by then
        "delete_deadline", (rds.CLUSTER_DELETED,), awaits="the deletion"),
    Row(S.TARGET_CLEAR,       "TargetCleared",           "restore-snapshot",     (S.CLUSTER_RESTORING,)),
    Row(S.CLUSTER_RESTORING,  "ClusterRestoreStarted",   "check-restore-status", (S.CLUSTER_RESTORED,),
        "restore_deadline", (rds.CLUSTER_CREATED, rds.CLUSTER_INCOMPATIBLE, rds.CLUSTER_OVER_LIMITS),
        awaits="the cluster"),
    Row(S.CLUSTER_RESTORED,   "ClusterRestored",         "restore-snapshot",     (S.INSTANCES_CREATING,)),
    Row(S.INSTANCES_CREATING, "InstanceCreationStarted", "check-restore-status", (S.RESTORED,),
        "instance_deadline", (rds.INSTANCE_CREATED, rds.INSTANCE_OVER_LIMITS, rds.INSTANCE_PARAMETERS,
        rds.INSTANCE_NETWORK), awaits="the writer"),
    Row(S.RESTORED,           "TargetRestored",          "setup-db-users",       (S.READERS_CREATING, S.USERS_READY),
        "users_deadline", (rds.CLUSTER_PASSWORD_RESET, rds.INSTANCE_PASSWORD_RESET, rds.INSTANCE_PASSWORD_REFUSED),
        awaits="the password reset"),
    Row(S.READERS_CREATING,   "ReaderCreationStarted",   "check-restore-status", (S.USERS_READY,),
        "instance_deadline", (rds.INSTANCE_CREATED, rds.INSTANCE_OVER_LIMITS, rds.INSTANCE_PARAMETERS,
        rds.INSTANCE_NETWORK), awaits="the readers"),  # which setup-db-users began beside the users
    Row(S.USERS_READY,        "UsersReady",              "archive-snapshot",     (S.ARCHIVED,),
        "archive_deadline"),  # its step makes a warning of what goes wrong with the copies
    Row(S.ARCHIVED,           "SnapshotArchived",        "sns-notification",     (S.SUCCEEDED,),
        "notification_deadline", gives_up_to=S.SUCCEEDED),
    Row(S.FAILING,            "RestoreFailing",          "sns-notification",     (S.FAILED,),
        "notification_deadline", gives_up_to=S.FAILED),
    Row(S.CANCELLING,         "RestoreCancelling",       "sns-notification",     (S.CANCELLED,),
        "notification_deadline", gives_up_to=S.CANCELLED),
    Row(S.SKIPPING,           "RestoreSkipping",         "sns-notification",     (S.SKIPPED,),
        "notification_deadline", gives_up_to=S.SKIPPED),
    Row(S.SUCCEEDED,          "RestoreSucceeded"),
    Row(S.FAILED,             "RestoreFailed"),
    Row(S.CANCELLED,          "RestoreCancelled"),
    Row(S.SKIPPED,            "RestoreSkipped"),
)
# fmt: on
ROWS: Mapping[State, Row] = {row.state: row for row in CHOREOGRAPHY}
STEPS: tuple[str, ...] = tuple(dict.fromkeys(row.step for row in CHOREOGRAPHY if row.step))
ORDER: tuple[State, ...] = tuple(ROWS)  # of the states, as the flow has them
TERMINAL = frozenset(row.state for row in CHOREOGRAPHY if row.step is None)
ENDING = frozenset(
    {State.ARCHIVED, State.FAILING, State.CANCELLING, State.SKIPPING}
)  # past cancelling and failing
REQUESTED, CANCEL_REQUESTED = "RestoreRequested", "CancelRequested"  # what people put on the bus
PROBE_REQUESTED = "ProbeRequested"  # by which the doctor has setup-db-users try its network
NETWORK_TRIED = "NetworkTried"  # what setup-db-users puts there to see that it can
IN_VPC = "setup-db-users"  # the one step whose function runs in a VPC
DOOR = "snapshot-check"  # the step that also takes what starts an operation


def states_of(step: str) -> tuple[State, ...]:
    """Say in which states it is `step`'s turn, in the order of the flow."""
    return tuple(row.state for row in CHOREOGRAPHY if row.step == step)


def begins_in(step: str) -> State:
    """Say in which state `step` begins its work, for who asks for the step."""
    return next(row.state for row in CHOREOGRAPHY if row.step == step and not row.only_tries)


def may_follow(before: State, after: State) -> bool:
    """Tell whether the flow knows this change of state.

    Giving up and being stopped are possible until the ending.
    """
    if after in (State.CANCELLING, State.FAILING):
        return before not in ENDING | TERMINAL
    return after in (*ROWS[before].goes_to, ROWS[before].gives_up_to)


def event_source(stage: str) -> str:
    """Name the source of a stage's own events, so that stages of one account hear only themselves."""
    return f"{SOURCE_PREFIX}.{stage}"

"""The whole flow as one table: each state, its event, its step, and the states that may follow.

Everything else that needs the flow (rules, transitions, the diagram in the docs, metrics, the
operator's timeline, the tests) reads `CHOREOGRAPHY`; nothing repeats it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.flow import rds_event_ids as rds

SOURCE_PREFIX = "aurora-restore"


class State(StrEnum):
    """The last fact that is known of an operation."""

    # The operation holds the target's lock; its snapshot is not checked yet.
    ACCEPTED = "ACCEPTED"
    # The snapshot exists, is available and is the source's.
    SNAPSHOT_FOUND = "SNAPSHOT_FOUND"
    # Aurora copies the snapshot.
    COPYING = "COPYING"
    # One copy is available and another has to follow.
    HOP_COPIED = "HOP_COPIED"
    # The snapshot that will be restored is available in the target's region.
    SNAPSHOT_READY = "SNAPSHOT_READY"
    # Everything that later steps need was checked, and what to delete is decided.
    PREFLIGHT_PASSED = "PREFLIGHT_PASSED"
    # setup-db-users reaches what it needs; the restore is tried before the old target is deleted.
    NETWORK_REACHED = "NETWORK_REACHED"
    # AWS refuses nothing that was tried; Aurora deletes the old target.
    TARGET_DELETING = "TARGET_DELETING"
    # The target's name is free.
    TARGET_CLEAR = "TARGET_CLEAR"
    # Aurora creates the new cluster.
    CLUSTER_RESTORING = "CLUSTER_RESTORING"
    # The new cluster is available, without an instance yet.
    CLUSTER_RESTORED = "CLUSTER_RESTORED"
    # Aurora creates its writer.
    INSTANCES_CREATING = "INSTANCES_CREATING"
    # The writer is available; production's logins still work.
    RESTORED = "RESTORED"
    # The users are created and verified; Aurora still creates the readers.
    READERS_CREATING = "READERS_CREATING"
    # Production's logins are disabled, the plan's users are verified, all instances are available.
    USERS_READY = "USERS_READY"
    # The previous cluster, which is to be the target again, is started if it was stopped.
    TARGET_STARTING = "TARGET_STARTING"
    # The cluster that will be the target is available; no login was proven there yet.
    TARGET_CHOSEN = "TARGET_CHOSEN"
    # The old cluster leaves the target's name, and the new one gets it.
    SWAPPING = "SWAPPING"
    # The new cluster has the target's name; no login was proven there yet.
    TARGET_RENAMED = "TARGET_RENAMED"
    # Aurora stops and starts the new cluster, so that its certificate has the new name.
    TARGET_RESTARTING = "TARGET_RESTARTING"
    # The plan's users can log in there: the pointers are written.
    TARGET_PROVEN = "TARGET_PROVEN"
    # The old cluster gets its name back, or the pointers.
    ROLLING_BACK = "ROLLING_BACK"
    # The new cluster is the target: people use it from now on.
    TARGET_OPEN = "TARGET_OPEN"
    # The copy is kept or deleted, as the plan says.
    ARCHIVED = "ARCHIVED"
    # The operation cannot continue; people are being notified.
    FAILING = "FAILING"
    # Somebody cancelled the operation; people are being notified.
    CANCELLING = "CANCELLING"
    # The operation will change nothing; people are being notified why.
    SKIPPING = "SKIPPING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    # The old target is kept under another name, so that people can go back.
    PREVIOUS_KEPT = "PREVIOUS_KEPT"
    # Aurora deletes it.
    PREVIOUS_DELETING = "PREVIOUS_DELETING"
    RETIRED = "RETIRED"


class Phase(StrEnum):
    """The parts of a restore, by which facts and plan are nested; a rerun forgets whole phases."""

    SNAPSHOT = "snapshot"
    COPIES = "copies"
    TARGET = "target"
    USERS = "users"
    SWAP = "swap"
    RETIRE = "retire"
    ARCHIVE = "archive"
    END = "end"


class Result(StrEnum):
    """How an operation ends."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    RETIRED = "RETIRED"


@dataclass(frozen=True)
class StateRow:
    """Everything about a state: its event, its step, and the states that may follow.

    - `next_states` lead forward, `earlier_states` lead back to repeat something.
    - `deadline` names the setting (seconds) that bounds the state.
    - `aurora_work` says what of Aurora's the state waits for; None where all the time is the app's.
    - `keeps_waiting` marks a state that lasts until a time has come, which is nobody's work.
    - `on_giving_up` is the state after a refusal, a passed deadline or repeated unexpected errors.
      An ending leads to its own end there, whether people could be notified or not.
    - `on_cancel` is the state after a cancellation; None where it is too late to cancel.
    - `resume_at` is where a rerun of an operation that stopped here begins; by default, here.
    - `result` is how an operation in this state has ended or is about to end.
    - `only_tries` marks a state whose step only tries what it does in a later state: a request for
      the step means that later state.
    """

    state: State
    phase: Phase
    event: str
    step: str | None = None
    next_states: tuple[State, ...] = ()
    earlier_states: tuple[State, ...] = ()
    deadline: str = "step_deadline"
    rds_events: tuple[rds.RdsEvent, ...] = ()
    aurora_work: str | None = None
    keeps_waiting: bool = False
    on_giving_up: State = State.FAILING
    on_cancel: State | None = State.CANCELLING
    resume_at: State | None = None
    result: Result | None = None
    only_tries: bool = False

    @property
    def leads_to(self) -> tuple[State, ...]:
        """Every state that the step of this one may lead to."""
        return self.next_states + self.earlier_states


S, P, R = State, Phase, Result
INSTANCE_EVENTS = (
    rds.INSTANCE_CREATED,
    rds.INSTANCE_OVER_LIMITS,
    rds.INSTANCE_PARAMETERS,
    rds.INSTANCE_NETWORK,
)
# fmt: off
CHOREOGRAPHY: tuple[StateRow, ...] = (
    #        state                 phase       event                      step
    StateRow(S.ACCEPTED,           P.SNAPSHOT, "RestoreAccepted",         "snapshot-check",
        (S.SNAPSHOT_FOUND, S.SKIPPING),
        deadline="snapshot_deadline", aurora_work="the snapshot"),
    StateRow(S.SNAPSHOT_FOUND,     P.COPIES,   "SnapshotFound",           "copy-snapshot",
        (S.COPYING, S.SNAPSHOT_READY),
        deadline="copy_queue_deadline"),
    StateRow(S.COPYING,            P.COPIES,   "SnapshotCopyStarted",     "check-copy-status",
        (S.HOP_COPIED, S.SNAPSHOT_READY), (S.SNAPSHOT_FOUND,),
        deadline="copy_deadline", aurora_work="the copy"),  # Aurora has no event for its end
    StateRow(S.HOP_COPIED,         P.COPIES,   "SnapshotHopCopied",       "copy-snapshot",
        (S.COPYING,),
        deadline="copy_queue_deadline"),
    StateRow(S.SNAPSHOT_READY,     P.TARGET,   "SnapshotReady",           "delete-rds",
        (S.PREFLIGHT_PASSED,),
        deadline="delete_deadline"),
    StateRow(S.PREFLIGHT_PASSED,   P.TARGET,   "PreflightPassed",         "setup-db-users",
        (S.NETWORK_REACHED, S.TARGET_DELETING, S.TARGET_CLEAR),
        deadline="network_deadline", only_tries=True,  # nothing was lost so far
        resume_at=S.SNAPSHOT_READY),  # whether everything later is still there
    StateRow(S.NETWORK_REACHED,    P.TARGET,   "NetworkReached",          "restore-snapshot",
        (S.TARGET_DELETING, S.CLUSTER_RESTORING),  # if the old target has vanished
        only_tries=True,
        resume_at=S.SNAPSHOT_READY),
    StateRow(S.TARGET_DELETING,    P.TARGET,   "TargetDeletionStarted",   "delete-rds",
        (S.TARGET_CLEAR,),
        deadline="delete_deadline", aurora_work="the deletion",
        rds_events=(rds.CLUSTER_DELETED,),  # its instances are gone by then
        resume_at=S.SNAPSHOT_READY),  # whose the target is by then
    StateRow(S.TARGET_CLEAR,       P.TARGET,   "TargetCleared",           "restore-snapshot",
        (S.CLUSTER_RESTORING,),
        resume_at=S.SNAPSHOT_READY),  # another rerun's cluster has its own data and settings
    StateRow(S.CLUSTER_RESTORING,  P.TARGET,   "ClusterRestoreStarted",   "check-restore-status",
        (S.CLUSTER_RESTORED,),
        deadline="restore_deadline", aurora_work="the cluster",
        rds_events=(rds.CLUSTER_CREATED, rds.CLUSTER_INCOMPATIBLE, rds.CLUSTER_OVER_LIMITS)),
    StateRow(S.CLUSTER_RESTORED,   P.TARGET,   "ClusterRestored",         "restore-snapshot",
        (S.INSTANCES_CREATING,)),
    StateRow(S.INSTANCES_CREATING, P.TARGET,   "InstanceCreationStarted", "check-restore-status",
        (S.RESTORED,),
        deadline="instance_deadline", aurora_work="the writer", rds_events=INSTANCE_EVENTS,
        resume_at=S.CLUSTER_RESTORED),  # as many instances as are wanted by then
    StateRow(S.RESTORED,           P.USERS,    "TargetRestored",          "setup-db-users",
        (S.READERS_CREATING, S.USERS_READY),
        deadline="users_deadline", aurora_work="the password reset",
        rds_events=(
            rds.CLUSTER_PASSWORD_RESET, rds.INSTANCE_PASSWORD_RESET, rds.INSTANCE_PASSWORD_REFUSED),
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.READERS_CREATING,   P.USERS,    "ReaderCreationStarted",   "check-restore-status",
        (S.USERS_READY,),  # setup-db-users created the readers beside the users
        deadline="instance_deadline", aurora_work="the readers", rds_events=INSTANCE_EVENTS,
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.USERS_READY,        P.SWAP,     "UsersReady",              "swap-target",
        (S.TARGET_CHOSEN, S.TARGET_OPEN),
        deadline="delete_deadline",  # in which an older previous target is deleted
        resume_at=S.CLUSTER_RESTORED),  # and who can log in by then
    # Only a rollback begins here; one that finishes another begins with the renames.
    StateRow(S.TARGET_STARTING,    P.SWAP,     "TargetStartRequested",    "swap-target",
        (S.TARGET_CHOSEN,),
        deadline="swap_deadline", aurora_work="the start", rds_events=(rds.CLUSTER_STARTED,)),
    StateRow(S.TARGET_CHOSEN,      P.SWAP,     "TargetChosen",            "setup-db-users",
        (S.SWAPPING, S.TARGET_PROVEN),
        deadline="swap_deadline",  # nothing was renamed or published so far
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.SWAPPING,           P.SWAP,     "TargetSwapStarted",       "swap-target",
        (S.TARGET_RENAMED,),
        deadline="swap_deadline", aurora_work="the renames", rds_events=(rds.CLUSTER_RENAMED,),
        on_giving_up=S.ROLLING_BACK, on_cancel=S.ROLLING_BACK,
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.TARGET_RENAMED,     P.SWAP,     "TargetRenamed",           "setup-db-users",
        (S.TARGET_RESTARTING, S.TARGET_OPEN),
        deadline="swap_deadline", on_giving_up=S.ROLLING_BACK, on_cancel=S.ROLLING_BACK,
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.TARGET_RESTARTING,  P.SWAP,     "TargetRestartStarted",    "swap-target",
        (), (S.TARGET_RENAMED,),
        deadline="swap_deadline", aurora_work="the restart",
        rds_events=(rds.CLUSTER_STOPPED, rds.CLUSTER_STARTED),
        on_giving_up=S.ROLLING_BACK, on_cancel=S.ROLLING_BACK,
        resume_at=S.CLUSTER_RESTORED),
    # Where pointers lead to the target, no cluster is renamed.
    StateRow(S.TARGET_PROVEN,      P.SWAP,     "TargetProven",            "swap-target",
        (S.TARGET_OPEN,),
        deadline="swap_deadline", on_giving_up=S.ROLLING_BACK, on_cancel=S.ROLLING_BACK,
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.ROLLING_BACK,       P.SWAP,     "TargetRollbackStarted",   "swap-target",
        (S.FAILING, S.CANCELLING),
        deadline="swap_deadline", aurora_work="the renames", rds_events=(rds.CLUSTER_RENAMED,),
        on_cancel=None,
        resume_at=S.CLUSTER_RESTORED),
    StateRow(S.TARGET_OPEN,        P.ARCHIVE,  "TargetOpened",            "archive-snapshot",
        (S.ARCHIVED,),  # its step makes a warning of what goes wrong with the copies
        deadline="archive_deadline",
        on_cancel=None),  # people have the new cluster
    StateRow(S.ARCHIVED,           P.END,      "SnapshotArchived",        "sns-notification",
        (S.SUCCEEDED,),
        deadline="notification_deadline", on_giving_up=S.SUCCEEDED, on_cancel=None,
        result=R.SUCCEEDED),
    StateRow(S.FAILING,            P.END,      "RestoreFailing",          "sns-notification",
        (S.FAILED,),
        deadline="notification_deadline", on_giving_up=S.FAILED, on_cancel=None,
        result=R.FAILED),
    StateRow(S.CANCELLING,         P.END,      "RestoreCancelling",       "sns-notification",
        (S.CANCELLED,),
        deadline="notification_deadline", on_giving_up=S.CANCELLED, on_cancel=None,
        result=R.CANCELLED),
    StateRow(S.SKIPPING,           P.END,      "RestoreSkipping",         "sns-notification",
        (S.SKIPPED,),
        deadline="notification_deadline", on_giving_up=S.SKIPPED, on_cancel=None,
        result=R.SKIPPED),
    StateRow(S.SUCCEEDED,          P.END,      "RestoreSucceeded",        result=R.SUCCEEDED),
    StateRow(S.FAILED,             P.END,      "RestoreFailed",           result=R.FAILED),
    StateRow(S.CANCELLED,          P.END,      "RestoreCancelled",        result=R.CANCELLED),
    StateRow(S.SKIPPED,            P.END,      "RestoreSkipped",          result=R.SKIPPED),
    # The life of an operation of another kind: it deletes the old target when its time is over.
    StateRow(S.PREVIOUS_KEPT,      P.RETIRE,   "PreviousTargetKept",      "delete-rds",
        (S.PREVIOUS_DELETING, S.RETIRED),
        deadline="previous_deadline", keeps_waiting=True),
    StateRow(S.PREVIOUS_DELETING,  P.RETIRE,   "PreviousDeletionStarted", "delete-rds",
        (S.RETIRED,),
        deadline="delete_deadline", aurora_work="the deletion", rds_events=(rds.CLUSTER_DELETED,),
        resume_at=S.PREVIOUS_KEPT),
    StateRow(S.RETIRED,            P.END,      "PreviousTargetRetired",   result=R.RETIRED),
)
# fmt: on
ROWS: Mapping[State, StateRow] = {row.state: row for row in CHOREOGRAPHY}
STEPS: tuple[str, ...] = tuple(dict.fromkeys(row.step for row in CHOREOGRAPHY if row.step))
TERMINAL = frozenset(row.state for row in CHOREOGRAPHY if row.step is None)
ENDING = frozenset(row.state for row in CHOREOGRAPHY if row.step and row.result)
CANCELLABLE = tuple(row.state for row in CHOREOGRAPHY if row.step and row.on_cancel)
MOVING = frozenset(
    row.state for row in CHOREOGRAPHY if row.phase is Phase.SWAP and row.state is not S.USERS_READY
)
"""The states in which clusters are between names or pointers: nothing is deleted meanwhile."""
REQUESTED = "RestoreRequested"  # what people put on the bus
CANCEL_REQUESTED = "CancelRequested"
ROLLBACK_REQUESTED = "RollbackRequested"
RESTORE_ANNOUNCED = "RestoreAnnounced"  # some minutes before the target is replaced
PROBE_REQUESTED = "ProbeRequested"  # by which the doctor has setup-db-users try its network
NETWORK_TRIED = "NetworkTried"  # what setup-db-users puts there to see that it can
IN_VPC = "setup-db-users"  # the one step whose function runs in a VPC
START_STEP = "snapshot-check"  # the step that also takes what starts an operation


def states_of(step: str) -> tuple[State, ...]:
    """List the states that `step` answers, in the order of the flow."""
    return tuple(row.state for row in CHOREOGRAPHY if row.step == step)


def begins_in(step: str) -> State:
    """Give the state at which a request for `step` begins."""
    return next(row.state for row in CHOREOGRAPHY if row.step == step and not row.only_tries)


def is_allowed(before: State, after: State) -> bool:
    """Tell whether the flow allows this change of state.

    An operation can fail or be cancelled until its ending begins.
    """
    row = ROWS[before]
    if before in TERMINAL:
        return False
    return after in (*row.leads_to, row.on_giving_up, row.on_cancel)


def comes_after(later: State, earlier: State) -> bool:
    """Tell whether the flow may lead on from `earlier` to `later`, by however many steps."""
    return later in _later_states(earlier)


def begun_anew(state: State) -> frozenset[Phase]:
    """List the phases that begin in a state or after it: a rerun from there repeats them."""
    later = _later_states(state)
    begun = {row.phase for row in CHOREOGRAPHY if row.state is not state and row.state not in later}
    return frozenset(Phase) - begun


def _later_states(state: State) -> frozenset[State]:
    found: set[State] = set()
    ahead = [*ROWS[state].next_states]
    while ahead:
        if (later := ahead.pop()) not in found:
            found.add(later)
            ahead += ROWS[later].next_states
    return frozenset(found)


def event_source(stage: str) -> str:
    """Name the source of a stage's own events: it keeps the stages of an account apart."""
    return f"{SOURCE_PREFIX}.{stage}"

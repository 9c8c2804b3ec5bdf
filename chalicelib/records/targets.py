"""The permanent item of a target cluster: its lock, its data, and what operations write to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from chalicelib.flow.baseline import Baseline, EndpointBaseline
from chalicelib.flow.choreography import MOVING, ROWS, TERMINAL, State
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.identifiers import retire_id
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.newest_data import NEWEST_OPENED, newest_opened
from chalicelib.records.store import Change, Item, When

RETIREMENT = "retirement#"  # before the resource id of a replaced cluster, in a target's item
RISE_SHARE_MAX = 1 / 4  # of an expected duration, from one night to the next
RISE_SECONDS = 30  # that an expected duration may rise by, however short it is
CLUSTERS_MAX = 20  # clusters that are remembered; those before them are gone by then
_TIMESTAMP = TypeAdapter[datetime](AwareDatetime)  # without a zone it could not be compared


class ClusterNote(StrEnum):
    """What the item notes of some clusters: the name of a list of resource ids, the newest last."""

    HALF_DELETED = "half_deleted"  # an operation deleted instances of them
    UNPROTECTED = "unprotected"  # an operation lifted their deletion protection
    # The target before them had it, and AWS refused it for them.
    WITHOUT_DATA_API = "without_data_api"
    WITHOUT_INSIGHTS = "without_insights"
    WITHOUT_MONITORING = "without_monitoring"  # some of their instances


@dataclass(frozen=True)
class Standing:
    """The data of the cluster under a target's name, and the operation that restored it.

    `is_clear` means that the name was free, and that Aurora has not confirmed yet that it restores
    this data.
    """

    snapshot_at: datetime | None = None
    operation: str | None = None
    is_clear: bool = False


@dataclass(frozen=True)
class TargetRecord:
    """The permanent item of one target cluster.

    Its cluster may be of an operation that did not succeed: then `standing` is newer than the last
    success.
    """

    arn: str
    locked_by: str | None = None
    last_success_at: datetime | None = None
    last_success_snapshot_at: datetime | None = None
    last_success_operation: str | None = None
    newest_opened_at: datetime | None = None  # of the snapshots that it ever had
    catch_up_since: datetime | None = None
    next_catch_up_at: datetime | None = None
    members: tuple[str, ...] = field(default=())
    # The resource id of a restored cluster that production's passwords still open.
    unsecured_cluster_id: str | None = None
    # Seconds of each state that waits for Aurora.
    expected_durations: Mapping[str, float] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)
    opened_id: str | None = None  # the resource id of the cluster that people use: it was proven
    opened_as: str | None = None  # its name then; None in items of before there were several
    # By the resource id of each replaced cluster: the operation that decides about it.
    retirements: Mapping[str, str] = field(default_factory=dict)
    swapped_by: str | None = None  # the operation that moves clusters between the names now
    deleted_by: str | None = None  # the operation that deletes the previous target now
    baseline: Baseline | None = None  # what the target was like before it was replaced last
    missing_endpoints: tuple[EndpointBaseline, ...] = ()  # custom ones that exist nowhere any more
    notes: Mapping[ClusterNote, tuple[str, ...]] = field(default_factory=dict)

    def is_noted(self, note: ClusterNote, resource_id: str) -> bool:
        """Tell whether the item notes something of a cluster."""
        return resource_id in self.notes.get(note, ())


def target_key(arn: str) -> str:
    """Name the item of a target."""
    return f"target#{arn}"


def read_target(arn: str, item: Item) -> TargetRecord:
    """Read a target's item; raises UnreadableRecordError."""
    return TargetRecord(
        arn=arn,
        locked_by=item.get("holder"),
        last_success_at=_timestamp(arn, item, "last_success_at"),
        last_success_snapshot_at=_timestamp(arn, item, "last_success_snapshot_at"),
        last_success_operation=item.get("last_success_operation"),
        newest_opened_at=_timestamp(arn, item, NEWEST_OPENED),
        catch_up_since=_timestamp(arn, item, "armed_since"),
        next_catch_up_at=_timestamp(arn, item, "look_due_at"),
        members=tuple(item.get("members", ())),
        unsecured_cluster_id=item.get("logins_open_on"),
        expected_durations=read_expected_durations(item),
        standing=_read_standing(arn, item),
        opened_id=item.get("opened_id"),
        opened_as=item.get("opened_as"),
        retirements={
            name.removeprefix(RETIREMENT): value
            for name, value in item.items()
            if name.startswith(RETIREMENT)
        },
        swapped_by=item.get("swapped_by"),
        deleted_by=item.get("deleted_by"),
        baseline=_read_baseline(arn, item),
        notes={note: tuple(item.get(note.value, ())) for note in ClusterNote},
        missing_endpoints=_read_missing_endpoints(arn, item),
    )


def _read_baseline(arn: str, item: Item) -> Baseline | None:
    found = item.get("baseline")
    try:
        return None if found is None else Baseline.of_item(found)
    except ValidationError as error:
        what = f"no baseline ({error.error_count()} of its attributes are unexpected)"
        raise _unreadable(arn, "baseline", found, what) from None


def _read_missing_endpoints(arn: str, item: Item) -> tuple[EndpointBaseline, ...]:
    found = item.get("missing_endpoints", ())
    try:
        return EndpointBaseline.of_items(found)
    except ValidationError as error:
        what = f"no endpoints ({error.error_count()} of their attributes are unexpected)"
        raise _unreadable(arn, "missing_endpoints", found, what) from None


def _read_standing(arn: str, item: Item) -> Standing:
    found = item.get("standing", {})
    if not isinstance(found, dict):
        raise _unreadable(arn, "standing", found, "no map")
    since = _timestamp(arn, found, "since")
    succeeded_at = _timestamp(arn, item, "last_success_at")
    if since is None or (succeeded_at and succeeded_at >= since):
        # No restore has begun since the last success.
        snapshot_at = _timestamp(arn, item, "last_success_snapshot_at")
        return Standing(snapshot_at, item.get("last_success_operation"))
    snapshot_at = _timestamp(arn, found, "snapshot_at")
    return Standing(snapshot_at, found.get("operation"), bool(found.get("clear")))


def _timestamp(arn: str, item: Item, name: str) -> datetime | None:
    if name not in item:
        return None
    try:
        return _TIMESTAMP.validate_python(datetime.fromisoformat(item[name]))
    except (TypeError, ValueError):
        raise _unreadable(arn, name, item[name], "no timestamp") from None


def _unreadable(arn: str, name: str, value: object, what: str) -> UnreadableRecordError:
    return UnreadableRecordError(
        f"The item of the target {arn} cannot be read: its {name} is {value!r}, which is {what}.",
        "Remove that attribute.",
    )


def read_expected_durations(item: Item) -> Mapping[str, float]:
    """Read how long each state is expected to last.

    Invalid values are ignored, since they only space polls.
    """
    lasted = item.get("lasted")
    found = lasted.items() if isinstance(lasted, dict) else ()
    return {
        state: float(seconds)
        for state, seconds in found
        if type(seconds) in (int, float) and seconds >= 0
    }


def lock_change(operation: Operation) -> Change:
    """Take the target's lock for a new operation; it fails while another one holds it."""
    members = list(operation.instance_ids)
    lock: Item = {"holder": operation.operation_id, "members": members}
    free: tuple[When, ...] = (When("holder", "absent"),)
    if operation.state in MOVING:
        lock |= {"swapped_by": operation.operation_id}
        free = (*free, When("deleted_by", "absent"))
    return Change(target_key(operation.plan.target_cluster_arn), assign=lock, when=free)


def retirement_change(operation: Operation, noted: str | None) -> Change:
    """Note that an operation decides about a replaced cluster instead of the one that is noted."""
    attribute = _retirement_attribute(operation)
    same = When(attribute, "is", noted) if noted else When(attribute, "absent")
    key = target_key(operation.plan.target_cluster_arn)
    return Change(key, assign={attribute: operation.operation_id}, when=(same,))


def _retirement_attribute(operation: Operation) -> str:
    old = operation.facts.target.old
    return f"{RETIREMENT}{old.resource_id if old else ''}"


def secured_change(operation: Operation, resource_id: str | None) -> Change:
    """Remove the note that production's logins are open on a cluster of an operation's target."""
    noted = When("logins_open_on", "is", resource_id)
    key = target_key(operation.plan.target_cluster_arn)
    return Change(key, remove=("logins_open_on",), when=(noted,))


def noted_change(
    target: TargetRecord, note: ClusterNote, resource_id: str, *, is_so: bool
) -> Change:
    """Note something of a cluster, or forget it; `target` has to be up to date."""
    name, known = note.value, target.notes.get(note, ())
    others = [found for found in known if found != resource_id]
    noted = [*others, resource_id][-CLUSTERS_MAX:] if is_so else others
    unchanged = When(name, "is", [*known]) if known else When(name, "absent")
    return Change(
        target_key(target.arn),
        assign={name: noted} if noted else {},
        remove=() if noted else (name,),
        when=(unchanged,),
    )


def target_changes(before: Operation, after: Operation, item: Item) -> list[Change]:
    """Give what a change of state writes to the target's item, on condition of its lock.

    `item` is what a target that opens has noted so far; nothing else needs it.
    """
    key = target_key(after.plan.target_cluster_arn)
    if after.kind is Kind.RETIRE:
        return _changes_of_retirement(key, before, after)
    locked: tuple[When, ...] = (When("holder", "is", after.operation_id),)
    if after.state not in TERMINAL:
        is_past = after.state in (State.ARCHIVED, State.FAILING)  # the move of endpoints
        assign, remove = (_changes_of_endpoints if is_past else _changes_on_entering)(after)
        assign |= newest_opened(after, item)
        if before.state in MOVING and after.state not in MOVING:
            remove = (*remove, "swapped_by")
        if (
            after.state in MOVING and before.state not in MOVING
        ):  # never while a previous target is being deleted
            locked = (*locked, When("deleted_by", "absent"))
        return [Change(key, assign=assign, remove=remove, when=locked)] if assign or remove else []
    if before.skipped_because_locked:  # which never had the lock
        return []
    return [Change(key, assign=_success(after), remove=("holder",), when=locked)]


def _changes_on_entering(operation: Operation) -> tuple[Item, tuple[str, ...]]:
    """Give the attributes to assign and to remove when an operation enters a state."""
    facts, is_kept = operation.facts, operation.plan.target.keeps_old
    assign: Item = {}
    remove: tuple[str, ...] = ()
    match operation.state:
        case State.PREFLIGHT_PASSED if baseline := facts.target.baseline:
            assign = {"baseline": baseline.to_item()}
        case State.TARGET_DELETING if doomed := operation.doomed:
            assign = {"members": sorted({*doomed.members, *operation.instance_ids})}
        case State.TARGET_CLEAR if not is_kept:
            assign = {"standing": _standing(operation) | {"clear": True}}
            remove = ("logins_open_on",)
        case State.TARGET_CLEAR:
            assign = {"members": sorted(operation.instance_ids)}
        case State.CLUSTER_RESTORING if not is_kept:
            assign = {"standing": _standing(operation)}
        case State.CLUSTER_RESTORED if not facts.users.production_logins_closed:
            assign = {"logins_open_on": facts.target.cluster_resource_id}
        case State.CLUSTER_RESTORED | State.USERS_READY:
            remove = ("logins_open_on",)
        case State.SWAPPING | State.TARGET_CHOSEN:
            assign = {"swapped_by": operation.operation_id}
        case State.TARGET_OPEN:
            assign = _opened(operation)
    return assign, remove


def _changes_of_endpoints(operation: Operation) -> tuple[Item, tuple[str, ...]]:
    """Note the custom endpoints that were deleted and could not be created again.

    An operation that never opened its target has moved none.
    """
    if operation.facts.swap.endpoints is None or not operation.opened:
        return {}, ()
    missing = [found.to_item() for found in operation.facts.swap.missing_endpoints]
    return ({"missing_endpoints": missing}, ()) if missing else ({}, ("missing_endpoints",))


def _opened(operation: Operation) -> Item:
    """Note which cluster is the target from now on, its data, and what deletes the previous one."""
    known = {
        "standing": None if operation.keeps_cluster else _standing(operation),
        "opened_id": operation.facts.target.cluster_resource_id,
        "opened_as": operation.new_cluster_id,
    }
    if operation.keeps_previous:
        known[_retirement_attribute(operation)] = retire_id(operation.operation_id)
    return {name: value for name, value in known.items() if value is not None}


def _changes_of_retirement(key: str, before: Operation, after: Operation) -> list[Change]:
    """Give what the deletion of a previous target writes, which no swap may meet."""
    mine = When("deleted_by", "is", after.operation_id)
    if after.state is State.PREVIOUS_DELETING:
        deleted_by: Item = {"deleted_by": after.operation_id}
        free = (When("swapped_by", "absent"), When("deleted_by", "absent"))
        return [Change(key, assign=deleted_by, when=free)]
    is_gone = after.state is State.RETIRED
    noted = (_retirement_attribute(after),) if is_gone else ()
    if before.state is State.PREVIOUS_DELETING:
        return [Change(key, remove=("deleted_by", *noted), when=(mine,))]
    return [Change(key, remove=noted)] if noted else []


def _success(operation: Operation) -> Item:
    """Note the age of the target's data and, unless it was a rerun, how long Aurora takes.

    Of a rollback to a cluster that others made, only that it is the last success.
    """
    if operation.state is not State.SUCCEEDED:
        return {}
    if not operation.facts.snapshot.created_at:
        return {"last_success_operation": operation.operation_id}
    return {
        "last_success_at": iso_timestamp(operation.entered_at),
        "last_success_operation": operation.operation_id,
        "last_success_snapshot_at": iso_timestamp(operation.facts.snapshot.created_at),
        **({} if operation.rerun_of else {"lasted": _learned_durations(operation)}),
    }


def _standing(operation: Operation) -> Item:
    """Note which data an operation restores.

    A success after this note takes precedence over it.
    """
    created_at = operation.facts.snapshot.created_at
    note = {"operation": operation.operation_id, "since": iso_timestamp(operation.entered_at)}
    return note | ({"snapshot_at": iso_timestamp(created_at)} if created_at else {})


def _learned_durations(operation: Operation) -> dict[str, float]:
    """Give the seconds that each state is expected to last, where it waits for Aurora.

    An expected duration falls at once and rises by a quarter at most: too short a one costs a few
    polls, but with too long a one a lost event is noticed late. Of several copies the last one
    counts, because it succeeded.
    """
    learned = dict(operation.expected_durations)
    for duration in operation.durations:
        if ROWS[duration.state].aurora_work:
            expected = operation.expected_durations.get(duration.state, duration.seconds)
            longest = expected + max(expected * RISE_SHARE_MAX, RISE_SECONDS)
            learned[duration.state] = round(min(duration.seconds, longest), 3)
    return learned

"""The permanent item of a target cluster: its lock, its data, and what operations write to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, TypeAdapter

from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.operation import Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.store import Change, Item, When

RISE_SHARE_MAX = 1 / 4  # of an expected duration, from one night to the next
RISE_SECONDS = 30  # that an expected duration may rise by, however short it is
_TIMESTAMP = TypeAdapter[datetime](AwareDatetime)  # without a zone it could not be compared


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
    catch_up_since: datetime | None = None
    next_catch_up_at: datetime | None = None
    members: tuple[str, ...] = field(default=())
    # The resource id of a restored cluster that production's passwords still open.
    unsecured_cluster_id: str | None = None
    # Seconds of each state that waits for Aurora.
    expected_durations: Mapping[str, float] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)


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
        catch_up_since=_timestamp(arn, item, "armed_since"),
        next_catch_up_at=_timestamp(arn, item, "look_due_at"),
        members=tuple(item.get("members", ())),
        unsecured_cluster_id=item.get("logins_open_on"),
        expected_durations=read_expected_durations(item),
        standing=_read_standing(arn, item),
    )


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
    members = list(operation.plan.target.instance_ids)
    lock = {"holder": operation.operation_id, "members": members}
    key = target_key(operation.plan.target_cluster_arn)
    return Change(key, assign=lock, when=(When("holder", "absent"),))


def secured_change(operation: Operation) -> Change:
    """Remove the note that production's logins are open on the cluster of an operation."""
    noted = When("logins_open_on", "is", operation.facts.target.cluster_resource_id)
    key = target_key(operation.plan.target_cluster_arn)
    return Change(key, remove=("logins_open_on",), when=(noted,))


def target_changes(before: Operation, after: Operation) -> list[Change]:
    """Give what a change of state writes to the target's item, on condition of its lock."""
    key = target_key(after.plan.target_cluster_arn)
    locked = (When("holder", "is", after.operation_id),)
    if after.state not in TERMINAL:
        assign, remove = _changes_on_entering(after)
        return [Change(key, assign=assign, remove=remove, when=locked)] if assign or remove else []
    if before.skipped_because_locked:  # which never had the lock
        return []
    return [Change(key, assign=_success(after), remove=("holder",), when=locked)]


def _changes_on_entering(operation: Operation) -> tuple[Item, tuple[str, ...]]:
    """Give the attributes to assign and to remove when an operation enters a state."""
    facts = operation.facts
    match operation.state:
        case State.TARGET_DELETING if old := facts.target.old:
            return {"members": sorted({*old.members, *operation.plan.target.instance_ids})}, ()
        case State.TARGET_CLEAR:
            return {"standing": _standing(operation) | {"clear": True}}, ("logins_open_on",)
        case State.CLUSTER_RESTORING:
            return {"standing": _standing(operation)}, ()
        case State.CLUSTER_RESTORED if not facts.users.production_logins_closed:
            return {"logins_open_on": facts.target.cluster_resource_id}, ()
        case State.CLUSTER_RESTORED | State.USERS_READY:
            return {}, ("logins_open_on",)
    return {}, ()


def _success(operation: Operation) -> Item:
    """Note the age of the target's data and, unless it was a rerun, how long Aurora takes."""
    if operation.state is not State.SUCCEEDED or not operation.facts.snapshot.created_at:
        return {}
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

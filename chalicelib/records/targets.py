"""The permanent item of a target cluster: who holds it, how fresh it is, and whose logins are open on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, TypeAdapter

from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.operation import Operation
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.records.store import Change, Item, When

RISE_SHARE_MAX = 1 / 4  # of a guess, from one night to the next
RISE_SECONDS = 30  # which a short guess may rise by, however short it is
_MOMENT = TypeAdapter[datetime](AwareDatetime)  # one without a zone could be compared with no other


@dataclass(frozen=True)
class Standing:
    """What the cluster under a target's name was restored from, and by which operation.

    Where `is_clear`, the name was free and Aurora has not confirmed that it makes a cluster of this
    data.
    """

    snapshot_at: datetime | None = None
    operation: str | None = None
    is_clear: bool = False


@dataclass(frozen=True)
class TargetRecord:
    """The permanent item of one target cluster: who holds it, how fresh it is, and what stands there.

    A cluster may stand there that no success made: then `standing` is not of the last success.
    """

    arn: str
    locked_by: str | None = None
    last_success_at: datetime | None = None
    last_success_snapshot_at: datetime | None = None
    last_success_operation: str | None = None
    catch_up_since: datetime | None = None
    next_catch_up_at: datetime | None = None
    members: tuple[str, ...] = field(default=())
    unsecured_cluster_id: str | None = (
        None  # the resource id of a cluster of ours that production's passwords still open
    )
    expected_durations: Mapping[str, float] = field(
        default_factory=dict
    )  # seconds that each awaited state may be thought to take
    standing: Standing = field(default_factory=Standing)


def target_key(arn: str) -> str:
    """Name the item of a target."""
    return f"target#{arn}"


def read_target(arn: str, item: Item) -> TargetRecord:
    """Read a target's item; raises UnreadableRecordError."""

    def moment(name: str, of: Item = item) -> datetime | None:
        try:
            return _MOMENT.validate_python(datetime.fromisoformat(of[name])) if name in of else None
        except (TypeError, ValueError):
            raise _unreadable(arn, name, of[name], "no moment") from None

    def standing() -> Standing:
        found, succeeded_at = item.get("standing", {}), moment("last_success_at")
        if not isinstance(found, dict):
            raise _unreadable(arn, "standing", found, "no map")
        since = moment("since", found)
        if since is None or (
            succeeded_at and succeeded_at >= since
        ):  # nothing was begun after the last success
            return Standing(moment("last_success_snapshot_at"), item.get("last_success_operation"))
        return Standing(
            moment("snapshot_at", found), found.get("operation"), bool(found.get("clear"))
        )

    return TargetRecord(
        arn,
        item.get("holder"),
        moment("last_success_at"),
        moment("last_success_snapshot_at"),
        item.get("last_success_operation"),
        moment("armed_since"),
        moment("look_due_at"),
        tuple(item.get("members", ())),
        item.get("logins_open_on"),
        read_expected_durations(item),
        standing(),
    )


def _unreadable(arn: str, name: str, value: object, what: str) -> UnreadableRecordError:
    return UnreadableRecordError(
        f"The item of the target {arn} cannot be read: its {name} is {value!r}, which is {what}.",
        "Remove that attribute.",
    )


def read_expected_durations(item: Item) -> Mapping[str, float]:
    """Read how long each state took before.

    What is no such number is left out, since it only spaces looks.
    """
    lasted = item.get("lasted")
    found = lasted.items() if isinstance(lasted, dict) else ()
    return {
        state: float(seconds)
        for state, seconds in found
        if type(seconds) in (int, float) and seconds >= 0
    }


def secured_change(operation: Operation) -> Change:
    """Take back the note that production's logins are open on the cluster of an operation, if there is that note."""
    on_it = When("logins_open_on", "is", operation.facts.target.cluster_resource_id)
    return Change(
        target_key(operation.plan.target_cluster_arn), remove=("logins_open_on",), when=(on_it,)
    )


def target_changes(before: Operation, after: Operation) -> list[Change]:
    """Say what a change of state means for the target's item.

    Each change holds only for the lock's holder.
    """
    key, mine = (
        target_key(after.plan.target_cluster_arn),
        (When("holder", "is", after.operation_id),),
    )
    if after.state not in TERMINAL:
        assign, remove = _changes_on_entering(after)
        return [Change(key, assign=assign, remove=remove, when=mine)] if assign or remove else []
    if before.skipped_because_locked:  # which never had the lock
        return []
    return [Change(key, assign=_success(after), remove=("holder",), when=mine)]


def _changes_on_entering(operation: Operation) -> tuple[Item, tuple[str, ...]]:
    """Say what is assigned and what is removed when an operation enters a state."""
    facts = operation.facts
    match operation.state:
        case State.TARGET_DELETING if facts.target.old:
            return {
                "members": sorted({*facts.target.old.members, *operation.plan.target.instance_ids})
            }, ()
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
    """Say how fresh the target is and, unless a rerun found things half done, how long Aurora takes."""
    if operation.state is not State.SUCCEEDED or not operation.facts.snapshot.created_at:
        return {}
    return {
        "last_success_at": iso_timestamp(operation.entered_at),
        "last_success_operation": operation.operation_id,
        "last_success_snapshot_at": iso_timestamp(operation.facts.snapshot.created_at),
        **({} if operation.rerun_of else {"lasted": _learned_durations(operation)}),
    }


def _standing(operation: Operation) -> Item:
    """Say what an operation makes its target of.

    A success at a later moment than this note counts instead of it.
    """
    made = operation.facts.snapshot.created_at
    note = {"operation": operation.operation_id, "since": iso_timestamp(operation.entered_at)}
    return note | ({"snapshot_at": iso_timestamp(made)} if made else {})


def _learned_durations(operation: Operation) -> dict[str, float]:
    """Say in seconds how long each awaited state may be thought to take.

    Of copies in a row the last was the good one.

    The guess falls at once and rises by a quarter at most: too short a guess costs a few looks, too
    long a one has a lost event noticed late, and one night of hours says little of the next.
    """
    guesses = dict(operation.expected_durations)
    for lasted in (one for one in operation.durations if ROWS[one.state].aurora_work):
        before = operation.expected_durations.get(lasted.state, lasted.seconds)
        risen = before + max(before * RISE_SHARE_MAX, RISE_SECONDS)
        guesses[lasted.state] = round(min(lasted.seconds, risen), 3)
    return guesses

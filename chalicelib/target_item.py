"""The permanent item of a target cluster: who holds it, how fresh it is, and whose logins are open on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, TypeAdapter

from chalicelib.choreography import ROWS, TERMINAL, State
from chalicelib.errors import UnreadableRecordError
from chalicelib.operation import Operation, stamp
from chalicelib.store import Change, Item, When

RISE_SHARE_MAX = 1 / 4  # of a guess, from one night to the next
RISE_SECONDS = 30  # which a short guess may rise by, however short it is
_MOMENT = TypeAdapter[datetime](AwareDatetime)  # one without a zone could be compared with no other


@dataclass(frozen=True)
class Target:
    """The permanent item of one target cluster: who holds it, and how fresh it is."""

    arn: str
    holder: str | None = None
    last_success_at: datetime | None = None
    last_success_snapshot_at: datetime | None = None
    last_success_operation: str | None = None
    armed_since: datetime | None = None
    look_due_at: datetime | None = None
    members: tuple[str, ...] = field(default=())
    logins_open_on: str | None = None  # the resource id of a cluster of ours that production's passwords still open
    lasted: Mapping[str, float] = field(default_factory=dict)  # seconds that each awaited state may be thought to take


def target_key(arn: str) -> str:
    """Name the item of a target."""
    return f"target#{arn}"


def read_target(arn: str, item: Item) -> Target:
    """Read a target's item; raises UnreadableRecordError."""

    def moment(name: str) -> datetime | None:
        try:
            return _MOMENT.validate_python(datetime.fromisoformat(item[name])) if name in item else None
        except (TypeError, ValueError):
            raise UnreadableRecordError(
                f"The item of the target {arn} cannot be read: its {name} is {item[name]!r}, which is no moment. "
                "Remove that attribute."
            ) from None

    return Target(
        arn, item.get("holder"), moment("last_success_at"), moment("last_success_snapshot_at"),
        item.get("last_success_operation"), moment("armed_since"), moment("look_due_at"),
        tuple(item.get("members", ())), item.get("logins_open_on"), lasted_of(item),
    )  # fmt: skip


def lasted_of(item: Item) -> Mapping[str, float]:
    """Read how long each state took before; what is no such number is left out, since it only spaces looks."""
    lasted = item.get("lasted")
    found = lasted.items() if isinstance(lasted, dict) else ()
    return {state: float(seconds) for state, seconds in found if type(seconds) in (int, float) and seconds >= 0}


def closed_change(operation: Operation) -> Change:
    """Take back the note that production's logins are open on the cluster of an operation, if there is that note."""
    on_it = When("logins_open_on", "is", operation.facts.cluster_resource_id)
    return Change(target_key(operation.settings.target_cluster_arn), remove=("logins_open_on",), when=(on_it,))


def target_changes(before: Operation, after: Operation) -> list[Change]:
    """Say what a change of state means for the target's item; each change holds only for the lock's holder."""
    key, mine = target_key(after.settings.target_cluster_arn), (When("holder", "is", after.operation_id),)
    if after.state is State.TARGET_DELETING and after.facts.victim:
        members = sorted({*after.facts.victim.members, *after.settings.instance_ids})
        return [Change(key, assign={"members": members}, when=mine)]
    if after.state is State.CLUSTER_RESTORED and not after.facts.production_logins_closed:
        return [Change(key, assign={"logins_open_on": after.facts.cluster_resource_id}, when=mine)]
    if after.state in (State.TARGET_CLEAR, State.CLUSTER_RESTORED, State.USERS_READY):
        return [Change(key, remove=("logins_open_on",), when=mine)]
    if after.state not in TERMINAL or before.skipped_busy:  # which never had the lock
        return []
    return [Change(key, assign=_success(after), remove=("holder",), when=mine)]


def _success(operation: Operation) -> Item:
    """Say how fresh the target is and, unless a rerun found things half done, how long Aurora takes."""
    if operation.state is not State.SUCCEEDED or not operation.facts.snapshot_created_at:
        return {}
    return {
        "last_success_at": stamp(operation.entered_at), "last_success_operation": operation.operation_id,
        "last_success_snapshot_at": stamp(operation.facts.snapshot_created_at),
        **({} if operation.rerun_of else {"lasted": _lasted(operation)}),
    }  # fmt: skip


def _lasted(operation: Operation) -> dict[str, float]:
    """Say in seconds how long each awaited state may be thought to take; of copies in a row the last was the good one.

    The guess falls at once and rises by a quarter at most: too short a guess costs a few looks, too long a one has a
    lost event noticed late, and one night of hours says little of the next.
    """
    guesses = dict(operation.lasted_before)
    for lasted in (one for one in operation.durations if ROWS[one.state].awaits):
        before = operation.lasted_before.get(lasted.state, lasted.seconds)
        risen = before + max(before * RISE_SHARE_MAX, RISE_SECONDS)
        guesses[lasted.state] = round(min(lasted.seconds, risen), 3)
    return guesses

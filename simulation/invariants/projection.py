"""What is known of operations and resources at one point of a history.

Each entry is taken in once, and never again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.facts import Facts, OldTarget
from chalicelib.flow.older_records import present_form
from chalicelib.flow.operation import Kind
from chalicelib.flow.ownership import OPERATION_TAG
from chalicelib.flow.plan import Plan
from chalicelib.flow.target_spec import instance_count
from chalicelib.records.store import Item
from simulation.history import Bounds, Called, Entry, Wrote
from simulation.invariants.calls import Named, changed, made, new_name, shown, tags

TARGET_KEY = "target#"
INTENT = "#intent"
DELETING = frozenset({State.TARGET_DELETING, State.PREVIOUS_DELETING})


@dataclass(frozen=True)
class Visit:
    """One stay in a state, as its audit row tells."""

    state: str
    entered: datetime


@dataclass
class OperationView:
    """What is known of one operation; `rows` and `visits` by version."""

    operation_id: str
    item: Item = field(default_factory=dict)
    rows: dict[int, Item] = field(default_factory=dict)
    visits: dict[int, Visit] = field(default_factory=dict)
    version: int = 0  # the highest that the record or a row tells
    settings: Plan | None = None
    old_target: OldTarget | None = None  # to be deleted, as the row of that decision tells it

    @property
    def root_id(self) -> str:
        """The first operation of the chain of reruns."""
        return str(self.item.get("root_id", self.operation_id))

    @property
    def state(self) -> str:
        """The state that the record tells; empty where no record is known."""
        return str(self.item.get("state", ""))

    @property
    def kind(self) -> str:
        """What the operation is about; records of before it was noted are restores."""
        return str(self.item.get("kind", Kind.RESTORE))

    @property
    def ended(self) -> bool:
        """Tell whether the record has ended."""
        return self.state in TERMINAL

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """The names of the instances that the operation is to make; none without settings."""
        if self.settings is None:
            return ()
        count = instance_count(self.settings.target, self.facts.target.baseline)
        return self.settings.target.instance_ids(self.root_id, count)

    @property
    def facts(self) -> Facts:
        """The facts of the record."""
        return Facts.of_item(self.item.get("facts"))


class HistoryView:
    """The operations, the targets' items, and what was last told of each resource."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.operations: dict[str, OperationView] = {}
        self.targets: dict[str, Item] = {}
        self.before: Item | None = None  # what stood where the present entry wrote
        self.faults_stopped: datetime | None = None
        self._claims: dict[str, int] = {}  # by the lease's owner: the version that it claimed
        self._told: dict[Named, Mapping[str, Any]] = {}

    def about(self, operation_id: str) -> OperationView:
        """Give what is known of an operation."""
        return self.operations.setdefault(operation_id, OperationView(operation_id))

    def of(self, call: Called) -> OperationView | None:
        """Give the operation on whose behalf a call was made, None where that is not known."""
        return self.about(call.operation_id) if call.operation_id else None

    def root_of(self, call: Called) -> str | None:
        """Name the chain of reruns that a call belongs to.

        By its tags, else by its operation as it is known now.
        """
        tagged = tags(call.parameters.get("Tags")).get(OPERATION_TAG)
        operation = self.of(call)
        return tagged or (operation.root_id if operation else None)

    def visit_of(self, call: Called) -> int:
        """Give the version of the state in which a call was made.

        The one its attempt claimed, else the present.
        """
        operation = self.of(call)
        return self._claims.get(call.attempt or "", operation.version if operation else 0)

    def told(self, named: Named) -> Mapping[str, Any]:
        """Give what was last told of a resource."""
        return self._told.get(named, {})

    def apply(self, entry: Entry) -> None:
        """Take in a write, before the invariants look at it."""
        if isinstance(entry, Wrote) and entry.table == "audit":
            self._apply_row(entry)
        elif isinstance(entry, Wrote) and entry.key.startswith(TARGET_KEY):
            self.before = entry.before if entry.before is not None else self.targets.get(entry.key)
            self.targets[entry.key] = entry.item
        elif isinstance(entry, Wrote):
            self._apply_record(entry)

    def _apply_row(self, entry: Wrote) -> None:
        operation_id, version = row_key(entry.key)
        operation = self.about(operation_id)
        self.before = entry.before if entry.before is not None else operation.rows.get(version)
        if entry.key.endswith(INTENT):
            return
        operation.rows[version] = entry.item
        operation.visits[version] = Visit(str(entry.item.get("to_state")), entry.at)
        operation.version = max(operation.version, version)
        if entry.item.get("to_state") in DELETING:
            decided = Facts.of_item(entry.item.get("facts")).target
            operation.old_target = decided.leftover or decided.old

    def _apply_record(self, entry: Wrote) -> None:
        operation = self.about(entry.key)
        self.before = entry.before if entry.before is not None else operation.item or None
        operation.item = entry.item
        operation.version = max(operation.version, int(entry.item.get("version", 0)))
        operation.settings = operation.settings or settings_of(entry.item)
        if owner := entry.item.get("lease_owner"):
            self._claims.setdefault(str(owner), int(entry.item.get("version", 0)))

    def observe_call(self, call: Called) -> None:
        """Take in a call, after the invariants looked at it.

        What it made of a resource excuses nothing.
        """
        if call.service != "rds" or call.error:
            return
        new = made(call)
        if new:
            self._told[new] = {"TagList": call.parameters.get("Tags", [])}
        if (wanted := new_name(call)) and (named := next(iter(changed(call)), None)):
            self._told[wanted] = {**self.told(named), "DBClusterIdentifier": wanted.identifier}
        if call.action == "AddTagsToResource":
            (named,) = changed(call) or (None,)
            self._tag(named, call) if named else None
        for resource in shown(call):
            self._told[resource.named] = {**self.told(resource.named), **resource.details}

    def _tag(self, named: Named, call: Called) -> None:
        stood = self.told(named)
        self._told[named] = {
            **stood,
            "TagList": [*stood.get("TagList", []), *call.parameters.get("Tags", [])],
        }


def row_key(key: str) -> tuple[str, int]:
    """Read an audit row's key, `<operation id>#<version>`; a version that is none is 0."""
    operation_id, _, version = key.removesuffix(INTENT).rpartition("#")
    return operation_id, int(version) if version.isdecimal() else 0


def settings_of(item: Item) -> Plan | None:
    """Read the plan that is frozen in a record; None where it cannot be read."""
    try:
        return Plan.of_item(present_form(item).get("settings"))
    except ValidationError:
        return None

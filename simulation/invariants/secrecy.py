"""What must stay closed: secrets in no text, and production's logins in no copy."""

import json
from datetime import timedelta
from typing import Any

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Kind
from chalicelib.records.store import Item
from simulation.history import Announced, Called, Opened, Reached, Said, Unnamed, Wrote
from simulation.invariants.calls import is_effect, made, name, new_name, resource_id
from simulation.invariants.invariant import Invariant, Sentences, state_before
from simulation.invariants.projection import HistoryView, OperationView

# The one place where a password has to be.
_PASSWORD = ("rds", "ModifyDBCluster", "MasterUserPassword")


class Secret(Invariant):
    """No secret is in a record, row, event, log, SQL, notice or call, except where it must be."""

    name = "secret"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._needles = {
            form
            for secret in self.bounds.secrets
            for form in (secret, json.dumps(secret)[1:-1], _in_json(secret))
        } - {""}
        if not self._needles:
            self.doubt("no secrets were given to look for.")
        if self.blind_to("Said"):
            self.doubt("the history does not hold log lines, SQL and notices.")

    def wrote(self, entry: Wrote) -> Sentences:
        """Look through an item."""
        return self._look(entry.item, f"the item {entry.key} of the {entry.table} table")

    def called(self, call: Called) -> Sentences:
        """Look through what a call says."""
        for parameter, value in call.parameters.items():
            if (call.service, call.action, parameter) != _PASSWORD:
                yield from self._look(
                    value, f"the {parameter} of {call.action}, called by {call.by}"
                )

    def announced(self, event: Announced) -> Sentences:
        """Look through an event."""
        return self._look(event.detail, f"the event {event.detail_type}")

    def said(self, text: Said) -> Sentences:
        """Look through a text."""
        return self._look(text.text, f"a text: {text.where}, {text.at}")

    def _look(self, value: Any, where: str) -> Sentences:
        """Look through all of a value; what is found is not repeated."""
        text = (
            value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        )
        if any(needle in text for needle in self._needles):
            yield f"A secret stands in {where}."


def _in_json(secret: str) -> str:
    return json.dumps(secret, ensure_ascii=False)[1:-1]


class LoginsRevoked(Invariant):
    """No login of production's works after a success, but those that the plan keeps.

    Its record names those that were closed.
    """

    name = "logins-revoked"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._fresh: dict[
            str, str
        ] = {}  # the operation that succeeded, by its cluster's immutable id
        if self.blind_to("Opened"):
            self.doubt(
                "the history does not hold tries of production's logins; the record alone was "
                "believed."
            )

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """See that a success knows that the logins are closed."""
        del entry
        if operation.state != State.SUCCEEDED or state_before(before) == State.SUCCEEDED:
            return
        if has_own_users(operation):
            return
        self._fresh[str(operation.facts.target.cluster_resource_id)] = operation.operation_id
        if not operation.facts.users.production_logins_closed:
            yield (
                f"{operation.operation_id} succeeded, and its record does not say that "
                "production's logins are closed."
            )

    def called(self, call: Called) -> Sentences:
        """See that no new cluster gets the target's name before production's logins are closed."""
        operation, wanted = self.view.of(call), new_name(call)
        if operation is None or operation.settings is None or not is_effect(call):
            return
        plan, facts = operation.settings.target, operation.facts
        is_new = resource_id(call) == facts.target.cluster_resource_id
        if wanted is None or wanted.identifier != plan.cluster_id or not is_new:
            return
        if not facts.users.production_logins_closed and not has_own_users(operation):
            yield (
                f"{operation.operation_id} gave the name {plan.cluster_id} to "
                f"{facts.target.cluster_resource_id}, and its record does not say that "
                "production's logins are closed there."
            )

    def unnamed(self, login: Unnamed) -> Sentences:
        """See that nobody's login was taken without a word."""
        if operation_id := self._fresh.get(login.resource_id):
            yield (
                f"{operation_id} took production's login {login.role}, and its record does not "
                "name it."
            )

    def reached(self, way: Reached) -> Sentences:
        """Check that QUIESCE closed the ways to production and that each is counted."""
        operation_id = self._fresh.get(way.resource_id)
        if operation_id is None:
            return
        plan = self.view.about(operation_id).settings
        if plan is not None and way.kind in plan.users.kinds_left:
            return
        if way.is_open:
            yield (
                f"Production's {way.kind} are on {way.resource_id}, with which {operation_id} "
                "succeeded."
            )
        else:
            yield (
                f"{operation_id} stopped production's {way.kind}, and its record does not count "
                "them."
            )

    def opened(self, login: Opened) -> Sentences:
        """Check that a login that works after the success is one that the plan keeps."""
        operation_id = self._fresh.get(login.resource_id)
        if operation_id is None:
            return
        plan = self.view.about(operation_id).settings
        if plan is None or login.role not in plan.users.keep_login_roles:
            yield (
                f"Production's login {login.role} opens {login.resource_id}, with which "
                f"{operation_id} succeeded."
            )


def has_own_users(operation: OperationView) -> bool:
    """Tell whether an operation brings back a cluster that no operation of ours had made."""
    return operation.kind == Kind.ROLLBACK and not operation.facts.users.production_logins_closed


class Readers(Invariant):
    """No reader is created while production's logins are open: each would be another way in.

    The record notes when they were closed in the middle of a state; a history of rows alone tells
    it with the next.
    """

    name = "readers"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._early: dict[str, list[Called]] = {}  # by operation
        self._tolerance = timedelta(
            seconds=1 if self.blind_to("Opened") else 0
        )  # CloudTrail's times are whole seconds

    def called(self, call: Called) -> Sentences:
        """Remember a reader that is made before the record says production's logins are closed."""
        operation = self.view.of(call)
        if (
            operation is None
            or operation.settings is None
            or call.action != "CreateDBInstance"
            or not is_effect(call)
        ):
            return ()
        writer = name(operation.instance_ids[0], "db", operation.settings.target.region)
        if made(call) != writer and not operation.facts.users.production_logins_closed:
            self._early.setdefault(operation.operation_id, []).append(call)
        return ()

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Compare the readers made in the state before with when the logins were closed."""
        del version, before
        closed = Facts.of_item(entry.item.get("facts")).users.exposed_until
        for call in self._early.pop(operation.operation_id, ()):
            if closed is None or closed > call.at + self._tolerance:
                yield (
                    f"{operation.operation_id} made the {made(call)} while production's logins "
                    "were open."
                )

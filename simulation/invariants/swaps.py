"""What a swap may do to the clusters of a target, and what people have of it meanwhile."""

from collections import defaultdict
from datetime import datetime, timedelta

from chalicelib.flow.choreography import MOVING, TERMINAL, State
from chalicelib.flow.facts import Facts, OldTarget
from chalicelib.flow.operation import Kind
from chalicelib.flow.plan import Plan
from chalicelib.records.store import Item
from simulation.history import Called, Holder, Stood, Wrote
from simulation.invariants.calls import (
    changed,
    is_effect,
    is_ours,
    made,
    new_name,
    resource_id,
    shown,
)
from simulation.invariants.ends import slack
from simulation.invariants.invariant import Invariant, Sentences
from simulation.invariants.projection import TARGET_KEY, HistoryView, OperationView

DELETIONS = frozenset({"DeleteDBCluster", "DeleteDBInstance"})
# A cluster in one of these cannot become the target again.
LOST = frozenset({"deleting", "failed"})


class NoDeletionWhileMoving(Invariant):
    """No cluster or instance of a target is deleted while an operation on it changes names.

    The notes in the target's item, which see to that, exclude each other.
    """

    name = "no-deletion-while-moving"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._moving: dict[str, str] = {}  # by target: the operation that changes names

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Follow which operation is in such a state."""
        del version, before
        arn = operation.settings.target_cluster_arn if operation.settings else ""
        if entry.item.get("to_state") in MOVING:
            self._moving[arn] = operation.operation_id
        elif self._moving.get(arn) == operation.operation_id:
            del self._moving[arn]
        return ()

    def target(self, arn: str, entry: Wrote, before: Item | None) -> Sentences:
        """See that nobody moves and deletes at once."""
        del before
        swapped_by, deleted_by = entry.item.get("swapped_by"), entry.item.get("deleted_by")
        if swapped_by and deleted_by:
            yield f"{swapped_by} moves clusters of {arn} while {deleted_by} deletes one."

    def called(self, call: Called) -> Sentences:
        """See when a deletion is asked for, which may be long after it was decided."""
        operation = self.view.of(call)
        if call.action not in DELETIONS or not is_effect(call) or operation is None:
            return
        arn = operation.settings.target_cluster_arn if operation.settings else ""
        if moving := self._moving.get(arn):
            yield (
                f"{operation.operation_id} called {call.action} on the {changed(call)[0]} while "
                f"{moving} changed the names of clusters."
            )


class ProvenFirst(Invariant):
    """The old target is deleted only while a cluster that was proven there has the target's name.

    A cluster is proven by the way from TARGET_RENAMED to TARGET_OPEN, and a kept one by its look.
    """

    name = "proven-first"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._proven: set[str] = set()
        self._names: dict[str, str] = {}  # the name that was last asked for, by resource id
        self._standing: dict[str, str] = {}  # who has each name, where the history tells it

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Remember which clusters were proven."""
        del version, before, operation
        if entry.item.get("to_state") == State.TARGET_OPEN:
            opened = Facts.of_item(entry.item.get("facts")).target.cluster_resource_id
            self._proven.add(str(opened))
        return ()

    def stood(self, standing: Stood) -> Sentences:
        """Remember what stands."""
        self._standing = {name: found.resource_id for name, found in standing.holders.items()}
        return ()

    def called(self, call: Called) -> Sentences:
        """Follow names, and judge a deletion of a previous target."""
        if not is_effect(call):
            return
        named = resource_id(call)
        if named and (wanted := new_name(call) or made(call)):
            self._names[named] = wanted.identifier
        operation = self.view.of(call)
        if operation is None or operation.kind != Kind.RETIRE or call.action not in DELETIONS:
            return
        if operation.settings and operation.old_target:
            yield from self._judge(operation, operation.settings, operation.old_target, call)

    def _judge(
        self, operation: OperationView, plan: Plan, old: OldTarget, call: Called
    ) -> Sentences:
        target = plan.target.cluster_id
        if plan.target.points:
            yield from self._judge_opened(operation, plan, old, call)
            return
        asked = {found for found, named in self._names.items() if named == target}
        holders = {self._standing[target]} if target in self._standing else asked
        if self._standing and target not in self._standing:
            holders = set()
        if not (holders & self._proven) - {old.resource_id}:
            yield (
                f"{operation.operation_id} called {call.action} on the {changed(call)[0]} while "
                f"the name {target} was of {', '.join(sorted(holders)) or 'no cluster'}, where "
                "no login was proven."
            )

    def _judge_opened(
        self, operation: OperationView, plan: Plan, old: OldTarget, call: Called
    ) -> Sentences:
        """Judge by the cluster that was opened last, to which pointers lead."""
        item = self.view.targets.get(f"{TARGET_KEY}{plan.target_cluster_arn}", {})
        opened = item.get("opened_id")
        stands = opened in self._standing.values() or not self._standing
        if opened not in self._proven or opened == old.resource_id or not stands:
            yield (
                f"{operation.operation_id} called {call.action} on the {changed(call)[0]} while "
                f"the target was {opened}, where no login was proven."
            )


class NoThirdCluster(Invariant):
    """Only the old and the new cluster of an operation are renamed, started, stopped or deleted.

    They are known by resource id, as the answers of these calls tell it.
    """

    name = "no-third-cluster"

    def called(self, call: Called) -> Sentences:
        """See whose cluster a call has changed."""
        found, operation = resource_id(call), self.view.of(call)
        changes = is_effect(call) and is_ours(call, self.bounds.stage) and not made(call)
        if not changes or found is None or operation is None or not operation.item:
            return
        if all(resource.named.kind != "cluster" for resource in shown(call)):
            return
        target = operation.facts.target
        known = [target.old, target.leftover, operation.old_target]
        allowed = {old.resource_id for old in known if old} | {target.cluster_resource_id}
        if found not in allowed and target.cluster_resource_id is not None:
            yield (
                f"{operation.operation_id} called {call.action} on {found}, which is neither its "
                f"old cluster nor its new one."
            )


class TargetKept(Invariant):
    """A swap that fails leaves people what they had: the target's name, and a cluster that serves.

    At no moment of it were they without that for longer than its two deadlines, of the swap and of
    the rollback. What other people do to the two clusters is not its fault.
    """

    name = "target-kept"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._holders: dict[str, dict[str, Holder]] = defaultdict(dict)  # by region and name
        self._had: dict[str, bool] = {}  # by operation in a moving state: was there a target
        self._without_since: dict[str, datetime] = {}
        self._longest: dict[str, timedelta] = {}
        self._last: dict[str, str] = {}  # by target: the last operation that moved its clusters
        if self.blind_to("Stood"):
            self.doubt("the history does not hold who had the target's name, and when.")

    def stood(self, standing: Stood) -> Sentences:
        """Take in what stands, and measure for everybody who moves clusters."""
        self._holders[standing.region] = dict(standing.holders)
        for operation_id in self._had:
            self._measure(operation_id, standing.at)
        return ()

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Begin to measure where the names begin to change, and judge at the end."""
        del version, before
        plan, name = operation.settings, operation.operation_id
        if plan is None or plan.target.points or self.blind_to("Stood") or not self._holders:
            return  # pointers have an invariant of their own
        to_state = entry.item.get("to_state")
        if to_state in MOVING and name not in self._had:
            self._had[name] = self._serves(plan)
            self._longest[name] = timedelta()
            self._measure(name, entry.at)
        elif name in self._had and (to_state in TERMINAL or to_state == State.TARGET_OPEN):
            self._measure(name, entry.at)
            yield from self._judge(operation, plan, opened=to_state == State.TARGET_OPEN)
            del self._had[name]
            self._without_since.pop(name, None)
            self._last[plan.target_cluster_arn] = name

    def rest(self, now: datetime) -> Sentences:
        """Look once more at what the last swap of each target left: renames may end after it."""
        del now
        for name in self._last.values():
            operation = self.view.about(name)
            if operation.settings:
                yield from self._nobodys(operation, operation.settings)

    def _measure(self, operation_id: str, at: datetime) -> None:
        plan = self.view.about(operation_id).settings
        if since := self._without_since.get(operation_id):
            self._longest[operation_id] = max(self._longest[operation_id], at - since)
        if plan is None or self._serves(plan):
            self._without_since.pop(operation_id, None)
        else:
            self._without_since.setdefault(operation_id, at)

    def _serves(self, plan: Plan) -> bool:
        holder = self._holders[plan.target.region].get(plan.target.cluster_id)
        return holder is not None and holder.serves

    def _judge(self, operation: OperationView, plan: Plan, *, opened: bool) -> Sentences:
        """Judge an end: who has the name, and how long nobody served under it."""
        yield from self._nobodys(operation, plan)
        if opened or not self._had[operation.operation_id] or self._is_disturbed(operation, plan):
            return
        if not self._serves(plan):
            yield (
                f"{operation.operation_id} ended {operation.state}, and no cluster serves as "
                f"{plan.target.cluster_id}, as one did before."
            )
        elif self._holders[plan.target.region][plan.target.cluster_id].resource_id != _old(
            operation
        ):
            yield (
                f"{operation.operation_id} ended {operation.state}, and its new cluster, where no "
                f"login was proven, has the name {plan.target.cluster_id}."
            )
        spare = slack(self.bounds.heartbeat_seconds, self.bounds.lease_seconds)
        longest_allowed = 2 * (timedelta(seconds=plan.target.swap_deadline) + spare)
        longest = self._longest[operation.operation_id]
        if longest > longest_allowed:
            yield (
                f"{operation.operation_id} ended {operation.state}, and for {longest} no cluster "
                f"served as {plan.target.cluster_id}."
            )

    def _nobodys(self, operation: OperationView, plan: Plan) -> Sentences:
        """See that the name is somebody's at an end, where one of the two lives."""
        holders, target = self._holders[plan.target.region], operation.facts.target
        if plan.target.cluster_id in holders or target.old is None:
            return
        ours = {target.old.resource_id, target.cluster_resource_id}
        alive = [
            name
            for name, found in holders.items()
            if found.resource_id in ours and found.status not in LOST
        ]
        if alive:
            yield (
                f"{operation.operation_id} ended {operation.state}, and the name "
                f"{plan.target.cluster_id} is nobody's, while {' and '.join(sorted(alive))} lives."
            )

    def _is_disturbed(self, operation: OperationView, plan: Plan) -> bool:
        """Tell whether somebody else took the name, or the life of the cluster that needs it.

        A cluster that failed under the name cannot be renamed, and keeps it.
        """
        holders, old = self._holders[plan.target.region], operation.facts.target.old
        by_id = {found.resource_id: found for found in holders.values()}
        holder = holders.get(plan.target.cluster_id)
        ours = {old.resource_id if old else None, operation.facts.target.cluster_resource_id}
        kept = by_id.get(old.resource_id) if old else None
        is_taken = holder and (holder.resource_id not in ours or holder.status in LOST)
        return bool(is_taken) or kept is None or not kept.serves


def _old(operation: OperationView) -> str | None:
    old = operation.facts.target.old
    return old.resource_id if old else None

"""What pointers may name: never a cluster that was not proven, nor one that is being deleted."""

from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.facts import Facts
from chalicelib.records.store import Item
from simulation.history import Called, Holder, Pointed, Stood, Wrote
from simulation.invariants.calls import changed, is_effect, is_ours, resource_id
from simulation.invariants.invariant import Invariant, Sentences
from simulation.invariants.projection import HistoryView, OperationView

DELETIONS = frozenset({"DeleteDBCluster"})
UNFINISHED = "The rollback did not finish"
PROVING = frozenset({State.TARGET_PROVEN, State.TARGET_OPEN})
PUBLISHING = frozenset({State.TARGET_PROVEN, State.ROLLING_BACK})


class PointersTrue(Invariant):
    """Pointers name a cluster that was proven, or the target as it was, and that lives.

    They agree with each other and with the cluster that is open, whenever an operation that moves
    them has opened its target or has ended.
    """

    name = "pointers-true"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._proven: set[str] = set()
        self._named: dict[str, str] = {}  # by place
        self._standing: dict[str, Holder] = {}  # by resource id
        self._publishing: set[str] = set()

    def stood(self, standing: Stood) -> Sentences:
        """Remember what stands."""
        self._standing = {found.resource_id: found for found in standing.holders.values()}
        return ()

    def pointed(self, named: Pointed) -> Sentences:
        """Judge what is named."""
        self._named = dict(named.clusters)
        for place, cluster in sorted(named.clusters.items()):
            if cluster not in self._proven:
                yield f"{place} names {cluster or 'no known cluster'}, where no login was proven."
            elif self._standing and cluster not in self._standing:
                yield f"{place} names {cluster}, which is gone."

    def row(
        self, operation: OperationView, version: int, entry: Wrote, before: Item | None
    ) -> Sentences:
        """Remember what was proven, and judge when an operation has published or has ended."""
        del version, before
        plan, state = operation.settings, entry.item.get("to_state")
        if plan is None or not plan.target.points:
            return
        target, name = Facts.of_item(entry.item.get("facts")).target, operation.operation_id
        if target.old:  # people used it before
            self._proven.add(target.old.resource_id)
        if state in PROVING:
            self._proven.add(str(target.cluster_resource_id))
        if state in PUBLISHING:
            self._publishing.add(name)
        elif name in self._publishing and state in TERMINAL | {State.TARGET_OPEN}:
            self._publishing.discard(name)
            is_open = state == State.TARGET_OPEN
            wanted = target.cluster_resource_id if is_open else None
            if not is_open and target.old:
                wanted = target.old.resource_id
            yield from self._agree(operation, str(state), wanted)

    def _agree(self, operation: OperationView, state: str, wanted: str | None) -> Sentences:
        """See that all places name what is the target now, where that lives."""
        if self._standing and wanted and wanted not in self._standing:
            return  # somebody deleted it
        if UNFINISHED in str(operation.item.get("reason", "")):
            return
        for place, cluster in sorted(self._named.items()):
            if cluster != wanted:
                yield (
                    f"{operation.operation_id} came to {state}, and {place} names {cluster}, "
                    f"not {wanted}."
                )

    def called(self, call: Called) -> Sentences:
        """See that nothing is deleted that pointers name."""
        if call.action not in DELETIONS or not is_effect(call):
            return
        if not is_ours(call, self.bounds.stage):
            return
        gone = resource_id(call)
        for place, cluster in sorted(self._named.items()):
            if cluster == gone:
                yield f"{call.by} deleted the {changed(call)[0]}, which {place} names."

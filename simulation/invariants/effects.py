"""What the calls of an operation make of the world.

Each effect once, and in the end exactly what was wanted.
"""

from dataclasses import dataclass

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Kind
from chalicelib.flow.ownership import ARCHIVED_TAG
from chalicelib.flow.plan import Plan
from chalicelib.records.store import Item
from simulation.history import Called, Wrote
from simulation.invariants.calls import (
    Named,
    changed,
    is_effect,
    is_ours,
    made,
    name,
    new_name,
    resource_id,
    shown,
    tags,
)
from simulation.invariants.invariant import Invariant, Sentences, state_before
from simulation.invariants.projection import HistoryView, OperationView

# Setting what is set already changes nothing, and after a lost reply nobody can know: once an
# attempt is enough.
REPEATABLE = frozenset({"ModifyDBCluster", "AddTagsToResource"})
GONE = "DBClusterSnapshotNotFoundFault"
ARCHIVE_WARNING = (
    "archive-snapshot:"  # how the warning begins that tells that the copy could not be put away
)


class EffectOnce(Invariant):
    """Each effect comes at most once in an attempt, and at most once in a visit of a state."""

    name = "effect-once"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._done: set[tuple[str, object, str, tuple[Named, ...], tuple[str, ...]]] = set()
        self._renames: dict[tuple[str, int, str], list[Named | None]] = {}

    def called(self, call: Called) -> Sentences:
        """Remember each effect by attempt, and by visit."""
        if not is_effect(call) or not is_ours(call, self.bounds.stage):
            return
        if call.operation_id is None:
            self.doubt(
                f"the {call.action} of {_names(call)} at {call.at} belongs to no operation that is "
                "known."
            )
            return
        if new_name(call):
            yield from self._renamed(call)
            return
        if call.attempt and self._again(call, f"attempt {call.attempt}"):
            yield (
                f"{call.operation_id} did {call.action} of {_names(call)} twice in the attempt "
                f"{call.attempt}."
            )
        visit = self.view.visit_of(call)
        if call.action not in REPEATABLE and self._again(call, visit):
            yield (
                f"{call.operation_id} did {call.action} of {_names(call)} twice at version {visit}."
            )

    def _renamed(self, call: Called) -> Sentences:
        """See that a cluster goes to one name in a visit; in a rollback it may come back to one.

        Nobody can know whether a rename whose reply was lost was begun, so it may be asked again.
        """
        wanted, visit = new_name(call), self.view.visit_of(call)
        cluster = resource_id(call) or _names(call)
        names = self._renames.setdefault((call.operation_id or "", visit, cluster), [])
        if names and names[-1] == wanted:
            return
        operation = self.view.about(call.operation_id or "")
        stayed = operation.visits.get(visit)
        goes_back = stayed is not None and stayed.state == State.ROLLING_BACK
        if wanted in names or (names and not goes_back):
            yield (
                f"{call.operation_id} renamed the cluster {cluster} to {wanted} at version "
                f"{visit}, and to {names[-1]} before that."
            )
        names.append(wanted)

    def _again(self, call: Called, within: object) -> bool:
        aspects = tuple(sorted(call.parameters)) if call.action in REPEATABLE else ()
        effect = (call.operation_id or "", within, call.action, changed(call), aspects)
        known = effect in self._done
        self._done.add(effect)
        return known


@dataclass(frozen=True)
class _Making:
    """What made a cluster or an instance.

    The call, and the cluster's immutable id where the answer told it.
    """

    call: Called
    resource_id: str | None


class ExpectedResources(Invariant):
    """What succeeded left exactly the wanted cluster, instances and copy.

    By the calls alone: the cluster's restore and each instance's creation since, by the operation
    or its chain of reruns, and no deletion by us after it. A restore that the history does not hold
    counts as none.
    """

    name = "expected-resources"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._clusters: dict[Named, _Making] = {}
        self._instances: dict[Named, dict[Named, _Making]] = {}  # by cluster
        self._names: dict[str, Named] = {}  # the last that a renamed cluster got, by resource id
        self._archived: set[Named] = set()
        self._gone: set[Named] = set()  # copies, deleted by whomever
        self._copied: dict[Named, Called] = {}

    def called(self, call: Called) -> Sentences:
        """Follow what is made and deleted."""
        if call.service == "rds" and (call.error is None or call.error == GONE):
            self._follow_copies(call)
        if is_effect(call) and is_ours(call, self.bounds.stage):
            self._follow_target(call)
        return ()

    def _follow_copies(self, call: Called) -> None:
        copies = [named for named in changed(call) if named.kind == "cluster-snapshot"]
        if call.action == "DeleteDBClusterSnapshot" or call.error == GONE:
            self._gone.update(copies)
        elif call.action == "CopyDBClusterSnapshot":
            self._gone.difference_update(copies)
            self._archived.difference_update(copies)
            self._copied.update(dict.fromkeys(copies, call))
        elif call.action == "AddTagsToResource" and ARCHIVED_TAG in tags(
            call.parameters.get("Tags")
        ):
            self._archived.update(copies)

    def _follow_target(self, call: Called) -> None:
        new = made(call)
        if new and call.action == "RestoreDBClusterFromSnapshot":
            told = next(
                (resource.details.get("DbClusterResourceId") for resource in shown(call)), None
            )
            self._clusters[new], self._instances[new] = _Making(call, told), {}
        elif new and call.action == "CreateDBInstance":
            cluster = name(
                str(call.parameters.get("DBClusterIdentifier", "")), "cluster", call.region
            )
            self._instances.setdefault(cluster, {})[new] = _Making(call, None)
        elif wanted := new_name(call):
            self._follow_rename(call, wanted)
        elif call.action == "DeleteDBCluster":
            self._clusters.pop(changed(call)[0], None)
        elif call.action == "DeleteDBInstance":
            for standing in self._instances.values():
                standing.pop(changed(call)[0], None)

    def _follow_rename(self, call: Called, wanted: Named) -> None:
        """Follow a cluster to its other name, with its instances: they keep theirs."""
        named, renamed = changed(call)[0], resource_id(call)
        self._names[renamed or ""] = wanted
        making = self._clusters.get(named)
        if making and making.resource_id in (renamed, None):
            self._clusters[wanted] = self._clusters.pop(named)
            self._instances[wanted] = self._instances.pop(named, {})

    def record(self, operation: OperationView, entry: Wrote, before: Item | None) -> Sentences:
        """Check what stands at the moment of success."""
        del entry
        if operation.state != State.SUCCEEDED or state_before(before) == State.SUCCEEDED:
            return
        if operation.settings is None:
            self.doubt(f"the settings of {operation.operation_id} cannot be read.")
            return
        if operation.kind == Kind.ROLLBACK:
            yield from self._brought_back(operation, operation.settings)
            return
        yield from self._cluster(operation, operation.settings)
        yield from self._members(operation, operation.settings)
        yield from self._copies(operation, operation.settings)

    def _brought_back(self, operation: OperationView, plan: Plan) -> Sentences:
        if plan.target.points:
            return  # nothing was renamed
        brought = str(operation.facts.target.cluster_resource_id)
        wanted = Named(plan.target.region, "cluster", plan.target.cluster_id)
        if self._names.get(brought) != wanted:
            yield (
                f"{operation.operation_id} succeeded with {brought}, and the last name that was "
                f"asked for it is {self._names.get(brought)}."
            )

    def _cluster(self, operation: OperationView, plan: Plan) -> Sentences:
        cluster, recorded = (
            _target(operation, plan),
            operation.facts.target.cluster_resource_id,
        )
        making = self._clusters.get(cluster)
        if making is None:
            yield (
                f"{operation.operation_id} succeeded, and no restore of the {cluster} is known "
                "that still stands."
            )
        elif self.view.root_of(making.call) != operation.root_id:
            yield (
                f"{operation.operation_id} succeeded, and the {cluster} was restored by "
                f"{making.call.operation_id}."
            )
        elif making.resource_id and making.resource_id != recorded:
            yield (
                f"{operation.operation_id} succeeded with {recorded}, and the restore had made "
                f"{making.resource_id}."
            )

    def _members(self, operation: OperationView, plan: Plan) -> Sentences:
        standing = self._instances.get(_target(operation, plan), {})
        wanted = {
            Named(plan.target.region, "db", identifier) for identifier in operation.instance_ids
        }
        for named in sorted(wanted - {*standing}, key=str):
            yield (
                f"{operation.operation_id} succeeded, and the {named} was not made since the "
                "restore."
            )
        for named in sorted({*standing} - wanted, key=str):
            yield (
                f"{operation.operation_id} succeeded, and the {named} stands, which its plan does "
                "not want."
            )
        for named in sorted(wanted & {*standing}, key=str):
            if self.view.root_of(standing[named].call) != operation.root_id:
                yield (
                    f"{operation.operation_id} succeeded, and the {named} was made by "
                    f"{standing[named].call.operation_id}."
                )

    def _copies(self, operation: OperationView, plan: Plan) -> Sentences:
        if any(
            str(warning).startswith(ARCHIVE_WARNING)
            for warning in operation.item.get("warnings", ())
        ):
            return  # the record itself says that the copy could not be put away
        hops = operation.facts.copies.hops
        for number, hop in enumerate(hops):
            copy = name(hop.identifier, "cluster-snapshot", hop.region)
            keep = plan.copies.archive_snapshot and number == len(hops) - 1
            if keep and copy in self._gone:
                yield (
                    f"{operation.operation_id} succeeded, and the {copy}, which its plan keeps, is "
                    "gone."
                )
            elif keep and copy not in self._archived:
                yield (
                    f"{operation.operation_id} succeeded, and the {copy} was not tagged as "
                    "archived."
                )
            elif not keep and copy not in self._gone:
                yield (
                    f"{operation.operation_id} succeeded, and the {copy}, which its plan does not "
                    "keep, was not deleted."
                )
        yield from self._copies_of_other_runs(operation, {hop.identifier for hop in hops})

    def _copies_of_other_runs(self, operation: OperationView, known: set[str]) -> Sentences:
        for copy, call in self._copied.items():
            if (
                call.operation_id is None
                or copy.identifier in known
                or copy in self._gone | self._archived
            ):
                continue
            if self.view.root_of(call) == operation.root_id:
                yield (
                    f"{operation.operation_id} succeeded, and the {copy}, which "
                    f"{call.operation_id} made, was not deleted."
                )


def _target(operation: OperationView, plan: Plan) -> Named:
    """Name the cluster that an operation has made the target."""
    named = operation.facts.target.cluster_id if plan.target.points else None
    return Named(plan.target.region, "cluster", named or plan.target.cluster_id)


def _names(call: Called) -> str:
    return " and ".join(map(str, changed(call))) or "nothing"

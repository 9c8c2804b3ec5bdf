"""What our calls may touch: never the source, and of what exists already only what is ours."""

from collections.abc import Mapping
from typing import Any

from chalicelib.flow.facts import OldTarget
from chalicelib.flow.ownership import OWNER_TAG
from simulation.history import Called
from simulation.invariants.calls import (
    Named,
    Shown,
    changed,
    is_change,
    is_effect,
    is_ours,
    made,
    name,
    new_name,
    shown,
    tags,
)
from simulation.invariants.invariant import Invariant, Sentences
from simulation.invariants.projection import HistoryView, OperationView, settings_of


class Source(Invariant):
    """No changing call of ours names the source, its instances or its snapshots, even if refused.

    The clusters are known by name and by immutable id; their instances once an answer showed them;
    their snapshots by the name that Aurora gives (`rds:<cluster>-...`), or once an answer showed
    them without our tag. An instance or a manual snapshot that no answer ever showed cannot be told
    from any other.
    """

    name = "source"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._clusters = {name(arn, "cluster", "") for arn in self.bounds.sources}
        self._known = set(self._clusters)

    def called(self, call: Called) -> Sentences:
        """Check the names that a call may change, then learn from its answer."""
        if is_change(call) and is_ours(call, self.bounds.stage):
            for named in (*changed(call), *filter(None, [new_name(call)])):
                if self._is_source(named):
                    yield (
                        f"{call.operation_id or call.by} called {call.action} on the source's "
                        f"{named}."
                    )
            yield from self._by_resource_id(call)
        for resource in shown(call):
            self._learn(resource)

    def _by_resource_id(self, call: Called) -> Sentences:
        for resource in shown(call):
            resource_id = resource.details.get("DbClusterResourceId")
            if resource.named.kind == "cluster" and resource_id in self.bounds.source_resource_ids:
                yield (
                    f"{call.operation_id or call.by} called {call.action} on {resource_id}, the "
                    "source itself."
                )

    def _is_source(self, named: Named) -> bool:
        automatic = named.kind == "cluster-snapshot" and any(
            named.region == cluster.region
            and named.identifier.startswith(f"rds:{cluster.identifier}-")
            for cluster in self._clusters
        )
        return automatic or named in self._known

    def _learn(self, operation: Shown) -> None:
        details, region = operation.details, operation.named.region
        if operation.named in self._clusters:
            for member in details.get("DBClusterMembers", ()):
                self._known.add(name(str(member.get("DBInstanceIdentifier")), "db", region))
            return
        of = name(str(details.get("DBClusterIdentifier", "")), "cluster", region)
        foreign = operation.named.kind == "db" or (
            "TagList" in details and OWNER_TAG not in tags(details["TagList"])
        )
        if operation.named.kind != "cluster" and of in self._clusters and foreign:
            self._known.add(operation.named)


class OnlyOwned(Invariant):
    """What exists is changed or deleted only if it carries our tag.

    A deleted cluster is the victim of the record.

    The tags are those of the call's own answer, else what an earlier entry told of the resource.
    """

    name = "only-owned"

    def __init__(self, view: HistoryView) -> None:
        super().__init__(view)
        self._adopted = set[Named]()

    def called(self, call: Called) -> Sentences:
        """Check a change of what stood there before.

        What is made anew is judged by nobody's tags.
        """
        if not is_effect(call) or not is_ours(call, self.bounds.stage) or made(call):
            return
        shows = {resource.named: resource.details for resource in shown(call)}
        for named in changed(call):
            yield from self._tagged(call, named, shows.get(named, {}))
        if call.action in ("DeleteDBCluster", "DeleteDBInstance"):
            yield from self._victim(call, shows)

    def _tagged(self, call: Called, named: Named, details: Mapping[str, Any]) -> Sentences:
        told = details if "TagList" in details else self.view.told(named)
        if OWNER_TAG not in tags(told.get("TagList")) and self._adopts(call, named, told):
            self._adopted.add(named)
            return
        if "TagList" not in told:
            self.doubt(
                f"nothing tells whose the {named} was when {call.by} called {call.action} at "
                f"{call.at}."
            )
            return
        owner, operation = tags(told["TagList"]).get(OWNER_TAG), self.view.of(call)
        plan = (
            operation.item.get("plan")
            or next((row.get("plan") for row in operation.rows.values()), None)
            if operation
            else None
        )
        mine = f"{self.bounds.stage}/{plan or ''}"
        if owner is None or not (owner == mine if plan else owner.startswith(mine)):
            yield (
                f"{call.operation_id or call.by} called {call.action} on the {named}, whose "
                f"owner is {owner}."
            )

    def _adopts(self, call: Called, named: Named, told: Mapping[str, Any]) -> bool:
        """Tell whether a reader of the victim, without an owner, gets our tag to be deleted.

        What no answer told speaks for it.
        """
        operation = self.view.of(call)
        plan = settings_of(operation.item) if operation else None
        if call.action != "AddTagsToResource" or named.kind != "db" or operation is None:
            return False
        if plan is None or not plan.target.adopt_readers or operation.old_target is None:
            return False
        of = name(str(told.get("DBClusterIdentifier", "")), "cluster", named.region)
        cluster = self.view.told(of)
        members = cluster.get("DBClusterMembers", ())
        writers = [one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]]
        victim = operation.old_target.resource_id
        is_of_victim = cluster.get("DbClusterResourceId", victim) == victim
        return is_of_victim and named.identifier not in writers

    def _victim(self, call: Called, shows: Mapping[Named, Mapping[str, Any]]) -> Sentences:
        operation = self.view.of(call)
        if operation is None:
            self.doubt(f"the {call.action} at {call.at} belongs to no operation that is known.")
        elif operation.old_target is None:
            yield (
                f"{operation.operation_id} called {call.action} on the {changed(call)[0]}, and its "
                "trail names no victim."
            )
        elif call.action == "DeleteDBInstance" and changed(call)[0] not in self._adopted:
            yield from _member(operation, call, operation.old_target)
        elif call.action == "DeleteDBCluster":
            yield from self._cluster(operation, call, operation.old_target, shows)

    def _cluster(
        self,
        operation: OperationView,
        call: Called,
        old: OldTarget,
        shows: Mapping[Named, Mapping[str, Any]],
    ) -> Sentences:
        deleted = next((details.get("DbClusterResourceId") for details in shows.values()), None)
        if deleted is None:
            self.doubt(
                f"the answer to the {call.action} of {operation.operation_id} does not tell the "
                "cluster's id."
            )
        elif deleted != old.resource_id:
            yield (
                f"{operation.operation_id} deleted the cluster {deleted}, and its victim was "
                f"{old.resource_id}."
            )


def _member(operation: OperationView, call: Called, old: OldTarget) -> Sentences:
    deleted = changed(call)[0]
    if deleted.identifier not in old.members:
        yield f"{operation.operation_id} deleted the {deleted}, which was no member of its victim."

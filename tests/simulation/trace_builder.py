"""Histories built by hand: an operation that goes the whole way by the real record and rows, and
what may be wrong.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.flow.choreography import ROWS, TERMINAL, State
from chalicelib.flow.facts import Facts, Hop, OldTarget
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import ARCHIVED_TAG, OPERATION_TAG, OWNER_TAG
from chalicelib.flow.plan import Plan
from chalicelib.messages.announcements import announcement
from chalicelib.records.audit import audit_row
from simulation.checker import violations
from simulation.history import Announced, Bounds, Called, Entry, Wrote

STAGE, ACCOUNT = "dev", "123456789012"
START = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
SOURCE = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:prod-cluster"
TARGET = f"arn:aws:rds:us-west-2:{ACCOUNT}:cluster:staging-cluster"
SNAPSHOT = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster-snapshot:rds:prod-cluster-2026-03-01"
BOUNDS = Bounds(
    stage=STAGE, sources=frozenset({SOURCE}), source_resource_ids=frozenset({"cluster-SOURCE"})
)
PLAN = Plan.of_settings(
    name="default",
    stage=STAGE,
    account=ACCOUNT,
    source_region="us-east-1",
    source_cluster_id="prod-cluster",
    target_region="us-west-2",
    target_cluster_id="staging-cluster",
    db_subnet_group_name="staging",
    vpc_security_group_ids=("sg-1",),
    instance_class="db.r6g.large",
    instance_count=2,
    replacement="delete-first",
    master_credentials_secret_id="master",
    app_credentials_secret_id="app",
    sns_topic_arn=f"arn:aws:sns:us-west-2:{ACCOUNT}:nights",
)
COPY = "the-copy"
COPY_ARN = f"arn:aws:rds:us-west-2:{ACCOUNT}:cluster-snapshot:{COPY}"
OWNED = [{"Key": OWNER_TAG, "Value": "dev/default"}]
VICTIM = OldTarget(
    resource_id="cluster-OLD", arn=TARGET, members=("staging-cluster-2", "staging-cluster-1")
)


def with_facts(facts: Facts, changes: Mapping[str, Mapping[str, Any]]) -> Facts:
    """Change facts, given by phase and name."""
    phases = {name: replace(getattr(facts, name), **changed) for name, changed in changes.items()}
    return replace(facts, **phases)


class TraceBuilder:
    """One operation, told entry by entry; a minute passes with each change of state."""

    def __init__(
        self, operation_id: str = "night-1", *, at: datetime = START, plan: Plan = PLAN, **more: Any
    ) -> None:
        self.entries: list[Entry] = []
        self.now = at
        self.operation = Operation(
            operation_id=operation_id,
            root_id=more.pop("root_id", operation_id),
            stage=STAGE,
            plan_name=plan.name,
            plan=plan,
            state=more.pop("state", State.ACCEPTED),
            open="yes",
            created_at=at,
            entered_at=at,
            deadline=at + timedelta(hours=1),
            requested_by="the test",
            **more,
        )
        self._write(None, self.operation)
        if self.operation.state is not State.SKIPPING:
            self.hold(operation_id)

    def go(self, state: State, *, seconds: float = 60, **changes: Any) -> "TraceBuilder":
        """Change the state, with its row and what follows from an end."""
        self.now += timedelta(seconds=seconds)
        before, facts = self.operation, changes.pop("facts", {})
        known = with_facts(before.facts, facts)
        self.operation = replace(before.enter(state, self.now, known), **changes)
        self._write(before, self.operation)
        if state in TERMINAL:
            self._end()
        return self

    def _write(self, before: Operation | None, after: Operation) -> None:
        row = audit_row(before, after, step="a-step", what="it went on")
        stood = before.to_item() if before else None
        self.entries += [
            Wrote(self.now, "a-step", "state", after.operation_id, after.to_item(), stood),
            Wrote(self.now, "a-step", "audit", row.key, {"metric_id": row.key, **row.assign}),
        ]

    def _end(self) -> None:
        if not self.operation.skipped_because_locked:
            self.hold(None)
        self.entries.append(Announced(self.now, *announcement(self.operation)))
        closed = replace(self.operation, open=None, due_at=None)
        key = self.operation.operation_id
        self.entries.append(
            Wrote(self.now, "a-step", "state", key, closed.to_item(), self.operation.to_item())
        )

    def hold(self, holder: str | None, *, before: dict[str, Any] | None = None) -> "TraceBuilder":
        """Write the target's item."""
        item = {"operation_id": f"target#{TARGET}", **({"holder": holder} if holder else {})}
        self.entries.append(Wrote(self.now, "a-step", "state", f"target#{TARGET}", item, before))
        return self

    def call(
        self, action: str, answer: dict[str, Any] | None = None, **parameters: Any
    ) -> "TraceBuilder":
        """Call RDS on the operation's behalf; an instant passes."""
        self.now += timedelta(milliseconds=100)
        step = ROWS[self.operation.state].step or "nobody"
        operation_id = self.operation.operation_id
        region = parameters.pop("region", PLAN.target.region)
        error, attempt = (
            parameters.pop("error", None),
            parameters.pop("attempt", f"attempt-{self.operation.version}"),
        )
        self.entries.append(
            Called(
                self.now,
                step,
                "rds",
                action,
                region,
                parameters,
                error,
                answer or {},
                operation_id,
                attempt,
            )
        )
        return self

    def succeed(self) -> "TraceBuilder":
        """Go the whole way: a copy, the old target away, a new cluster with two instances, the copy
        archived.
        """
        return self.copy().delete().restore().finish()

    def copy(self) -> "TraceBuilder":
        """Copy the snapshot, and find everything as it has to be."""
        hop = Hop(region=PLAN.target.region, identifier=COPY, arn=COPY_ARN)
        self.go(State.SNAPSHOT_FOUND, facts={"snapshot": {"arn": SNAPSHOT}})
        self.call(
            "CopyDBClusterSnapshot",
            SourceDBClusterSnapshotIdentifier=SNAPSHOT,
            TargetDBClusterSnapshotIdentifier=COPY,
            Tags=self._tags(),
        )
        self.go(State.COPYING, facts={"copies": {"hops": (hop,)}}).go(
            State.SNAPSHOT_READY, facts={"copies": {"arn": COPY_ARN}}
        )
        return self.go(State.PREFLIGHT_PASSED)

    def delete(self) -> "TraceBuilder":
        """Take the old target away."""
        self.go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
        for member in VICTIM.members:
            self.delete_instance(member)
        return self.delete_cluster().go(State.TARGET_CLEAR)

    def delete_instance(self, identifier: str, **how: Any) -> "TraceBuilder":
        """Delete one instance of ours."""
        shown = {
            "DBInstance": {"DBInstanceIdentifier": identifier, "TagList": how.pop("tags", OWNED)}
        }
        return self.call("DeleteDBInstance", shown, DBInstanceIdentifier=identifier, **how)

    def delete_cluster(self, resource_id: str = "cluster-OLD", **how: Any) -> "TraceBuilder":
        """Delete the target."""
        details = {"DBClusterIdentifier": "staging-cluster", "TagList": how.pop("tags", OWNED)}
        shown = {"DBCluster": {**details, "DbClusterResourceId": resource_id}}
        return self.call("DeleteDBCluster", shown, DBClusterIdentifier="staging-cluster", **how)

    def restore(self) -> "TraceBuilder":
        """Make the new cluster and its instances."""
        shown = {
            "DBClusterIdentifier": "staging-cluster",
            "DbClusterResourceId": "cluster-NEW",
            "TagList": self._tags(),
        }
        self.call(
            "RestoreDBClusterFromSnapshot",
            {"DBCluster": shown},
            DBClusterIdentifier="staging-cluster",
            SnapshotIdentifier=COPY_ARN,
            Tags=self._tags(),
        )
        self.go(
            State.CLUSTER_RESTORING, facts={"target": {"cluster_resource_id": "cluster-NEW"}}
        ).go(State.CLUSTER_RESTORED)
        writer, *readers = PLAN.target.instance_ids("")
        self.create_instance(writer)
        self.go(State.INSTANCES_CREATING, facts={"target": {"instances": (writer,)}}).go(
            State.RESTORED
        )
        shut: dict[str, dict[str, Any]] = {
            "users": {"exposed_until": self.now},
            "target": {"instances": PLAN.target.instance_ids("")},
        }
        self.operation = replace(self.operation, facts=with_facts(self.operation.facts, shut))
        for reader in readers:
            self.create_instance(reader)
        return self

    def create_instance(self, identifier: str) -> "TraceBuilder":
        """Make one instance of the target."""
        names = {"DBInstanceIdentifier": identifier, "DBClusterIdentifier": "staging-cluster"}
        return self.call(
            "CreateDBInstance",
            {"DBInstance": {**names, "TagList": self._tags()}},
            **names,
            Tags=self._tags(),
        )

    def finish(self) -> "TraceBuilder":
        """Close production's logins, archive the copy, tell people."""
        self.go(State.USERS_READY, facts={"users": {"production_logins_closed": True}})
        self.call(
            "AddTagsToResource", ResourceName=COPY_ARN, Tags=[{"Key": ARCHIVED_TAG, "Value": "now"}]
        )
        self.go(State.TARGET_OPEN)
        return self.go(State.ARCHIVED, facts={"copies": {"archived": True}}).go(
            State.SUCCEEDED, notified=True
        )

    def fail(self, end: State = State.FAILED, **how: Any) -> "TraceBuilder":
        """End without success, as it should be told."""
        way = {
            State.FAILED: State.FAILING,
            State.CANCELLED: State.CANCELLING,
            State.SKIPPED: State.SKIPPING,
        }[end]
        why = {"reason": "The sky fell.", "remedy": "Put it up again."} | how.pop("why", {})
        if self.operation.state is not way:
            self.go(way, **why)
        return self.go(end, **({"notified": True} | why | how))

    def _tags(self) -> list[dict[str, str]]:
        return [*OWNED, {"Key": OPERATION_TAG, "Value": self.operation.root_id}]


def broken(
    *traces: TraceBuilder, bounds: Bounds = BOUNDS, extra: Iterable[Entry] = ()
) -> list[str]:
    """Check traces in the order of their entries' times, at rest an hour after the last."""
    entries = sorted(
        (entry for trace in traces for entry in trace.entries), key=lambda entry: entry.at
    )
    entries = [*entries, *extra]
    return [
        str(violation)
        for violation in violations(bounds, entries, entries[-1].at + timedelta(hours=1))
    ]


def names(found: Iterable[str]) -> set[str]:
    """Name the promises that are broken."""
    return {violation.split(":")[0] for violation in found}


def without(trace: TraceBuilder, unwanted: Callable[[Entry], bool]) -> TraceBuilder:
    """Leave entries out."""
    trace.entries = [entry for entry in trace.entries if not unwanted(entry)]
    return trace


def rewritten(trace: TraceBuilder, key: str, **attributes: Any) -> TraceBuilder:
    """Change attributes of every item of one key; None takes one away."""
    trace.entries = [
        replace(entry, item=_changed(entry.item, attributes))
        if isinstance(entry, Wrote) and entry.key == key
        else entry
        for entry in trace.entries
    ]
    return trace


def _changed(item: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**item, **attributes}.items() if value is not None}

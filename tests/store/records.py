"""Records to try the writes of `Operations` with."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.records.operations import Claim, Operations
from chalicelib.records.store import DynamoStore, _marshal
from simulation.in_memory_store import InMemoryStore

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LEASE = timedelta(seconds=70)
PLAN = Plan.of_settings(
    name="default",
    stage="test",
    account="123456789012",
    source_region="us-east-1",
    source_cluster_id="prod-cluster",
    target_region="us-west-2",
    target_cluster_id="staging-cluster",
    db_subnet_group_name="default",
    vpc_security_group_ids=("sg-staging",),
    instance_class="db.r6g.large",
    instance_count=2,
    replacement="delete-first",
    master_credentials_secret_id="master",
    app_credentials_secret_id="app",
    sns_topic_arn="arn:aws:sns:us-west-2:123456789012:notifications",
)


def record(
    operation_id: str = "one", state: State = State.ACCEPTED, **attributes: Any
) -> Operation:
    """Give a fresh record."""
    return Operation(
        operation_id=operation_id,
        root_id=operation_id,
        stage="test",
        plan_name="default",
        plan=PLAN,
        state=state,
        open="yes",
        created_at=NOW,
        entered_at=NOW,
        due_at=NOW + timedelta(seconds=90),
        requested_by="a test",
        deadline=NOW + timedelta(hours=1),
        **attributes,
    )


def created(operations: Operations, state: State = State.ACCEPTED, **attributes: Any) -> Operation:
    """Write a record in a state, with the target's lock."""
    operation = record(state=state, **attributes)
    if isinstance(operations.store, DynamoStore):
        _put(operations.store, operation)
    else:
        operations.create(operation, what="a test wants it")
    return operation


def _put(store: DynamoStore, operation: Operation) -> None:
    """Put the items that `create` would write: moto takes a tenth of a second for so many
    attributes in an update.
    """
    twin, lock = InMemoryStore(), f"target#{PLAN.target_cluster_arn}"
    if stood := store.get(lock):
        twin.tables["state"][lock] = stood
    Operations(twin).create(operation, what="a test wants it")
    for table, items in twin.tables.items():
        for item in items.values():
            store._client.put_item(TableName=store._names[table], Item=_marshal(item))


def claimed(
    operations: Operations, owner: str = "me", *, now: datetime = NOW, state: State = State.ACCEPTED
) -> Claim:
    """Claim the record `one`, which should be in a state."""
    return operations.claim(
        "one", (state, State.HOP_COPIED), owner=owner, now=now, until=now + LEASE
    )


def held(operations: Operations, state: State = State.ACCEPTED) -> Operation:
    """Write a record in a state and take its lease as `me`."""
    created(operations, state)
    operation = claimed(operations, state=state).operation
    assert operation is not None
    return operation


def entering(before: Operation, state: State, **facts: Mapping[str, Any]) -> Operation:
    """Give the next record, a minute later; `facts` are given by phase and name."""
    now = NOW + timedelta(minutes=1)
    phases = {name: replace(getattr(before.facts, name), **known) for name, known in facts.items()}
    return replace(before.enter(state, now, replace(before.facts, **phases)), due_at=now + LEASE)

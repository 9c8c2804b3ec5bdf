"""A stage of the real choreography whose writes, calls and events are kept as a history for the
judge.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.flow.choreography import TERMINAL
from chalicelib.records.store import Change, Item
from simulation.history import Announced, Bounds, Called, Entry, Wrote
from simulation.in_memory_store import InMemoryStore
from simulation.stage import ACCOUNT, PRODUCTION_PASSWORD, SOURCE_REGION, STAGE, Stage
from tests.choreography.run_night import Night

BOUNDS = Bounds(
    stage=STAGE,
    sources=frozenset({f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster:prod-cluster"}),
    secrets=frozenset({PRODUCTION_PASSWORD}),
)


class WatchedStage(Stage):
    """A stage that keeps its history in `entries`."""

    def __init__(self, environment: dict[str, str] | None = None, **how: Any) -> None:
        self.entries: list[Entry] = []
        self._acting = ""
        super().__init__(environment, **how)
        watched = WatchedStore(self._wrote)
        watched.tables, self.store = self.store.tables, watched

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function, and know its calls as its own."""
        self._acting = step
        super().invoke(step, envelope)

    def _wrote(self, change: Change, before: Item | None, item: Item) -> None:
        self.entries.append(
            Wrote(self.clock.now(), self._acting, change.table, change.key, item, before)
        )

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        return _WatchedClient(client, region, self) if service == "rds" else client

    def put_event(self, source: str, detail_type: str, detail: dict[str, Any]) -> str:
        """Put an event, and note it."""
        self.entries.append(Announced(self.clock.now(), detail_type, detail))
        return super().put_event(source, detail_type, detail)

    def called(
        self, method: str, region: str, parameters: dict[str, Any], error: str | None, answer: Any
    ) -> None:
        """Keep one call, on behalf of the one operation that is under way, under its lease."""
        action = _API[method]
        records = self.store.tables["state"].values()
        one: Item = next(
            (item for item in records if item.get("state", "SUCCEEDED") not in TERMINAL), {}
        )
        self.entries.append(
            Called(
                self.clock.now(),
                self._acting,
                "rds",
                action,
                region,
                parameters,
                error,
                answer,
                operation_id=one.get("operation_id"),
                attempt=one.get("lease_owner"),
            )
        )


class WatchedNight(WatchedStage, Night):
    """A night that can be stopped at a state, watched.

    Calls that an accident befalls are kept as it left them.
    """


class WatchedStore(InMemoryStore):
    """The store in memory, which tells each write with what stood before."""

    def __init__(self, wrote: Callable[[Change, Item | None, Item], None]) -> None:
        super().__init__()
        self._tell = wrote

    def change_all(self, *changes: Change) -> None:
        """Write, then tell; what is refused is not told."""
        before = [self.get(change.key, change.table) for change in changes]
        super().change_all(*changes)
        for change, stood in zip(changes, before, strict=True):
            self._tell(change, stood, self.get(change.key, change.table) or {})


class _WatchedClient:
    def __init__(self, client: Any, region: str, stage: WatchedStage) -> None:
        self._client, self._region, self._stage = client, region, stage

    def __getattr__(self, method: str) -> Any:
        if method not in _API:
            return getattr(self._client, method)
        return lambda **parameters: self._call(method, parameters)

    def _call(self, method: str, parameters: dict[str, Any]) -> Any:
        try:
            answer = getattr(self._client, method)(**parameters)
        except ClientError as error:
            self._stage.called(
                method, self._region, parameters, error.response["Error"]["Code"], {}
            )
            raise
        self._stage.called(method, self._region, parameters, None, answer)
        return answer


_API = {
    "describe_db_clusters": "DescribeDBClusters",
    "describe_db_instances": "DescribeDBInstances",
    "describe_db_cluster_snapshots": "DescribeDBClusterSnapshots",
    "start_db_cluster": "StartDBCluster",
    "copy_db_cluster_snapshot": "CopyDBClusterSnapshot",
    "delete_db_cluster_snapshot": "DeleteDBClusterSnapshot",
    "delete_db_cluster": "DeleteDBCluster",
    "delete_db_instance": "DeleteDBInstance",
    "modify_db_cluster": "ModifyDBCluster",
    "create_db_instance": "CreateDBInstance",
    "restore_db_cluster_from_snapshot": "RestoreDBClusterFromSnapshot",
    "add_tags_to_resource": "AddTagsToResource",
}

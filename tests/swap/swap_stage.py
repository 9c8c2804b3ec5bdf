"""A stage whose targets are swapped, and what stands under the three names."""

from datetime import timedelta

from chalicelib.flow.choreography import ROLLBACK_REQUESTED, TERMINAL, State
from chalicelib.flow.operation import Kind, Operation
from chalicelib.records.store import Item
from tests.choreography.run_night import FaultyStage

NAMES = ("staging-cluster", "staging-cluster-next", "staging-cluster-previous")
HOURS_MAX = 12


class SwapStage(FaultyStage):
    """A stage with REPLACEMENT=swap; its operations are followed without the retirements."""

    def __init__(self, *, staging: bool = True, **environment: str) -> None:
        super().__init__({"REPLACEMENT": "swap", **environment}, staging=staging)

    def state(self) -> str:
        """Give the state of the open restore or rollback, "" when there is none."""
        open_ones = [record for record in self._records_of_restores() if record.get("open")]
        return str(open_ones[-1]["state"]) if open_ones else ""

    def restores(self) -> list[Operation]:
        """List the restores and rollbacks in the order of their creation."""
        return [found for found in self.all_operations() if found.kind is not Kind.RETIRE]

    def _records_of_restores(self) -> list[Item]:
        """List what the table holds of them, which is read at every call of every function."""
        restores = [item for item in self.items() if item["kind"] != Kind.RETIRE]
        return sorted(restores, key=lambda item: str(item["created_at"]))

    def retirements(self) -> list[Operation]:
        """List the operations that delete previous targets."""
        return [found for found in self.all_operations() if found.kind is Kind.RETIRE]

    def run_night(self) -> Operation:
        """Take the night's snapshot, and run until its operation has ended."""
        count = len(self.restores())
        self.night()
        return self.run_until_ended(count + 1)

    def run_until_ended(self, count: int) -> Operation:
        """Run until as many restores and rollbacks have ended; returns the newest."""
        end = self.clock.now() + timedelta(hours=HOURS_MAX)
        self.deliver()
        while self.clock.now() < end:
            states = [record["state"] for record in self._records_of_restores()]
            ended = len(states) >= count and TERMINAL.issuperset(states)
            if ended and len(found := self.restores()) >= count:
                return found[-1]
            self.deliver() if self.queue else self.step_time()
        raise TimeoutError(f"The operations are {self.restores()}.")

    def standing(self) -> dict[str, str]:
        """Give the resource ids of the clusters under the three names."""
        found = self.rds().describe_db_clusters()["DBClusters"]
        ids = {cluster["DBClusterIdentifier"]: cluster["DbClusterResourceId"] for cluster in found}
        return {name: ids[name] for name in NAMES if name in ids}

    def endpoint(self, name: str) -> str:
        """Give the host of a cluster."""
        (found,) = self.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        return str(found["Endpoint"])

    def ask_back(self, operation: Operation, **detail: str) -> None:
        """Ask for a rollback, as people do."""
        self.request(ROLLBACK_REQUESTED, operation_id=operation.operation_id, **detail)


def first_and_second(stage: SwapStage) -> tuple[str, str]:
    """Give the resource ids of the old target and of the one that a night has put in its place."""
    old = stage.standing()[NAMES[0]]
    ended = stage.run_night()
    assert State.SUCCEEDED is ended.state, ended.reason
    return old, str(ended.facts.target.cluster_resource_id)

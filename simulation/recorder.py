"""The recorder.

It keeps what happens to a stage as a history, and has each entry checked at once.
"""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Kind
from chalicelib.flow.text_limits import NAMES_MAX
from chalicelib.records.store import Item, TableName
from chalicelib.runtime.lease import LEASE_MARGIN_SECONDS
from simulation.checker import Checker
from simulation.history import Bounds, Entry, Opened, Reached, Unnamed, Violation, Wrote
from simulation.injector import CallSite
from simulation.instrumented import RecordingStore
from simulation.pointed_clusters import PointedClusters
from simulation.positions import Positions
from simulation.settings import (
    APP,
    MASTER_PASSWORD,
    PRODUCTION_PASSWORD,
    SOURCE_REGION,
)
from simulation.stage import IdleStage

SECRETS = frozenset(
    {MASTER_PASSWORD, PRODUCTION_PASSWORD, APP["app_password"], APP["readonly_password"]}
)
TICK_SECONDS = 60


class InvariantViolation(BaseException):
    """An invariant does not hold: the run ends at the very call, and no function can catch that."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = violations


@dataclass(frozen=True)
class InjectedFault:
    """A fault that the injector chose.

    It stands in the trace of a run, and is nothing that the checker sees.
    """

    at: datetime
    site: CallSite
    fault: str


class Recorder:
    """The history of one stage, the states of its operations, and the checker."""

    def __init__(self, stage: IdleStage, lambda_seconds: float) -> None:
        self.states: dict[str, State] = {}
        self.open: set[str] = set()
        self.retirements: set[str] = set()  # the operations that delete previous targets
        self.entries: list[Entry | InjectedFault] = []
        self.writer = "people"  # the function that runs, if one does
        self._stage = stage
        self.store = stage.store = RecordingStore(self.wrote)
        self.checker = Checker(_bounds(stage, lambda_seconds))
        self.positions = Positions(stage, self.see)
        self.pointers = PointedClusters(stage, self.see)

    def see(self, entry: Entry) -> None:
        """Keep an entry of the history and check it; raises InvariantViolation."""
        self.entries.append(entry)
        if violations := self.checker.see(entry):
            raise InvariantViolation(violations)

    def note_fault(self, site: CallSite, fault: str) -> None:
        """Remember a fault: deadlines count from the last one."""
        now = self._stage.clock.now()
        self.entries.append(InjectedFault(now, site, fault))
        self.checker.faults_stopped(now)

    def state_of(self, operation_id: str) -> str:
        """Give an operation's state.

        Of one that is not known, that of the first that is open, and "" for none.
        """
        state = self.states.get(operation_id) or next(
            (self.states[opened] for opened in sorted(self.open - self.retirements)), None
        )
        return state.value if state else ""

    def wrote(self, key: str, table: TableName, before: Item | None, item: Item) -> None:
        """Note a write; of a success also whether production can be reached from its cluster."""
        if table == "state" and "state" in item:
            self.states[key] = State(item["state"])
            if item.get("kind") == Kind.RETIRE:
                self.retirements.add(key)
            (self.open.add if "open" in item else self.open.discard)(key)
        self.see(Wrote(self._stage.clock.now(), self.writer, table, key, dict(item), before))
        succeeds = table == "state" and item.get("state") == State.SUCCEEDED
        if succeeds and (before or {}).get("state") != State.SUCCEEDED:
            facts = Facts.of_item(item["facts"])
            self._try_production_logins(facts)
            self._try_ways_out(facts, counts=not item.get("keeps_cluster"))

    def _try_production_logins(self, facts: Facts) -> None:
        resource_id, named = str(facts.target.cluster_resource_id), facts.users.logins_closed
        cluster = self._stage.data.clusters.get(resource_id)
        now = self._stage.clock.now()
        for name, role in cluster.roles.items() if cluster else ():
            if role.can_login and role.password == PRODUCTION_PASSWORD:
                self.see(Opened(now, resource_id, name))
            # A record names no more than so many; the rows of its trail name the others.
            if not role.can_login and name not in named and len(named) < NAMES_MAX:
                self.see(Unnamed(now, resource_id, name))

    def _try_ways_out(self, facts: Facts, *, counts: bool) -> None:
        """Look for ways to production; a repeated step counts only what it found itself."""
        resource_id, counted = str(facts.target.cluster_resource_id), facts.users.quieted
        cluster = self._stage.data.clusters.get(resource_id)
        now = self._stage.clock.now()
        for kind, count in cluster.active.items() if cluster else ():
            if count or (counts and kind not in counted):
                self.see(Reached(now, resource_id, kind, is_open=bool(count)))


def _bounds(stage: IdleStage, lambda_seconds: float) -> Bounds:
    found = stage.rds(SOURCE_REGION).describe_db_clusters()["DBClusters"]
    sources = [cluster for cluster in found if cluster["DBClusterIdentifier"] == "prod-cluster"]
    return Bounds(
        stage=stage.environment["ENVIRONMENT"],
        sources=frozenset(cluster["DBClusterArn"] for cluster in sources),
        source_resource_ids=frozenset(cluster["DbClusterResourceId"] for cluster in sources),
        secrets=SECRETS,
        heartbeat_seconds=TICK_SECONDS,
        lease_seconds=lambda_seconds + LEASE_MARGIN_SECONDS,
    )

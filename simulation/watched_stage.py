"""A stage that is watched: everything that happens in it is an entry of its history, and is judged at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from localaws.aurora import Durations

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts
from chalicelib.records.store import Item, TableName
from chalicelib.runtime.runner import LEASE_MARGIN_SECONDS
from simulation.checker import Judge
from simulation.history import Bounds, Entry, Opened, Reached, Unnamed, Violation, Wrote
from simulation.injector import FINE, Oracle, Site
from simulation.instrumented import RecordingStore
from simulation.stage import APP, MASTER_PASSWORD, PRODUCTION_PASSWORD, SOURCE_REGION, Stage

SECRETS = frozenset(
    {MASTER_PASSWORD, PRODUCTION_PASSWORD, APP["app_password"], APP["readonly_password"]}
)


class BrokenError(BaseException):
    """A promise was broken: the run ends at the very call."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = violations


@dataclass(frozen=True)
class Struck:
    """A fault that the oracle chose.

    It stands in the story of a run, and is nothing that the judge sees.
    """

    at: datetime
    site: Site
    fate: str


class WatchedStage(Stage):
    """A stage, the oracle that is asked of it, and the judge of what happens."""

    lambda_seconds: float = 60  # the time-out of every function

    def __init__(self, oracle: Oracle, environment: Mapping[str, str], pace: float) -> None:
        self.oracle = oracle
        self.states: dict[str, State] = {}
        self.open: set[str] = set()
        self.entries: list[Entry | Struck] = []
        self.writer = "people"  # the function that runs, if one does
        super().__init__(dict(environment), durations=Durations().scaled(pace))
        for cluster in self.data.clusters.values():
            cluster.active["user-mappings"] = 1
        self.store = self.recording = RecordingStore(self._wrote)
        self.judge = Judge(self._bounds())

    def _bounds(self) -> Bounds:
        found = self.rds(SOURCE_REGION).describe_db_clusters()["DBClusters"]
        sources = [cluster for cluster in found if cluster["DBClusterIdentifier"] == "prod-cluster"]
        return Bounds(
            stage=self.environment["ENVIRONMENT"],
            sources=frozenset(one["DBClusterArn"] for one in sources),
            source_resource_ids=frozenset(one["DbClusterResourceId"] for one in sources),
            secrets=SECRETS,
            heartbeat_seconds=60,
            lease_seconds=self.lambda_seconds + LEASE_MARGIN_SECONDS,
        )

    def see(self, entry: Entry) -> None:
        """Keep an entry of the history and judge it; raises BrokenError."""
        self.entries.append(entry)
        if broken := self.judge.see(entry):
            raise BrokenError(broken)

    def _wrote(self, key: str, table: TableName, before: Item | None, item: Item) -> None:
        if table == "state" and "state" in item:
            self.states[key] = State(item["state"])
            (self.open.add if "open" in item else self.open.discard)(key)
        self.see(Wrote(self.clock.now(), self.writer, table, key, dict(item), before))
        if (
            table == "state"
            and item.get("state") == State.SUCCEEDED
            and (before or {}).get("state") != State.SUCCEEDED
        ):
            facts = Facts.of_item(item["facts"])
            self._try_productions_logins(facts)
            self._try_ways_out(facts)

    def _try_productions_logins(self, facts: Facts) -> None:
        resource_id, named = str(facts.target.cluster_resource_id), facts.users.logins_closed
        cluster = self.data.clusters.get(resource_id)
        for name, role in cluster.roles.items() if cluster else ():
            if role.can_login and role.password == PRODUCTION_PASSWORD:
                self.see(Opened(self.clock.now(), resource_id, name))
            if not role.can_login and name not in named:
                self.see(Unnamed(self.clock.now(), resource_id, name))

    def _try_ways_out(self, facts: Facts) -> None:
        resource_id, counted = str(facts.target.cluster_resource_id), facts.users.quieted
        cluster = self.data.clusters.get(resource_id)
        for kind, count in cluster.active.items() if cluster else ():
            if count or kind not in counted:
                self.see(Reached(self.clock.now(), resource_id, kind, is_open=bool(count)))

    def ask(self, options: tuple[str, ...], site: Site) -> str:
        """Ask the oracle; a fault is remembered, because deadlines count from the last one."""
        fate = self.oracle.choose(options, site)
        if fate != FINE:
            self.entries.append(Struck(self.clock.now(), site, fate))
            self.judge.faults_stopped(self.clock.now())
        return fate

    def state_of(self, operation_id: str) -> str:
        """Give an operation's state.

        Of one that is not known, that of the first that is open, and "" for none.
        """
        state = self.states.get(operation_id) or next(
            (self.states[one] for one in sorted(self.open)), None
        )
        return state.value if state else ""

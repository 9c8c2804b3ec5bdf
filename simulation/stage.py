"""The whole stage in one process and on a virtual clock.

The real steps and runner, the Aurora model, small twins.

    stage = SimulatedStage()
    stage.night()
    operation = stage.run_to_the_end()

Events are matched by the real patterns and delivered one after another; what a function raises is
kept in `failures`. Nothing sleeps: time jumps to the next thing that is due, a heartbeat or a
change within Aurora.
"""

import json
import uuid
from collections import deque
from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Any

from localaws.aurora import Aurora, AuroraClient, Durations, KeyRing, VirtualClock

from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.flow.choreography import event_source
from chalicelib.flow.operation import Operation
from chalicelib.ports import Ports
from chalicelib.records.operations import Operations
from chalicelib.records.targets import TargetRecord
from chalicelib.runtime import router
from chalicelib.runtime.heartbeat import heartbeat
from chalicelib.settings import Settings
from simulation.data_plane import InMemoryData
from simulation.in_memory_database import InMemoryCluster, InMemoryDatabase
from simulation.in_memory_services import (
    Faults,
    InMemoryEvents,
    InMemoryKeys,
    InMemoryNetwork,
    InMemoryParameters,
    InMemorySecrets,
    InMemoryTopics,
    InMemoryZones,
)
from simulation.in_memory_store import InMemoryStore
from simulation.routes import steps_for
from simulation.seed import make_cluster, seed_stage
from simulation.settings import (
    ACCOUNT,
    APP,
    APP_SECRET,
    ENVIRONMENT,
    KEY_ALIAS,
    MASTER_PASSWORD,
    MASTER_SECRET,
    PRODUCTION_PASSWORD,
    SOURCE_REGION,
    STAGE,
    TARGET_REGION,
    TOPIC,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ACCOUNT",
    "APP",
    "APP_SECRET",
    "ENVIRONMENT",
    "MASTER_PASSWORD",
    "MASTER_SECRET",
    "PRODUCTION_PASSWORD",
    "SOURCE_REGION",
    "STAGE",
    "TARGET_REGION",
    "TOPIC",
    "IdleStage",
    "SimulatedStage",
]
TICK, QUIET_MAX = timedelta(minutes=1), timedelta(minutes=30)  # of the heartbeat
IDLE_FROM = 6 * 3600.0

LAMBDA_SECONDS, DAY = 60, 86_400


class IdleStage:
    """A deployed stage in an account with a production cluster; nothing runs in it by itself.

    An old target is there once `staging()` was called. Events gather in `queue`: `SimulatedStage`
    runs the functions for them one after another, `Simulation` among faults.
    """

    # Whether functions' calls of RDS are held against botocore's own model, both ways.
    checked = True

    def __init__(
        self,
        environment: dict[str, str] | None = None,
        *,
        seed: int = 0,
        durations: Durations | None = None,
        clock: VirtualClock | None = None,
    ) -> None:
        self.environment = {**ENVIRONMENT, **(environment or {})}
        self.clock = clock or VirtualClock()
        self.store = InMemoryStore()
        self.faults, self.keys = Faults(), KeyRing()
        self.data = InMemoryData()
        self.queue: deque[dict[str, Any]] = deque()
        self.on_event: Callable[[dict[str, Any]], None] = self._enqueue
        self.on_rds_event = self._forward
        self._random = Random(seed)  # noqa: S311 # ids that are the same in every run
        self.next_tick = self.clock.now()  # of the schedule that wakes the heartbeat
        self.aurora = Aurora(
            self.clock,
            durations=durations,
            data=self.data,
            keys=self.keys,
            emit=self._emit,
        )
        self.topics, self.secrets = InMemoryTopics(self.faults), InMemorySecrets(self.faults)
        self.parameters, self.network = (
            InMemoryParameters(self.faults),
            InMemoryNetwork(self.faults),
        )
        self.zones = InMemoryZones(self.faults, self.clock.now)
        seed_stage(self)

    def rds(self, region: str = TARGET_REGION) -> AuroraClient:
        """Give Aurora's face in a region, as people use it.

        Its calls are not those of the functions.
        """
        return AuroraClient(self.aurora, account=ACCOUNT, region=region)

    def make_cluster(self, name: str, region: str, **how: Any) -> str:
        """Make a cluster with its instances (see `inprocess_furniture`) and wait for it.

        Returns its ARN.
        """
        return make_cluster(self, name, region, **how)

    def staging(self, *, tags: dict[str, str] | None = None) -> str:
        """Make the old target, as an earlier operation of ours left it, or with other tags."""
        made = {"aurora-restore": f"{STAGE}/default", "aurora-restore-operation": "earlier"}
        ours = made if tags is None else tags
        return self.make_cluster("staging-cluster", TARGET_REGION, tags=ours, members=2)

    def night(self) -> str:
        """Let Aurora take the source's automated snapshot; returns its identifier."""
        return self.aurora.take_automated_snapshot(
            "prod-cluster", account=ACCOUNT, region=SOURCE_REGION
        )

    def put(self, detail_type: str, **detail: Any) -> str:
        """Put one event of the stage's on the bus, as people do; returns its id."""
        return self.put_event(event_source(STAGE), detail_type, detail)

    def key_arn(self, region: str = TARGET_REGION) -> str:
        """Give the ARN of the key that the stage's alias means in a region."""
        key = self.keys(ACCOUNT, region, KEY_ALIAS)
        if key is None:
            raise LookupError(f"There is no {KEY_ALIAS} in {region}.")
        return key.arn

    def notices(self) -> list[dict[str, Any]]:
        """List what machines were told, oldest first."""
        return [json.loads(message["sqs"]) for message in self.topics.published(TOPIC)]

    @property
    def operations(self) -> Operations:
        """The stage's records."""
        return Operations(self.store)

    def items(self) -> list[dict[str, Any]]:
        """List what the table holds of operations, unparsed."""
        return [item for key, item in self.store.tables["state"].items() if "#" not in key]

    def all_operations(self) -> list[Operation]:
        """List the records, oldest first."""
        return sorted(
            map(Operation.from_item, self.items()), key=lambda operation: operation.created_at
        )

    def only(self) -> Operation:
        """Give the one record there is."""
        (operation,) = self.all_operations()
        return operation

    def target(self) -> TargetRecord:
        """Give the target's permanent item."""
        return self.operations.target(
            f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:staging-cluster"
        )

    def trail(self, operation_id: str) -> list[dict[str, Any]]:
        """List the audit rows of an operation, in order."""
        return list(self.store.query("by-operation", operation_id))

    def settle(self, seconds_max: float = 6 * 3600) -> None:
        """Let Aurora finish what it is doing, without any function running.

        The events of it are dropped.
        """
        until = self.clock.now() + timedelta(seconds=seconds_max)
        while (due := self.aurora.next_transition()) and due <= until:
            self.move_to(due)
            self.aurora.tick()
        self.queue.clear()
        self.next_tick = self.clock.now() + timedelta(seconds=60)

    def ports(self) -> Ports:
        """Compose the ports of one invocation, which begins now."""
        ends_at = self.clock.now() + timedelta(seconds=LAMBDA_SECONDS)

        def remaining_seconds() -> float:
            return (ends_at - self.clock.now()).total_seconds()

        return Ports(
            settings=Settings.of_environment(self.environment),
            store=self.store,
            account=ACCOUNT,
            partition="aws",
            region=TARGET_REGION,
            remaining_seconds=remaining_seconds,
            clients=self.client,
            now=self.clock.now,
            new_id=self.new_id,
            database=self.database,
            addresses=self.addresses,
            pause=self.pause,
        )

    def addresses(self, host: str) -> frozenset[str]:
        """Resolve a host: the names of a cluster and of its instances lead to the cluster."""
        if host in self.data.hosts:
            return frozenset({self.data.hosts[host]})
        instances = self.rds().describe_db_instances()["DBInstances"]
        clusters = self.rds().describe_db_clusters()["DBClusters"]
        ids = {found["DBClusterIdentifier"]: found["DbClusterResourceId"] for found in clusters}
        name = host.partition(".")[0]
        owners = (
            found["DBClusterIdentifier"]
            for found in instances
            if found["DBInstanceIdentifier"] == name
        )
        return frozenset(ids[owner] for owner in owners)

    def pause(self, seconds: float) -> None:
        """Let time pass while a function waits: Aurora works on, and its events gather."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while (due := self.aurora.next_transition()) and due <= until:
            self.move_to(due)
            self.aurora.tick()
        self.move_to(until)

    def client(self, service: str, region: str) -> Any:
        """Give a client of a service in a region."""
        if service == "rds":
            return AuroraClient(self.aurora, account=ACCOUNT, region=region, checked=self.checked)
        made: dict[str, Callable[[], Any]] = {
            "events": lambda: InMemoryEvents(self.faults, self.put_event),
            "sns": lambda: self.topics,
            "secretsmanager": lambda: self.secrets,
            "ssm": lambda: self.parameters,
            "ec2": lambda: self.network,
            "route53": lambda: self.zones,
            "kms": lambda: InMemoryKeys(self.faults, self.keys, ACCOUNT, region),
        }
        return made[service]()

    def database(self, place: Endpoint, master: Login, database: str) -> InMemoryDatabase:
        """Open a database of the cluster at an endpoint."""
        return self.cluster_at(place.host).open(place, master, database)

    def cluster_at(self, host: str) -> InMemoryCluster:
        """Find the database behind an endpoint."""
        return self.data.clusters[self.data.hosts[host]]

    def put_event(self, source: str, detail_type: str, detail: dict[str, Any]) -> str:
        """Put an event on the bus; returns its id."""
        event_id = self.new_id()
        envelope = {
            "version": "0",
            "id": event_id,
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": _time(self.clock.now()),
            "region": TARGET_REGION,
            "resources": [],
            "detail": detail,
        }
        self.on_event(envelope)
        return event_id

    def _emit(self, event: dict[str, Any]) -> None:
        self.on_rds_event(event)

    def _enqueue(self, envelope: dict[str, Any]) -> None:
        self.queue.append(envelope)

    def _forward(self, event: dict[str, Any]) -> None:
        """Take RDS's own events.

        The target region's, and the source's snapshot events through the forwarding rule.
        """
        if (
            event["region"] == TARGET_REGION
            or event["detail-type"] == "RDS DB Cluster Snapshot Event"
        ):
            self.queue.append(event)

    def new_id(self) -> str:
        """Make an id that is the same in every run."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def move_to(self, moment: datetime) -> None:
        """Move the clock to a moment, never back."""
        self.clock.advance(max(0.0, (moment - self.clock.now()).total_seconds()))


class SimulatedStage(IdleStage):
    """A stage whose functions run one after another, without a fault.

        stage = SimulatedStage()
        stage.night()
        operation = stage.run_to_the_end()

    What a function raises is kept in `failures`, and what was delivered in `delivered`.
    """

    def __init__(self, environment: dict[str, str] | None = None, **how: Any) -> None:
        self.delivered: list[dict[str, Any]] = []
        self.failures: list[Exception] = []
        self._has_ticked = False
        super().__init__(environment, **how)

    def deliver(self) -> None:
        """Deliver what is on the bus, and what comes of it, until nothing is left."""
        while self.queue:
            self.deliver_one(self.queue.popleft())

    def deliver_one(self, envelope: dict[str, Any]) -> None:
        """Deliver one event to every function whose rule matches it."""
        self.delivered.append(envelope)
        for step in steps_for(envelope):
            self.invoke(step, envelope)

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once; what it raises is kept, as the log would keep it."""
        try:
            router.route(step, envelope, self.ports())
        except Exception as error:  # noqa: BLE001 # this is Lambda's place: it takes whatever a function raises
            self.failures.append(error)

    def beat(self) -> None:
        """Run one tick of the heartbeat, all of them in one process."""
        try:
            heartbeat(self.ports(), first=not self._has_ticked)
            self._has_ticked = True
        except Exception as error:  # noqa: BLE001 # as above
            self.failures.append(error)

    def step_time(self, *, idle: bool = False) -> None:
        """Go to the next tick or change in Aurora, and deliver what comes of it.

        `idle` leaves out ticks in which no operation is due.
        """
        due = self.aurora.next_transition()
        tick = self._next_tick_with_work() if idle else self.next_tick
        self.move_to(min(due, tick) if due else tick)
        self.aurora.tick()
        self.deliver()
        if self.clock.now() >= tick:
            self.next_tick = tick + TICK
            self.beat()
            self.deliver()

    def _next_tick_with_work(self) -> datetime:
        """Leave out ticks in which no operation is due, of at most half an hour.

        They would look for snapshots that no event told of, and do nothing else.
        """
        records = self.store.tables["state"].values()
        due = [record["due_at"] for record in records if record.get("open") and "due_at" in record]
        first = datetime.fromisoformat(min(due)) if due else self.next_tick + QUIET_MAX
        idle = min(first - TICK / 2, self.next_tick + QUIET_MAX) - self.next_tick
        passed = self.clock.now() - self.next_tick
        return self.next_tick + max(ceil(idle / TICK), ceil(passed / TICK), 0) * TICK

    def run(self, seconds: float) -> None:
        """Let time pass; in hours, the heartbeat is idle."""
        until = self.clock.now() + timedelta(seconds=seconds)
        self.deliver()
        while self.clock.now() < until:
            self.step_time(idle=seconds >= IDLE_FROM)

    def run_to_the_end(self, seconds_max: float = 3 * DAY) -> Operation:
        """Let time pass until every operation has ended and was announced.

        Returns the newest record.
        """
        until = self.clock.now() + timedelta(seconds=seconds_max)
        self.deliver()
        while self.clock.now() < until:
            # Read at every step of time, so the records are not parsed for it.
            records = self.items()
            if records and not self.queue and not any(item.get("open") for item in records):
                return self.all_operations()[-1]
            self.step_time()
        raise TimeoutError(
            f"After {seconds_max} s there is still an open operation: {self.all_operations()}."
        )


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

"""One stage on a virtual clock: every call and every delivery is a question to an oracle, and what happens is judged.

A crash cannot be caught by the application. A function that is suspended in a call while others run is bounded by its
time-out, as on Lambda: at its next call after that it is dead.
"""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib import door
from chalicelib.choreography import State
from chalicelib.ports import Ports
from chalicelib.settings import Settings
from chalicelib.steps.heartbeat import heartbeat
from chalicelib.store import Item, TableName
from localaws.aurora import Durations
from localaws.inprocess import ACCOUNT, APP, MASTER_PASSWORD, PRODUCTION_PASSWORD, SOURCE_REGION, TARGET_REGION, Stage
from proof import faults
from proof.history import Announced, Bounds, Entry, Opened, Violation, Wrote
from proof.judge import Judge
from proof.oracle import FINE, Oracle, Site
from proof.routes import steps_for
from proof.watch import RecordingStore, WatchedClient, WatchedDatabase, WatchedStore

LATE_SECONDS = 600
LAMBDA_RETRIES = 2  # of an asynchronous invocation, after one minute and after two more (Lambda developer guide)
REST_SECONDS_MAX = 2 * 86_400
SECRETS = frozenset({MASTER_PASSWORD, PRODUCTION_PASSWORD, APP["app_password"], APP["readonly_password"]})
BRISK = {  # deadlines that let a run end soon; every rule about them stays the same
    "COPY_CHECK_INTERVAL": "60", "RESTORE_CHECK_INTERVAL": "60", "STEP_DEADLINE": "900", "SNAPSHOT_DEADLINE": "900",
    "COPY_QUEUE_DEADLINE": "900", "COPY_DEADLINE": "900", "DELETE_DEADLINE": "900", "RESTORE_DEADLINE": "900",
    "INSTANCE_DEADLINE": "900", "USERS_DEADLINE": "900", "ARCHIVE_DEADLINE": "900", "NOTIFICATION_DEADLINE": "900",
}  # fmt: skip


class BrokenError(BaseException):
    """A promise was broken: the run ends at the very call."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = violations


@dataclass(frozen=True)
class Struck:
    """A fault that the oracle chose; it stands in the story of a run, and is nothing that the judge sees."""

    at: datetime
    site: Site
    fate: str


@dataclass
class Invocation:
    """One run of one function: what woke it, and until when it lives."""

    number: int
    step: str
    envelope: Mapping[str, Any]
    deadline: datetime
    operation_id: str | None = None  # which operation it is about: by its event, or by what it claimed
    calls: Counter[str] = field(default_factory=Counter)


class World(Stage):
    """A stage, its oracle and its judge."""

    def __init__(
        self, oracle: Oracle, *, environment: Mapping[str, str] | None = None, pace: float = 10,
        lambda_seconds: float = 60,
    ) -> None:  # fmt: skip
        self.oracle, self.lambda_seconds = oracle, lambda_seconds
        self.stack: list[Invocation] = []
        self.deaf: set[str] = set()
        self.everything_twice = False
        self.silent_until: datetime | None = None
        self.throttled_until: datetime | None = None
        self.states: dict[str, State] = {}
        self.open: set[str] = set()
        self.entries: list[Entry | Struck] = []
        self.crashes, self._invocations, self._beats, self.expected, self.heartbeats = 0, 0, 0, 1, 1
        self.at_boundary: Callable[[], None] = lambda: None
        self._later: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = 0
        self._by_people: set[str] = set()
        self._set_back: set[str] = set()
        self._stop_at: State | None = None
        super().__init__({**BRISK, **(environment or {})}, durations=Durations().scaled(pace))
        self.store = self.recording = RecordingStore(self._wrote)
        self.judge = Judge(self._bounds())

    def _bounds(self) -> Bounds:
        found = self.rds(SOURCE_REGION).describe_db_clusters()["DBClusters"]
        sources = [cluster for cluster in found if cluster["DBClusterIdentifier"] == "prod-cluster"]
        return Bounds(
            stage=self.environment["ENVIRONMENT"], sources=frozenset(one["DBClusterArn"] for one in sources),
            source_resource_ids=frozenset(one["DbClusterResourceId"] for one in sources), secrets=SECRETS,
            heartbeat_seconds=60,
        )  # fmt: skip

    # --- what happens is seen ---

    def see(self, entry: Entry) -> None:
        """Keep an entry of the history and judge it; raises BrokenError."""
        self.entries.append(entry)
        if broken := self.judge.see(entry):
            raise BrokenError(broken)

    def announced(self, entry: Announced) -> None:
        """Note an event of ours that the bus has taken."""
        self.see(entry)

    def read_json(self, text: str) -> Mapping[str, Any]:
        """Read an event's detail."""
        found: Mapping[str, Any] = json.loads(text)
        return found

    def _wrote(self, key: str, table: TableName, before: Item | None, item: Item) -> None:
        by = self.stack[-1].step if self.stack else "people"
        if table == "state" and "state" in item:
            self.states[key] = State(item["state"])
            (self.open.add if "open" in item else self.open.discard)(key)
        self.see(Wrote(self.clock.now(), by, table, key, dict(item), before))
        if table == "state" and item.get("state") == State.SUCCEEDED and (before or {}).get("state") != State.SUCCEEDED:
            self._try_productions_logins(str(item["facts"].get("cluster_resource_id")))

    def _try_productions_logins(self, resource_id: str) -> None:
        cluster = self.data.clusters.get(resource_id)
        for name, role in cluster.roles.items() if cluster else ():
            if role.can_login and role.password == PRODUCTION_PASSWORD:
                self.see(Opened(self.clock.now(), resource_id, name))

    # --- calls ---

    def through(
        self, invocation: Invocation, service: str, method: str, options: tuple[str, ...], make: Callable[..., Any],
        *, parameters: Mapping[str, Any],
    ) -> Any:  # fmt: skip
        """Ask what becomes of one call of one function, and let that happen."""
        if self.clock.now() >= invocation.deadline:
            raise faults.CrashError
        name = f"{service}.{method}"
        invocation.calls[name] += 1
        site = Site(self._state_of(invocation.operation_id or ""), invocation.step, f"{name}/{invocation.calls[name]}")
        fate = self._asked(options, site)
        if fate == FINE and service == "rds" and self.throttled_until and self.clock.now() < self.throttled_until:
            fate = faults.THROTTLED
        if fate in faults.RACED:
            self._race(invocation, fate)
        return self._let(fate, service, method, make, parameters)

    def _asked(self, options: tuple[str, ...], site: Site) -> str:
        """Ask the oracle; a fault is remembered, because deadlines count from the last one."""
        fate = self.oracle.choose(options, site)
        if fate != FINE:
            self.entries.append(Struck(self.clock.now(), site, fate))
            self.judge.faults_stopped(self.clock.now())
        return fate

    def burst(self, *, minutes: float, then: Callable[[], None] = lambda: None) -> datetime:
        """Let a fault last for some minutes; returns when it is over."""

        def over() -> None:
            self.judge.faults_stopped(self.clock.now())
            then()

        self.later(minutes * 60, over)
        return self.clock.now() + timedelta(minutes=minutes)

    def _let(
        self, fate: str, service: str, method: str, make: Callable[..., Any], parameters: Mapping[str, Any]
    ) -> Any:
        if fate in (faults.CRASH_BEFORE, faults.THROTTLED, faults.ERROR):
            raise _instead(fate, service, method)
        if fate == faults.UNTAKEN:
            return faults.not_taken(parameters["Entries"])
        answer = make(stale=True) if fate == faults.STALE else make()
        if fate == faults.REPEATED:
            return make()
        if fate in (faults.LOST, faults.CRASH_AFTER):
            raise faults.CrashError if fate == faults.CRASH_AFTER else faults.unanswered(service)
        return answer

    def _race(self, invocation: Invocation, fate: str) -> None:
        """Let others run to their end inside a call: a twin, the heartbeat, or all that comes until the operation ends.

        The last takes as long as the suspended function may live, at most.
        """
        if fate == faults.BEAT or (fate == faults.TWIN and invocation.step == "heartbeat"):
            self.beat()
        elif fate == faults.TWIN:
            self.invoke(invocation.step, dict(invocation.envelope))
        else:
            self.deliver()
            while self.open and self.clock.now() < invocation.deadline:
                self.step_time(invocation.deadline)

    # --- functions ---

    def invoke(self, step: str, envelope: dict[str, Any], tries: int = 0) -> None:
        """Run one function once, unless it is deaf; what it raises is kept.

        Lambda tries twice more. Only requests of people may need that: for everything else there is the heartbeat.
        """
        if step in self.deaf:
            return
        with self._invocation(step, envelope) as invocation:
            failed = self._survives(lambda: door.answer(step, envelope, self._ports(invocation)))
        if failed and envelope.get("id") in self._by_people and tries < LAMBDA_RETRIES:
            self.later(60 * (tries + 1), lambda: self.invoke(step, envelope, tries + 1))

    def beat(self) -> None:
        """Run one tick of the heartbeat."""
        if "heartbeat" not in self.deaf:
            with self._invocation("heartbeat", {}) as invocation:
                first, self._beats = self._beats == 0, self._beats + 1
                self._survives(lambda: heartbeat(self._ports(invocation), first=first))

    def _survives(self, function: Callable[[], None]) -> bool:
        """Run a function; True when it crashed or raised."""
        try:
            function()
        except faults.CrashError:
            self.crashes += 1
        except Exception as error:  # noqa: BLE001 # this is Lambda's place: it takes whatever a function raises
            self.failures.append(error)
        else:
            return False
        return True

    @contextmanager
    def _invocation(self, step: str, envelope: Mapping[str, Any]) -> Iterator[Invocation]:
        self._invocations += 1
        deadline = self.clock.now() + timedelta(seconds=self.lambda_seconds)
        named = (envelope.get("detail") or {}).get("operation_id")
        self.stack.append(Invocation(self._invocations, step, envelope, deadline, named))
        try:
            yield self.stack[-1]
        finally:
            self.stack.pop()
        if not self.stack:
            self.at_boundary()

    def _ports(self, invocation: Invocation) -> Ports:
        def client(service: str, region: str) -> Any:
            return WatchedClient(self, invocation, service, region, self._client(service, region))

        def database(*where: Any) -> Any:
            return WatchedDatabase(self, invocation, self._database(*where))

        return Ports(
            settings=Settings.of_environment(self.environment), store=WatchedStore(self, invocation, self.recording),
            account=ACCOUNT, partition="aws", region=TARGET_REGION, clients=client, now=self.clock.now,
            remaining_seconds=lambda: max(0.0, (invocation.deadline - self.clock.now()).total_seconds()),
            new_id=self._new_id, database=database,
        )  # fmt: skip

    def _state_of(self, operation_id: str) -> str:
        state = self.states.get(operation_id) or next((self.states[one] for one in sorted(self.open)), None)
        return state.value if state else ""

    # --- events and time ---

    def put(self, detail_type: str, **detail: Any) -> str:
        """Put an event as people do: what becomes of it is no question, for they would put it again."""
        event_id = super().put(detail_type, **detail)
        self._by_people.add(event_id)
        return event_id

    def deliver(self) -> None:
        """Deliver what is on the bus, as the oracle says of each, until nothing is left."""
        while self.queue and not self._arrived():
            envelope = self.queue.popleft()
            if not (self.silent_until and self.clock.now() < self.silent_until):
                self._deliver_as(self._fate(envelope), envelope)

    def _fate(self, envelope: dict[str, Any]) -> str:
        event_id = str(envelope["id"])
        if event_id in self._by_people or event_id in self._set_back or not steps_for(envelope):
            return FINE
        if self.everything_twice:
            return faults.DOUBLED
        options = faults.DELIVERY_AMONG_OTHERS if self.queue else faults.DELIVERY
        state = self._state_of(str((envelope["detail"] or {}).get("operation_id", "")))
        return self._asked(options, Site(state, "the bus", name_of(envelope)))

    def _deliver_as(self, fate: str, envelope: dict[str, Any]) -> None:
        if fate == faults.LATE:
            self.later(LATE_SECONDS, lambda: self.deliver_one(envelope))
        if fate in (faults.REORDERED, faults.DOUBLED):
            self._set_back.add(str(envelope["id"]))
            self.queue.append(envelope)
        if fate in (FINE, faults.DOUBLED):
            self.deliver_one(envelope)

    def deliver_one(self, envelope: dict[str, Any]) -> None:
        """Deliver one event to every function whose rule matches it."""
        for step in steps_for(envelope):
            self.invoke(step, dict(envelope))

    def later(self, seconds: float, then: Callable[[], None]) -> None:
        """Let something happen after a while."""
        self._numbers += 1
        heapq.heappush(self._later, (self.clock.now() + timedelta(seconds=seconds), self._numbers, then))

    def sleep(self, *, days: float) -> None:
        """Let time pass in which nobody looks and no function runs."""
        self._move_to(self.clock.now() + timedelta(days=days))
        self.aurora.tick()
        self.queue.clear()
        self._next_beat = self.clock.now() + timedelta(seconds=60)

    def step_time(self, until: datetime | None = None) -> None:
        """Go to the next thing that is due, a tick, a change in Aurora or a late event, and let it happen."""
        dues = (self.aurora.next_transition(), self._next_beat, self._later[0][0] if self._later else None, until)
        self._move_to(min(filter(None, dues)))
        self.aurora.tick()
        self.deliver()
        while self._later and self._later[0][0] <= self.clock.now():
            heapq.heappop(self._later)[2]()
            self.deliver()
        if self.clock.now() >= self._next_beat:
            self._next_beat += timedelta(seconds=60)
            self._tick()

    def _tick(self) -> None:
        fate = self._asked(faults.TICK, Site(self._state_of(""), "the clock", "a tick"))
        for _ in range({faults.DROPPED: 0, faults.DOUBLED: 2}.get(fate, self.heartbeats)):
            self.beat()
        self.deliver()

    def rest(self) -> None:
        """Let time pass until as many operations as expected have begun and all have ended; raises BrokenError."""
        until = self.clock.now() + timedelta(seconds=REST_SECONDS_MAX)
        self.deliver()
        while len(self.states) < self.expected or self.open or self._later or self.queue:
            if self.clock.now() > until:
                raise BrokenError(
                    [Violation("ends", f"Two days later {sorted(self.open) or 'nothing'} is still open.")]
                )
            self.step_time()
        if broken := self.judge.rest(self.clock.now()):
            raise BrokenError(broken)

    def catch_up(self, hours: float = 2) -> None:
        """Let time pass until the target holds the newest snapshot's data; raises BrokenError when it does not.

        An operation that failed is left to people: nothing is promised then.
        """
        found = self.rds(SOURCE_REGION).describe_db_cluster_snapshots(SnapshotType="automated")["DBClusterSnapshots"]
        newest = max(one["SnapshotCreateTime"] for one in found)
        end = self.clock.now() + timedelta(hours=hours)
        while (self.target().last_success_snapshot_at or newest - timedelta(1)) < newest:
            if State.FAILED in self.states.values():
                return
            if self.clock.now() > end:
                raise BrokenError([Violation("fresh", f"{hours} hours later the target has not the data of {newest}.")])
            self.step_time()

    def until(self, state: State, seconds_max: float = 86_400) -> str:
        """Let time pass until an operation has come to a state and nobody acted on that; returns its id.

        Returns "" when all operations end without having come there.
        """
        self._stop_at = state
        end, before = self.clock.now() + timedelta(seconds=seconds_max), len(self.states)
        self.deliver()
        while not self._arrived() and (self.open or len(self.states) == before) and self.clock.now() < end:
            self.step_time()
        self._stop_at = None
        return next((one for one in sorted(self.open) if self.states[one] is state), "")

    def _arrived(self) -> bool:
        return self._stop_at is not None and any(self.states[one] is self._stop_at for one in self.open)


def name_of(envelope: Mapping[str, Any]) -> str:
    """Name an event: ours by its detail-type, one of RDS by what it says of whom."""
    detail = envelope["detail"]
    if "SourceArn" in detail:
        return f"{detail['Message']} {detail['SourceArn'].split(':', 6)[-1]}"
    return str(envelope["detail-type"])


def _instead(fate: str, service: str, method: str) -> BaseException:
    if fate == faults.CRASH_BEFORE:
        return faults.CrashError()
    return faults.throttled(service, method) if fate == faults.THROTTLED else faults.failed(method)

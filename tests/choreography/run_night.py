"""A stage whose every call, event and function can be made to go wrong, and which knows what it
promised.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from localaws.aurora import Durations

from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OWNER_TAG
from simulation.history import Announced, Called, Entry, Violation
from simulation.instrumented import API_NAMES
from simulation.recorder import Recorder
from simulation.simulation import SHORT_DEADLINES
from simulation.stage import ACCOUNT, LAMBDA_SECONDS, SOURCE_REGION, TARGET_REGION, SimulatedStage
from tests.choreography.fault_injection import (
    CallFault,
    CrashError,
    Effect,
    FunctionCall,
    Make,
    WatchedClient,
)

REHEARSING = frozenset({State.PREFLIGHT_PASSED, State.NETWORK_REACHED})  # only tried
CHANGES_BY_ITSELF = {"EarliestRestorableTime", "LatestRestorableTime", "Status"}
STEPS_MAX = 500  # of time: more than any night takes
DeliveryFault = Callable[[str, dict[str, Any]], list[float]]


def as_it_is(_name: str, _envelope: dict[str, Any]) -> list[float]:
    """Deliver an event once and at once."""
    return [0]


def name_of(envelope: dict[str, Any]) -> str:
    """Name an event: ours by its detail-type, one of RDS by what it says of whom."""
    detail = envelope["detail"]
    if "SourceArn" in detail:
        return f"{detail['Message']} {detail['SourceArn'].split(':', 6)[-1]}"
    return str(envelope["detail-type"])


class NightRecorder(Recorder):
    """A recorder that goes on when an invariant does not hold, so that a test may expect that."""

    def __init__(self, stage: SimulatedStage) -> None:
        self.violations: list[Violation] = []
        super().__init__(stage, LAMBDA_SECONDS)

    def see(self, entry: Entry) -> None:
        """Keep an entry of the history and check it."""
        self.entries.append(entry)
        self.violations += self.checker.see(entry)


class FaultyStage(SimulatedStage):
    """A stage with the old target of ours and a heartbeat that has beaten once.

    Aurora is ten times faster by default.

    `call_faults` are injected into calls; `delivery_fault` says for each event after how many
    seconds it is delivered, how often, or never; functions named in `disabled` do not run.
    """

    def __init__(
        self,
        environment: dict[str, str] | None = None,
        *,
        staging: bool = True,
        durations: Durations | None = None,
    ) -> None:
        self.made: list[FunctionCall] = []
        self.call_faults: list[CallFault] = []
        self.disabled: set[str] = set()
        self.delivery_fault: DeliveryFault = as_it_is
        self.crashes = 0
        self.running = ""
        self.put_by: dict[str, str] = {}
        self._late: list[tuple[float, dict[str, Any]]] = []
        self._stop_at: State | None = None
        super().__init__(
            {**SHORT_DEADLINES, **(environment or {})},
            durations=durations or Durations().scaled(10),
        )
        self.recorder = NightRecorder(self)
        self.make_cluster("bystander", TARGET_REGION)
        if staging:
            self.staging()
        self.beat()
        self.clock.advance(60)
        self.untouched = self.bystanders()

    # --- calls ---

    def inject(
        self,
        happens: Effect,
        *,
        step: str = "",
        state: str = "",
        call: str = ".",
        times: int = 1,
        after_effect: bool = False,
    ) -> CallFault:
        """Let something happen at the next calls that are like this.

        `call` is `service.method` or a part of it.
        """
        service, method = call.split(".")
        call_fault = CallFault(
            FunctionCall(step, state, service, method), happens, after_effect, times
        )
        self.call_faults.append(call_fault)
        return call_fault

    def created_instances(self) -> list[FunctionCall]:
        """List the calls that created instances, without those that were only tried."""
        calls = self.calls_of("create_db_instance")
        return [call for call in calls if call.state not in REHEARSING]

    def inject_at(
        self, call: FunctionCall, happens: Effect, *, after_effect: bool = False, times: int = 1
    ) -> None:
        """Let something happen at the next calls that are this one."""
        self.call_faults.append(CallFault(call, happens, after_effect, times))

    def calls_of(self, *methods: str) -> list[FunctionCall]:
        """List what functions called by these names, in order."""
        return [call for call in self.made if call.method in methods]

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        return self._watched(service, region, super().client(service, region))

    def database(self, place: Endpoint, master: Login, database: str) -> Any:
        """Open a database, changed for the test."""
        return self._watched("postgresql", TARGET_REGION, super().database(place, master, database))

    def _watched(self, service: str, region: str, client: Any) -> WatchedClient:
        def through(method: str, parameters: dict[str, Any], make: Make) -> Any:
            call = FunctionCall(self.running, self.state(), service, method, region, parameters)
            self.made.append(call)
            noted: Make = partial(self._noted, call, make) if service == "rds" else make
            call_fault = next((waits for waits in self.call_faults if waits.matches(call)), None)
            if call_fault is None:
                return noted()
            self.recorder.checker.faults_stopped(self.clock.now())
            return call_fault.apply(noted)

        return WatchedClient(client, through)

    def _noted(self, call: FunctionCall, make: Make) -> Any:
        """Make a call, and note how AWS answered it; pages of a paginator tell nothing."""
        try:
            answer = make()
        except ClientError as error:
            self.recorder.see(self._called(call, error.response["Error"]["Code"], {}))
            raise
        if isinstance(answer, dict):
            self.recorder.see(self._called(call, None, answer))
        return answer

    def _called(self, call: FunctionCall, code: str | None, answer: Any) -> Called:
        record = self._record_at_work()
        return Called(
            self.clock.now(),
            call.step,
            "rds",
            API_NAMES[call.method],
            call.region,
            call.parameters,
            code,
            answer,
            record.get("operation_id"),
            record.get("lease_owner"),
        )

    def _record_at_work(self) -> dict[str, Any]:
        """Give the record whose lease the running function took last, as far as one is held."""
        records = self.store.tables["state"].values()
        held = [record for record in records if record.get("open") and "lease_owner" in record]
        return max(held, key=lambda record: str(record.get("lease_until", "")), default={})

    # --- functions ---

    def invoke(self, step: str, envelope: dict[str, Any]) -> None:
        """Run one function once, unless it is disabled; a crash ends it and nothing else."""
        if step not in self.disabled:
            self._run_function(step, lambda: super(FaultyStage, self).invoke(step, envelope))

    def beat(self) -> None:
        """Run one tick of the heartbeat, unless it is disabled."""
        if "heartbeat" not in self.disabled:
            self._run_function("heartbeat", super().beat)

    def run_the_same_function_again(self) -> None:
        """Run what runs already once more, on the same event."""
        if self.running == "heartbeat":
            self.beat()
        else:
            self.invoke(self.running, self.delivered[-1])

    def _run_function(self, step: str, function: Callable[[], None]) -> None:
        outer, self.running, self.recorder.writer = self.running, step, step
        try:
            function()
        except CrashError:
            self.crashes += 1
        finally:
            self.running = self.recorder.writer = outer

    # --- events ---

    def deliver(self) -> None:
        """Deliver events as `delivery_fault` says, until none is left or the state is reached."""
        while self.queue and not self._arrived():
            envelope = self.queue.popleft()
            for seconds in self.delivery_fault(name_of(envelope), envelope):
                if seconds:
                    self._late.append((self.clock.now().timestamp() + seconds, envelope))
                else:
                    self.deliver_one(envelope)

    def step_time(self, *, idle: bool = False) -> None:
        """Go to the next thing that is due; what was held back comes when its time has come."""
        for due in [late for late in self._late if late[0] <= self.clock.now().timestamp()]:
            self._late.remove(due)
            self.deliver_one(due[1])
        super().step_time(idle=idle)

    def put_event(self, source: str, detail_type: str, detail: dict[str, Any]) -> str:
        """Put an event, and note it."""
        event_id = super().put_event(source, detail_type, detail)
        self.recorder.see(Announced(self.clock.now(), detail_type, detail))
        self.put_by[event_id] = self.running
        return event_id

    def let_the_rest_come(self) -> None:
        """Deliver what is still held back, in whatever order it was put."""
        while self._late:
            self.deliver_one(self._late.pop(0)[1])

    def request(self, detail_type: str, **detail: Any) -> None:
        """Put an event as people do, and deliver it before anything else that waits."""
        waiting = list(self.queue)
        self.queue.clear()
        self.put(detail_type, **detail)
        self.deliver_one(self.queue.popleft())
        self.queue.extendleft(reversed(waiting))

    # --- records ---

    def state(self) -> str:
        """Give the state of the newest open operation, "" when there is none."""
        records = [item for item in self.store.tables["state"].values() if item.get("open")]
        return (
            str(max(records, key=lambda item: str(item.get("created_at", "")))["state"])
            if records
            else ""
        )

    def reach(self, state: State) -> Operation:
        """Run until the operation is in a state and nobody has acted on that yet."""
        self._stop_at = state
        self._until(self._arrived)
        self._stop_at = None
        return self.all_operations()[-1]

    def run_night(self) -> Operation:
        """Take the night's snapshot, let an operation begin and everything end.

        Returns the newest record.
        """
        before = len(self.all_operations())
        self.night()
        self._until(lambda: len(self.all_operations()) > before)
        return self.run_to_the_end()

    def _until(self, so: Callable[[], bool]) -> None:
        for _ in range(STEPS_MAX):
            if so():
                return
            self.deliver() if self.queue else self.step_time()
        raise TimeoutError(
            f"After {STEPS_MAX} steps of time the operations are {self.all_operations()}."
        )

    def final_snapshots(self) -> list[str]:
        """List the final snapshots of targets that were deleted."""
        found = self.rds().describe_db_cluster_snapshots(SnapshotType="manual")
        names = [
            snapshot["DBClusterSnapshotIdentifier"] for snapshot in found["DBClusterSnapshots"]
        ]
        return [name for name in names if name.endswith("-final")]

    def edit(self, operation_id: str, **attributes: Any) -> None:
        """Change a record by hand, as another version of the code might have written it.

        None removes.
        """
        item = self.store.tables["state"][operation_id]
        item.update({key: value for key, value in attributes.items() if value is not None})
        for key in [key for key, value in attributes.items() if value is None]:
            item.pop(key, None)

    def _arrived(self) -> bool:
        return self._stop_at is not None and self.state() == self._stop_at

    def path(self, operation_id: str | None = None) -> list[str]:
        """List the states that an operation went through, by its audit trail."""
        wanted = operation_id or self.all_operations()[-1].operation_id
        return [row["to_state"] for row in self.trail(wanted) if "#intent" not in row["metric_id"]]

    def broken_promises(self) -> list[str]:
        """Say which invariants did not hold so far, and which do not hold at rest.

        The list is empty when everything that is promised was kept.
        """
        at_rest = self.recorder.checker.rest(self.clock.now())
        broken = [str(violation) for violation in (*self.recorder.violations, *at_rest)]
        if self.bystanders() != self.untouched:
            broken.append("the source, or somebody else's cluster, is not as it was")
        return broken

    def bystanders(self) -> list[dict[str, Any]]:
        """Describe the clusters that are not ours, as far as nobody but people changes them."""
        clusters = [
            cluster
            for region in (SOURCE_REGION, TARGET_REGION)
            for cluster in self.rds(region).describe_db_clusters()["DBClusters"]
        ]
        return [
            {key: value for key, value in cluster.items() if key not in CHANGES_BY_ITSELF}
            for cluster in clusters
            if all(tag["Key"] != OWNER_TAG for tag in cluster["TagList"])
        ]


def target_of(name: str) -> str:
    """Spell the ARN of a target cluster."""
    return f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{name}"

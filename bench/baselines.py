"""The ways people do this today, with the choreography's own steps and so with the same calls.

The poller is a step machine: a task, a choice, and a wait of so many seconds after which the same
task runs again. The waiter is one function that goes from step to step and sleeps inside, as
botocore's waiters do; Lambda ends it after 15 minutes, so it calls itself again shortly before.
Neither needs a table, a heartbeat or an event of RDS: the record goes from step to step at no
charge, which is in their favour, as is that nothing survives a crash of the waiter.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from bench.latencies import BUS_SECONDS, TRANSITION_SECONDS
from bench.measured import MeasuredNight
from bench.outage import PREVIOUS
from bench.priced import PricedSimulation
from bench.tables import CarriedStore
from chalicelib.flow.choreography import NETWORK_TRIED, ROWS, TERMINAL, State
from chalicelib.flow.errors import TransientError
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.identifiers import automatic_id
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Refuse, Wait
from chalicelib.ports import Ports
from chalicelib.runtime import plans
from simulation.invocation import Invocation

WAITER: Final = "waiter"
WAITER_SECONDS: Final = 900  # Lambda's longest
WAITER_MARGIN_SECONDS: Final = 15


class _Machine(PricedSimulation):
    """What both have in common.

    They begin at the snapshot's event, and carry the record themselves.
    """

    def __init__(
        self, every_seconds: float, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.every_seconds = every_seconds
        self._last: Operation
        super().__init__(None, ticks=False, environment=environment, lambda_seconds=WAITER_SECONDS)

    def deliver_one(self, envelope: dict[str, Any]) -> None:
        """Begin with the snapshot's event; the trial of the network puts one of its own."""
        if envelope["detail-type"] != NETWORK_TRIED:
            self.begin(self._accepted(envelope))

    def begin(self, operation: Operation) -> None:
        """Set out."""
        raise NotImplementedError

    def record(self, operation_id: str) -> Operation:
        """Give the record that was carried to the end."""
        del operation_id
        return self._last

    def store_for(self, invocation: Invocation) -> Any:
        """Give an invocation a store that costs nothing."""
        del invocation
        return CarriedStore()

    def _accepted(self, envelope: Mapping[str, Any]) -> Operation:
        (plan,), now = plans.plans(self.stage.ports()), self.clock.now()
        arn = str(envelope["detail"]["SourceArn"])
        name = automatic_id(plan.name, plan.stage, arn, now)
        return Operation(
            operation_id=name,
            root_id=name,
            stage=plan.stage,
            plan_name=plan.name,
            plan=plan,
            state=State.ACCEPTED,
            created_at=now,
            entered_at=now,
            deadline=now + timedelta(days=2),
            requested_by="the step machine",
            facts=Facts(snapshot=SnapshotFacts(arn=arn)),
        )

    def _acted(self, operation: Operation, ports: Ports) -> tuple[Operation, bool]:
        """Run the step whose turn it is.

        Returns the operation after it, and whether it has to wait.
        """
        outcome = _outcome(operation, ports)
        if isinstance(outcome, Advance):
            after = operation.enter(outcome.to, self.clock.now(), outcome.facts)
            if after.state in TERMINAL:
                self._last = after
                self.ended[after.operation_id] = (after.state, self.clock.now())
            return after, False
        return replace(operation, facts=outcome.facts or operation.facts), True


class Poller(_Machine):
    """A step machine that looks every so many seconds, whatever is known."""

    def begin(self, operation: Operation) -> None:
        """Run the first task."""
        self._task(operation)

    def ports_of(self, invocation: Invocation) -> Ports:
        """Give a step its ports."""
        return self.functions.ports(invocation)

    def _task(self, operation: Operation) -> None:
        step = ROWS[operation.state].step or ""
        with self.functions.invocation(step, {}) as invocation:
            operation, waits = self._acted(operation, self.ports_of(invocation))
            took = self.clock.ahead_seconds
        transitions = 3 if waits else 2  # the task, the choice, the wait
        self.meter.add("the step machine", "transitions", transitions)
        if operation.state not in TERMINAL:
            pause = transitions * TRANSITION_SECONDS + self.every_seconds * waits
            self.bus.later(took + pause, partial(self._task, operation))


class RenamingPoller(Poller):
    """A poller by which the target is renamed as people do it, beside a second cluster.

    It asks for a rename, and looks every so many seconds whether that is done, as the command
    line's own waiter does. It keeps no previous cluster: that is deleted when the night is over.
    """

    def __init__(self, every_seconds: float) -> None:
        super().__init__(every_seconds, environment={"REPLACEMENT": "swap"})

    def ports_of(self, invocation: Invocation) -> Ports:
        """Give a step its ports, with no time to look more than once."""
        return replace(super().ports_of(invocation), remaining_seconds=lambda: 0.0)

    def day_after(self, night: MeasuredNight, seconds: float) -> MeasuredNight:
        """Delete the previous cluster; what that costs is not counted."""
        rds = self.stage.rds()
        for name in self._previous_members():
            rds.delete_db_instance(DBInstanceIdentifier=name)
        rds.delete_db_cluster(DBClusterIdentifier=PREVIOUS, SkipFinalSnapshot=True)
        self.note_transitions()
        while self.stage.aurora.next_transition():
            self.step_time()
        return super().day_after(night, seconds)

    def _previous_members(self) -> list[str]:
        found = self.stage.rds().describe_db_clusters(DBClusterIdentifier=PREVIOUS)
        (cluster,) = found["DBClusters"]
        members = sorted(cluster["DBClusterMembers"], key=lambda member: member["IsClusterWriter"])
        return [member["DBInstanceIdentifier"] for member in members]


class Waiter(_Machine):
    """One function that sleeps between its looks."""

    def begin(self, operation: Operation) -> None:
        """Run the function."""
        self._work(operation)

    def _work(self, operation: Operation) -> None:
        with self.functions.invocation(WAITER, {}) as invocation:
            ports = self.functions.ports(invocation)
            while (
                operation.state not in TERMINAL
                and ports.remaining_seconds() > self.every_seconds + WAITER_MARGIN_SECONDS
            ):
                operation, waits = self._acted(operation, ports)
                self.clock.spend(self.every_seconds * waits)
            took = self.clock.ahead_seconds
        if operation.state not in TERMINAL:
            self.bus.later(took + BUS_SECONDS, partial(self._work, operation))


def _outcome(operation: Operation, ports: Ports) -> Advance | Wait:
    """Run a step.

    Raises RuntimeError where it refuses, which a measured night gives it no reason for.
    """
    name = str(ROWS[operation.state].step).replace("-", "_")
    step: Callable[[Operation, Ports], Outcome] = getattr(
        importlib.import_module(f"chalicelib.steps.{name}"), name
    )
    try:
        outcome = step(operation, ports)
    except TransientError as error:
        return Wait(error.reason, trouble=True)
    if isinstance(outcome, Refuse):
        raise RuntimeError(outcome.reason)  # noqa: TRY004 # no wrong type, but the end of the benchmark
    return outcome

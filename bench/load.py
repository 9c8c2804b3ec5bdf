"""Many operations open at once, each with a snapshot and a target of its own.

Every operation is asked for by a person's request, all in one minute; the router's resolution of so
many plans from SSM is not measured, so operations are created behind it. Aurora copies snapshots of
one source one after another, so each operation has a manual snapshot of its own, and the model's
quotas are raised to make room. Every target stands already and has been restored before, as long
ago as history tells.
"""

import resource
import sys
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from localaws.aurora.quotas import Quotas

from bench.meter import Meter
from bench.nights import USUAL_NIGHT
from bench.priced import PricedSimulation
from bench.rates import beyond, minute_most
from bench.silence import quiet
from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.identifiers import requested_id
from chalicelib.flow.ownership import OWNER_TAG
from chalicelib.flow.plan import Plan
from chalicelib.messages.requests import RestoreRequested
from chalicelib.records.targets import target_key
from chalicelib.runtime import plans, starting
from simulation.stage import ACCOUNT, PRODUCTION_PASSWORD, SOURCE_REGION, TARGET_REGION

SIZES: Final = (1, 10, 100, 1_000, 10_000)
HINTS_SECONDS: Final = 5.0
START_WITHIN_SECONDS: Final = 60.0
DAYS_MOST: Final = 3
PREPARED_FASTER: Final = 1000
PLENTY: Final = 10**6
LASTED: Final = {  # what the night before took, in seconds
    State.ACCEPTED.value: 2,
    State.COPYING.value: USUAL_NIGHT.copy + 30,
    State.TARGET_DELETING.value: USUAL_NIGHT.cluster_delete + 8,
    State.CLUSTER_RESTORING.value: USUAL_NIGHT.restore + 7,
    State.INSTANCES_CREATING.value: USUAL_NIGHT.instance_create + 7,
    State.RESTORED.value: USUAL_NIGHT.password_reset + 9,
    State.READERS_CREATING.value: USUAL_NIGHT.instance_create + 7,
}


@dataclass(frozen=True)
class Crowd:
    """What so many operations at once came to.

    Seconds, MB, and calls of RDS in a second or a minute.
    """

    size: int
    meter: Meter
    ticks: int
    mean_seconds: float
    longest_seconds: float
    tick_items: int
    tick_units: float
    tick_seconds: float
    tick_calls: int
    tick_minute: int
    tick_beyond: int
    asked_minute: int
    asked_beyond: int
    calls_minute: int
    calls_beyond: int
    wall_seconds: float
    memory_mb: float


def measure(size: int, hints: float | None = HINTS_SECONDS) -> Crowd:
    """Run so many operations to their end.

    Raises RuntimeError if one of them ends otherwise than well.
    """
    with quiet():
        simulation = PricedSimulation(hints, environment={"INSTANCE_COUNT": "1"})
        plans = _prepared(simulation, size)
        begun, before = time.perf_counter(), simulation.meter.copy()
        simulation.functions.tick()  # the first of a deployment
        started = _started(simulation, plans)
        _finished(simulation, size)
        return _crowd(
            simulation, size, simulation.meter.since(before), started, time.perf_counter() - begun
        )


def _prepared(simulation: PricedSimulation, size: int) -> list[tuple[Plan, str]]:
    """Make the plans, their old targets and their snapshots.

    Returns each plan with its snapshot's ARN.
    """
    quotas = Quotas(PLENTY, PLENTY, PLENTY, PLENTY)
    for region in (SOURCE_REGION, TARGET_REGION):
        vars(simulation.stage.aurora.quotas(account=ACCOUNT, region=region)).update(vars(quotas))
    simulation.stage.aurora.set_pace(USUAL_NIGHT.scaled(PREPARED_FASTER))
    (usual,) = plans.plans(simulation.stage.ports())
    crowd = [_plan(usual, number) for number in range(size)]
    for plan in crowd:
        _make_target(simulation, plan)
    simulation.settle()
    for plan in crowd:
        _make_instances(simulation, plan)
    made = [_snapshot(simulation, plan) for plan in crowd]
    simulation.stage.aurora.set_pace(USUAL_NIGHT)
    return list(zip(crowd, made, strict=True))


def _plan(usual: Plan, number: int) -> Plan:
    target = replace(usual.target, cluster_id=f"target-{number:05d}")
    return replace(usual, name=f"plan-{number:05d}", target=target)


def _make_target(simulation: PricedSimulation, plan: Plan) -> None:
    simulation.stage.rds().create_db_cluster(
        DBClusterIdentifier=plan.target.cluster_id,
        Engine="aurora-postgresql",
        EngineVersion="16.11",
        MasterUsername="master",
        MasterUserPassword=PRODUCTION_PASSWORD,
        DatabaseName="shop",
        Tags=_tags(plan),
    )
    simulation.tables.tables["state"][target_key(plan.target_cluster_arn)] = {
        "operation_id": target_key(plan.target_cluster_arn),
        "lasted": dict(LASTED),
    }


def _make_instances(simulation: PricedSimulation, plan: Plan) -> None:
    for name in plan.target.instance_ids("first"):
        simulation.stage.rds().create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass=plan.target.instance_class,
            Engine="aurora-postgresql",
            DBClusterIdentifier=plan.target.cluster_id,
            Tags=_tags(plan),
        )


def _snapshot(simulation: PricedSimulation, plan: Plan) -> str:
    made = simulation.stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier=f"for-{plan.name}"
    )
    simulation.settle()  # one after another: a cluster that is backing up takes no second snapshot
    return str(made["DBClusterSnapshot"]["DBClusterSnapshotArn"])


def _tags(plan: Plan) -> list[dict[str, str]]:
    return [{"Key": OWNER_TAG, "Value": plan.owner}]


def _started(simulation: PricedSimulation, plans: list[tuple[Plan, str]]) -> datetime:
    """Have each operation asked for, evenly within a minute; returns when that begins."""
    for number, (plan, arn) in enumerate(plans):
        simulation.bus.later(
            START_WITHIN_SECONDS * number / len(plans), partial(_ask, simulation, plan, arn)
        )
    return simulation.clock.now()


def _ask(simulation: PricedSimulation, plan: Plan, arn: str) -> None:
    with simulation.invoked("snapshot-check") as ports:
        request = RestoreRequested(snapshot_identifier=arn)
        asked = starting.StartRequest(request, plan.name, "", requested_id(plan.name))
        starting.start_on_request(asked, plan, ports, Facts(snapshot=SnapshotFacts(arn=arn)))


def _finished(simulation: PricedSimulation, size: int) -> None:
    end = simulation.clock.now() + timedelta(days=DAYS_MOST)
    while len(simulation.ended) < size and simulation.clock.now() < end:
        simulation.step_time()
    bad = [
        operation_id
        for operation_id, (state, _) in simulation.ended.items()
        if state is not State.SUCCEEDED
    ]
    if bad or len(simulation.ended) < size or simulation.functions.failures:
        raise RuntimeError(
            f"Of {len(simulation.ended)} ended {len(bad)} badly, {bad[:3]}; raised: "
            f"{simulation.functions.failures[:3]}"
        )


def _crowd(
    simulation: PricedSimulation, size: int, meter: Meter, started: datetime, wall: float
) -> Crowd:
    took = [
        (at - started).total_seconds() - START_WITHIN_SECONDS / 2
        for _, at in simulation.ended.values()
    ]
    ticks, rates = simulation.ticks, simulation.rates
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Crowd(
        size=size,
        meter=meter,
        ticks=len(ticks),
        mean_seconds=sum(took) / size,
        longest_seconds=max(took),
        tick_items=max(tick.items for tick in ticks),
        tick_units=max(tick.units for tick in ticks),
        tick_seconds=max(tick.seconds for tick in ticks[1:]),
        tick_calls=max(rates.by_tick.values(), default=0),
        tick_minute=minute_most(rates.ticked),
        tick_beyond=beyond(rates.ticked),
        asked_minute=minute_most(rates.asked),
        asked_beyond=beyond(rates.asked),
        calls_minute=minute_most(rates.by_second),
        calls_beyond=beyond(rates.by_second),
        wall_seconds=wall,
        memory_mb=peak
        / (2**20 if sys.platform == "darwin" else 2**10),  # bytes there, kilobytes here
    )

"""What the heartbeat tells its alarms: that it came to its end, and how old the data is, also
before there is any.
"""

from typing import Any

import pytest
from localaws.clients import EndpointClients

from simulation.stage import STAGE
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.infra.conftest import Made
from tests.infra.emf import Metric, written

HOUR = 3600


@pytest.fixture(scope="module")
def fresh(clients: EndpointClients) -> dict[str, Any]:
    """Make the foundation of the simulated stage, and give its alarm of data that
    is too old.
    """
    made = Made(clients, STAGE)
    made.make("foundation")
    return alarm_of(made)


def alarm_of(made: Made) -> dict[str, Any]:
    """Give the alarm of data that is too old."""
    (found,) = made("cloudwatch").describe_alarms(
        AlarmNames=[made.names.alarm("no-fresh-restore")]
    )["MetricAlarms"]
    alarm: dict[str, Any] = found
    return alarm


def beats(log: str) -> int:
    """Count the ticks that came to their end."""
    return sum(metric.name == "Heartbeat" for metric, _ in written(log))


@pytest.mark.parametrize(
    ("service", "method"),
    [("ssm", "get_parameters_by_path"), ("events", "put_events"), ("rds", "describe_db_clusters")],
)
def test_a_tick_counts_when_it_came_to_its_end(
    capsys: pytest.CaptureFixture[str], service: str, method: str
) -> None:
    """A tick counts when it ends well; one that fails half-way does not, though an error that it
    survives does not matter.
    """
    stage = FaultyStage()
    stage.inject(refused("AccessDenied", 403), call=f"{service}.{method}", times=1_000)
    stage.failures.clear()
    capsys.readouterr()
    ticks = 10
    for _ in range(ticks):
        stage.clock.advance(60)
        stage.beat()

    assert ticks == beats(capsys.readouterr().out) + len(stage.failures)
    assert (service == "ssm") == bool(stage.failures)


def ages(log: str, stage: str = STAGE) -> list[float]:
    """List in hours how old the data of the stage's oldest target was said to be."""
    whole = Metric("AuroraRestore", "TargetAgeSeconds", frozenset({("stage", stage)}))
    return [value / HOUR for metric, value in written(log) if metric == whole]


def test_before_the_first_success_the_age_counts_from_the_first_tick(
    capsys: pytest.CaptureFixture[str], fresh: dict[str, Any]
) -> None:
    """Before the first success the age of the data counts from the first tick, so a new stage gets
    its alarm in time.
    """
    stage = FaultyStage()
    stage.run(29 * HOUR)
    early = ages(capsys.readouterr().out)
    stage.run(2 * HOUR)
    late = ages(capsys.readouterr().out)

    assert (0.0, True) == (min(early), max(early) < fresh["Threshold"] < max(late))
    assert "ignore" == fresh["TreatMissingData"]
    assert "GreaterThanThreshold" == fresh["ComparisonOperator"]
    assert "age / 3600" == fresh["Metrics"][0]["Expression"]
    assert "Maximum" == fresh["Metrics"][1]["MetricStat"]["Stat"]


def test_after_a_success_the_age_is_that_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    """After a success the age is that of the data: it falls to the snapshot's age and rises from
    there.
    """
    stage = FaultyStage()
    stage.run(20 * HOUR)
    stage.run_night()
    capsys.readouterr()
    stage.run(HOUR)
    after = ages(capsys.readouterr().out)

    assert (True, True) == (max(after) < 5, after == sorted(after))


@pytest.mark.parametrize("hours", ["12", "48"])
def test_how_old_data_may_become_is_a_setting(clients: EndpointClients, hours: str) -> None:
    """An update with another FRESHNESS_HOURS changes the alarm."""
    made = Made(clients, f"hours{hours}")
    made.make("foundation")
    made.make("foundation", FreshnessHours=hours)

    assert float(hours) == alarm_of(made)["Threshold"]

"""The alarms: each watches a metric that is really written, tells people, and has a section in the
runbook.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from localaws.clients import EndpointClients

from aurora_restore.stages import ALARMS, FORWARDING_ALARM, FUNCTIONS
from chalicelib.flow.choreography import State
from simulation.stage import STAGE
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.docs.readme import headings
from tests.infra.conftest import REGION, SOURCE_REGION, Made
from tests.infra.emf import Metric, written
from tests.infra.templates import ROOT

METRICS_MAX = 10  # of an alarm on metric math (CloudWatch's quotas: hard)
UNWATCHED = ("heartbeat", "cancel-restore")
DESCRIPTION_CHARACTERS_MAX = 1024
RUNBOOK = ROOT / "docs" / "runbook.md"
ONCE = ["operation-failed", "notification-lost"]
"""They tell of one event, so their end says nothing."""

Alarm = dict[str, Any]


@pytest.fixture(scope="module")
def made(clients: EndpointClients) -> Made:
    """Make the foundation of the simulated stage."""
    one = Made(clients, STAGE)
    one.make("foundation")
    return one


@pytest.fixture(scope="module")
def alarms(made: Made) -> dict[str, Alarm]:
    """Give the stage's alarms by what they are called after the stage."""
    found = {
        metric_alarm["AlarmName"]: metric_alarm
        for metric_alarm in made("cloudwatch").describe_alarms()["MetricAlarms"]
    }
    return {what: found.pop(made.names.alarm(what)) for what in ALARMS} | found


def watched(alarm: Alarm) -> list[Metric]:
    """List the metrics that an alarm reads."""
    stats = [
        query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query
    ] or [alarm]
    return [
        Metric(
            stat["Namespace"],
            stat["MetricName"],
            frozenset((d["Name"], d["Value"]) for d in stat["Dimensions"]),
        )
        for stat in stats
    ]


@pytest.fixture(scope="module")
def metrics() -> set[Metric]:
    """Collect what the code writes in a stage where everything that is watched happens."""
    with redirect_stdout(io.StringIO()) as log:
        _everything_happens()
    return {metric for metric, _ in written(log.getvalue())}


def _everything_happens() -> None:
    FaultyStage().run_night()
    stopped = FaultyStage()
    stopped.night()
    running = stopped.reach(State.COPYING)
    stopped.request(
        "RestoreRequested", request_id="meanwhile"
    )  # skipped, because the target is held
    stopped.request("CancelRequested", operation_id="nobody")  # refused
    stopped.request("CancelRequested", operation_id=running.operation_id)
    stopped.run_to_the_end()
    assert {State.CANCELLED, State.SKIPPED} == {
        operation.state for operation in stopped.all_operations()
    }
    failing = FaultyStage()
    failing.inject(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    failing.inject(refused("AccessDenied", 403), call="sns.publish", times=1_000)
    assert (State.FAILED, False) == ((ended := failing.run_night()).state, ended.notified)
    trouble = FaultyStage()
    trouble.parameters.put_parameter(Name=f"/aurora-restore/{STAGE}/plans/odd/port", Value="none")
    trouble.inject(
        refused("AccessDenied", 403), call="rds.describe_db_cluster_snapshots", times=1_000
    )
    bad = {
        "operation_id": "bad",
        "open": "yes",
        "due_at": "2026-01-01T00:00:00.000Z",
        "state": "COPYING",
    }
    trouble.store.tables["state"]["bad"] = bad
    trouble.run(900)
    assert [] == trouble.failures


def test_the_runbook_has_a_section_for_each(alarms: dict[str, Alarm]) -> None:
    """Each alarm's section in the runbook has its name; the description says what to do and points
    there.
    """
    assert list(ALARMS) == list(alarms)
    for what, alarm in alarms.items():
        text = alarm["AlarmDescription"]

        assert (what, True) == (what, text.endswith(f" See docs/runbook.md#{what}."))
        assert what in headings(RUNBOOK)
        assert len(re.findall(r"[.] ", text)) >= 2
        assert len(text) <= DESCRIPTION_CHARACTERS_MAX


def test_the_runbook_has_a_section_for_what_cannot_be_forwarded(clients: EndpointClients) -> None:
    """The forwarding stack's alarm has a section of its own in the runbook."""
    made = Made(clients, STAGE)
    made.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION)
    (alarm,) = made("cloudwatch", SOURCE_REGION).describe_alarms()["MetricAlarms"]

    resources = made.resources("forwarding", region=SOURCE_REGION)

    assert made.names.alarm(FORWARDING_ALARM) == alarm["AlarmName"]
    assert resources["Failures"].endswith(f"/{made.names.forwarding_queue}")
    assert made.names.forwarding_rule == resources["Rule"]
    assert alarm["AlarmDescription"].endswith(" See docs/runbook.md#forwarding-queue-not-empty.")
    assert "forwarding-queue-not-empty" in headings(RUNBOOK)


def test_each_alarm_notifies_people(made: Made, alarms: dict[str, Alarm]) -> None:
    """Each alarm notifies people when it begins and, where that says something, when it is over."""
    topic = made.resources("foundation")["Notifications"]

    assert {what: ([topic], [] if what in ONCE else [topic]) for what in ALARMS} == {
        what: (alarm["AlarmActions"], alarm.get("OKActions", [])) for what, alarm in alarms.items()
    }


def test_each_metric_of_ours_is_written_with_these_dimensions(
    alarms: dict[str, Alarm], metrics: set[Metric]
) -> None:
    """Each alarm watches one of our metrics with exactly the dimensions that the code writes."""
    own = {
        metric
        for alarm in alarms.values()
        for metric in watched(alarm)
        if metric.namespace == "AuroraRestore"
    }
    expected = {
        "TargetAgeSeconds",
        "Heartbeat",
        "OperationFailed",
        "NotificationLost",
        "PlanUnusable",
        "RecordUnreadable",
        "CatchUpFailed",
    }

    assert set() == own - metrics
    assert expected == {metric.name for metric in own}


def test_each_metric_of_awss_is_of_what_this_stage_has(
    made: Made, alarms: dict[str, Alarm]
) -> None:
    """Alarms on AWS's metrics watch the stage's failure queue and its functions, all but two.

    The heartbeat's silence is an alarm of its own, and cancel-restore's event is in the queue.
    """
    functions = {made.names.function(name) for name in FUNCTIONS if name not in UNWATCHED}
    queue = {
        (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            frozenset({("QueueName", made.names.failure_queue)}),
        )
    }
    lambdas = [
        {("AWS/Lambda", what, frozenset({("FunctionName", name)})) for name in functions}
        for what in ("Errors", "Throttles")
    ]
    found = [
        {*watched(alarms[what])}
        for what in ("failure-queue-not-empty", "function-errors", "function-throttles")
    ]

    assert [queue, *lambdas] == found


def test_no_alarm_reads_more_than_cloudwatch_allows(alarms: dict[str, Alarm]) -> None:
    """An alarm reads at most ten metrics and watches the value of one expression."""
    for alarm in alarms.values():
        returned = [query["Id"] for query in alarm.get("Metrics", []) if query.get("ReturnData")]

        assert len(watched(alarm)) <= METRICS_MAX
        assert len(returned) == bool(alarm.get("Metrics"))


def test_a_missing_heartbeat_raises_the_alarm(alarms: dict[str, Alarm]) -> None:
    """Five minutes without data are an alarm for the heartbeat, and for no other metric."""
    silent = alarms["heartbeat-silent"]
    expected = {
        "TreatMissingData": "breaching",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": 1.0,
    }

    assert expected == {name: silent[name] for name in expected}
    assert {"notBreaching", "ignore"} == {
        alarm["TreatMissingData"] for what, alarm in alarms.items() if what != "heartbeat-silent"
    }


def shown(metrics: list[Any], stage: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """List what a widget of the dashboard draws of ours: namespace, metric, and the names of its
    dimensions.
    """
    for metric in metrics:
        if isinstance(metric[0], dict):
            schema, name, of = re.findall(
                r"SEARCH\('\{(.+?)\} MetricName=\"(\w+)\" stage=\"(\w+)\"'", metric[0]["expression"]
            )[0]
            assert stage == of
            namespace, *dimensions = schema.split(",")
            yield namespace, name, frozenset(dimensions)
        else:
            yield metric[0], metric[1], frozenset(metric[2:4:2])


def test_the_dashboard_draws_what_is_written(
    made: Made, metrics: set[Metric], alarms: dict[str, Alarm]
) -> None:
    """Each of our metrics on the dashboard is written by the code, and each alarm of the stage is
    on it.
    """
    body = json.loads(
        made("cloudwatch").get_dashboard(DashboardName=made.names.dashboard)["DashboardBody"]
    )
    drawn = {
        metric
        for widget in body["widgets"]
        for metric in shown(widget["properties"].get("metrics", []), STAGE)
    }
    known = {
        (metric.namespace, metric.name, frozenset(name for name, _ in metric.dimensions))
        for metric in metrics
    }

    assert set() == {metric for metric in drawn if metric[0] == "AuroraRestore"} - known
    assert [alarm["AlarmArn"] for alarm in alarms.values()] == body["widgets"][0]["properties"][
        "alarms"
    ]
    assert {
        "StepSeconds",
        "TargetAgeSeconds",
        "OperationSucceeded",
        "OperationsUnderWay",
        "Heartbeat",
        "Errors",
        "ApproximateNumberOfMessagesVisible",
    } <= {name for _, name, _ in drawn}

"""Structured logs and metrics, through Powertools.

Log lines carry the operation, and metrics are log lines, too (EMF). There is no tracing, because
Powertools' Tracer needs the X-Ray SDK, which every function would load at its start.
"""

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from chalicelib.flow.choreography import ROWS, TERMINAL
from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.operation import Operation
from chalicelib.flow.untrusted_text import shown_name

NAMESPACE = "AuroraRestore"

SUMMED = frozenset({"CatchUpFailed", "NotificationLost", "OperationFailed", "TargetAgeSeconds"})
"""Metrics that are also written without their plan, for the stage's alarms.

An alarm has to name every dimension of its metric.
"""

# The logger has a name of its own, so that its level never reaches botocore: botocore's DEBUG lines
# print secrets in clear.
logger = Logger(
    service="aurora-restore",
    level=os.environ.get("LOG_LEVEL", "INFO"),
    log_uncaught_exceptions=False,
)


def about(operation: Operation, step: str) -> None:
    """Have every later line of this invocation carry the operation, the step and the version."""
    logger.append_keys(
        operation_id=operation.operation_id,
        plan=operation.plan_name,
        step=step,
        version=operation.version,
        state=operation.state.value,
    )


def count(
    name: str, stage: str, value: float = 1, unit: MetricUnit = MetricUnit.Count, **dimensions: str
) -> None:
    """Write one metric into the log, where CloudWatch finds it.

    A metric of `SUMMED` is written without its plan, too.
    """
    # The service is empty: POWERTOOLS_SERVICE_NAME would otherwise become a dimension, and no alarm
    # would find the metric.
    metric = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="")
    metric.add_metric(name=name, unit=unit, value=value)
    for dimension, text in {"stage": stage, **dimensions}.items():
        metric.add_dimension(name=dimension, value=text)
    if dimensions and name in SUMMED:
        metric.add_dimensions(stage=stage)
    metric.flush_metrics()


def ignored(stage: str, why: str, envelope: Mapping[str, Any]) -> None:
    """Log and count an event that starts nothing here; it is never an error."""
    found = envelope.get("detail")
    detail: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    logger.info(
        "Ignored: %s.",
        why,
        event_id=shown_name(envelope.get("id")),
        detail_type=shown_name(envelope.get("detail-type")),
        event_source=shown_name(detail.get("SourceArn") or detail.get("operation_id")),
    )
    count("EventIgnored", stage)


def unreadable(error: UnreadableRecordError, stage: str) -> None:
    """Log and count an item that cannot be read: it stops no other operation."""
    logger.error(str(error))
    count("RecordUnreadable", stage)


def advanced(operation: Operation, what: str) -> None:
    """Log and measure a change of state."""
    last = operation.durations[-1]
    logger.info(
        "%s -> %s: %s",
        last.state,
        operation.state,
        what,
        took_seconds=last.seconds,
        version=operation.version,
    )
    count(
        "StepSeconds",
        operation.stage,
        last.seconds,
        MetricUnit.Seconds,
        plan=operation.plan_name,
        step=last.step,
    )
    if operation.state in TERMINAL and (result := ROWS[operation.state].result):
        outcome = result.capitalize()
        stage, plan = operation.stage, operation.plan_name
        total = (operation.entered_at - operation.created_at).total_seconds()
        count(f"Operation{outcome}", stage, plan=plan)
        count("OperationSeconds", stage, total, MetricUnit.Seconds, plan=plan, outcome=outcome)
        if operation.facts.snapshot.created_at:
            age = (operation.entered_at - operation.facts.snapshot.created_at).total_seconds()
            count("DataAgeSeconds", stage, age, MetricUnit.Seconds, plan=plan, outcome=outcome)
        if operation.notified is False:
            count("NotificationLost", stage, plan=plan)

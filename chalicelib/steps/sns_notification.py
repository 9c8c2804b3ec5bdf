"""sns-notification: publishes the end of an operation to its topic, and ends the operation."""

from dataclasses import replace

from chalicelib.flow.choreography import ROWS
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome
from chalicelib.flow.text_limits import with_warnings
from chalicelib.messages import notifications
from chalicelib.observability import logger
from chalicelib.ports import Ports


def sns_notification(operation: Operation, ports: Ports) -> Outcome:
    """Publish the notification of the end, at least once: a lost reply repeats it.

    Where the plan's topic fails, the stage's own topic is used; raises what
    `notifications.publish` does where that fails, too.
    """
    (end,) = ROWS[operation.state].leads_to
    topic = operation.plan.reports.sns_topic_arn
    own = ports.settings.sns_topic_arn or topic
    try:
        _publish(topic, operation, ports)
    except (RefusedError, TransientError) as error:
        retries = isinstance(error, TransientError) and ports.now() < operation.deadline
        if own == topic or retries:
            raise
        warning = _topic_warning(topic, own, error)
        logger.warning(warning)
        warnings = with_warnings(operation.warnings, [warning])
        _publish(own, replace(operation, warnings=warnings), ports)
        what = f"notified {own}, because {topic} failed"
        return Advance(
            end, operation.facts, what, operation.reason, warnings=(warning,), notified=True
        )
    what = f"notified {topic}"
    return Advance(end, operation.facts, what, reason=operation.reason, notified=True)


def _topic_warning(topic: str, own: str, error: RefusedError | TransientError) -> str:
    remedy = error.remedy or "Later notifications are sent to it again."
    return (
        f"sns-notification: the plan's topic {topic} could not be notified, so the stage's own "
        f"topic, {own}, is used. {error.reason} {remedy}"
    )


def _publish(topic: str, operation: Operation, ports: Ports) -> None:
    now = ports.now()
    open_on = ports.operations.unsecured_cluster_id(operation.plan.target_cluster_arn)
    text = notifications.body(operation, now, logins_open_on=open_on)
    subject = notifications.subject(operation)
    payload = notifications.payload(operation, text, now)
    notifications.publish(topic, subject, text, payload, ports)

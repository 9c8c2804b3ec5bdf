"""sns-notification: tells people how it ended; then it has ended."""

from dataclasses import replace

from chalicelib.flow.choreography import ROWS
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.limits import with_warnings
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome
from chalicelib.messages import notifications
from chalicelib.observability import logger
from chalicelib.ports import Ports


def sns_notification(operation: Operation, ports: Ports) -> Outcome:
    """Publish the notice of the end that is coming.

    Told at least once: a reply that is lost has it told again.

    Raises what `notices.publish` does, where the stage's own topic cannot be had either.
    """
    (end,) = ROWS[operation.state].leads_to
    topic = operation.plan.reports.sns_topic_arn
    own = ports.settings.sns_topic_arn or topic
    try:
        _tell(topic, operation, ports)
    except (RefusedError, TransientError) as error:
        if own == topic or (isinstance(error, TransientError) and ports.now() < operation.deadline):
            raise
        warning = _not_told(topic, own, error)
        logger.warning(warning)
        _tell(own, replace(operation, warnings=with_warnings(operation.warnings, [warning])), ports)
        what = f"{own} was told, because {topic} could not be"
        return Advance(
            end, operation.facts, what, operation.reason, warnings=(warning,), notified=True
        )
    return Advance(
        end, operation.facts, f"{topic} was told", reason=operation.reason, notified=True
    )


def _not_told(topic: str, own: str, error: RefusedError | TransientError) -> str:
    remedy = error.remedy or "Later notices are sent to it again."
    return (
        f"sns-notification: the plan's topic {topic} could not be told, so the stage's own topic, "
        f"{own}, is. {error.reason} {remedy}"
    )


def _tell(topic: str, operation: Operation, ports: Ports) -> None:
    now = ports.now()
    open_on = ports.operations.unsecured_cluster_id(operation.plan.target_cluster_arn)
    text = notifications.body(operation, now, logins_open_on=open_on)
    notifications.publish(
        topic,
        notifications.subject(operation),
        text,
        notifications.payload(operation, text, now),
        ports,
    )

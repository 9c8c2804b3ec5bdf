"""sns-notification: tells people how it ended; then it has ended."""

from chalicelib import notices
from chalicelib.choreography import ROWS
from chalicelib.operation import Operation
from chalicelib.outcome import Advance, Outcome
from chalicelib.ports import Ports


def sns_notification(operation: Operation, ports: Ports) -> Outcome:
    """Publish the notice of the end that is coming. Told at least once: a reply that is lost has it told again."""
    now = ports.now()
    target = ports.operations.target(operation.settings.target_cluster_arn)
    text = notices.text(operation, now, logins_open_on=target.logins_open_on)
    topic = operation.settings.sns_topic_arn
    notices.publish(topic, notices.subject(operation), text, notices.machine(operation, text, now), ports)
    (end,) = ROWS[operation.state].goes_to
    return Advance(end, operation.facts, f"{topic} was told", reason=operation.reason, notified=True)

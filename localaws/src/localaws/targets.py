"""Where an event may go: Lambda, SQS, SNS, a log group, a default bus elsewhere.

Anything else is refused.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from moto.events.models import events_backends
from moto.sns.models import sns_backends
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends

from localaws.documents import strict_json
from localaws.function_lookup import FunctionName
from localaws.functions import Functions
from localaws.logs import Logs
from localaws.refusals import NotModelledError
from localaws.resource_policies import Requester, lets_in

Event = dict[str, Any]

_TARGET_FIELDS: Final = {
    "Id",
    "Arn",
    "RoleArn",
    "Input",
    "RetryPolicy",
    "DeadLetterConfig",
    "SqsParameters",
}


_RETRIES_MAX: Final = 185
_AGE_SECONDS: Final = range(60, 86_400 + 1)
_INPUT_CHARACTERS_MAX: Final = 8192
_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)


class RefusedTargetError(Exception):
    """AWS would refuse the target too. The text says why, in one sentence."""


class UndeliverableError(Exception):
    """An event could not be delivered: the target is missing, or does not permit it."""


@dataclass(frozen=True)
class TargetArn:
    """The parts of an ARN that delivery needs."""

    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def of_arn(cls, arn: str) -> "TargetArn":
        """Read an ARN; raise RefusedTargetError when it is none."""
        parts = arn.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":  # noqa: PLR2004  (an ARN has six parts)
            raise RefusedTargetError(f"{arn} is not an ARN.")
        return cls(service=parts[2], region=parts[3], account=parts[4], resource=parts[5])

    @property
    def is_bus(self) -> bool:
        """Whether this is an event bus."""
        return self.service == "events" and self.resource.startswith("event-bus/")


def check_target(target: dict[str, Any], *, region: str) -> None:
    """Check a rule's target.

    Raises RefusedTargetError for one that AWS refuses, NotModelledError for one that localaws does
    not deliver to, or not as AWS does.
    """
    unknown = sorted(target.keys() - _TARGET_FIELDS)
    if unknown:
        raise NotModelledError(
            f"localaws does not model {', '.join(unknown)} of a target. Leave it out."
        )
    _check_settings(target)
    place = TargetArn.of_arn(target["Arn"])
    if place.is_bus:
        _check_bus(place)
    elif not _is_known(place):
        text = (
            "localaws delivers to Lambda functions, SQS queues, SNS topics, log groups and default "
            "event buses only."
        )
        raise NotModelledError(f"{text} {target['Arn']} is none of them.")
    elif place.region != region:
        raise RefusedTargetError(
            f"{target['Arn']} is in another region than its rule; only an event bus may be."
        )


def _check_settings(target: dict[str, Any]) -> None:
    if not _ID.fullmatch(target["Id"]):
        raise RefusedTargetError(
            f"The target id {target['Id']!r} is not 1 to 64 letters, digits, '.', '_' or '-'."
        )
    if "Input" in target:
        _check_input(target["Input"])
    letters = target.get("DeadLetterConfig", {}).get("Arn")
    if letters and TargetArn.of_arn(letters).service != "sqs":
        raise RefusedTargetError(f"The dead-letter queue {letters} is not an SQS queue.")
    retries = target.get("RetryPolicy", {})
    if retries.get("MaximumRetryAttempts", 0) not in range(_RETRIES_MAX + 1):
        raise RefusedTargetError(f"MaximumRetryAttempts is not between 0 and {_RETRIES_MAX}.")
    if retries.get("MaximumEventAgeInSeconds", _AGE_SECONDS[0]) not in _AGE_SECONDS:
        text = f"MaximumEventAgeInSeconds is not between {_AGE_SECONDS[0]} and {_AGE_SECONDS[-1]}."
        raise RefusedTargetError(text)


def _check_input(text: str) -> None:
    if len(text) > _INPUT_CHARACTERS_MAX:
        raise RefusedTargetError(
            f"The input of a target has at most {_INPUT_CHARACTERS_MAX} characters."
        )
    try:
        strict_json(text)
    except ValueError as error:
        raise RefusedTargetError(f"JSON syntax error in the input of a target: {error}.") from error


def _check_bus(place: TargetArn) -> None:
    if place.resource != "event-bus/default":
        raise NotModelledError(
            f"localaws forwards to default event buses only, not to {place.resource}."
        )


def _is_known(place: TargetArn) -> bool:
    is_group = place.service == "logs" and place.resource.startswith("log-group:")
    is_function = place.service == "lambda" and place.resource.startswith("function:")
    return is_group or is_function or place.service in {"sqs", "sns"}


class Targets:
    """Hands events over. `forward(event, account, region)` puts one on a default bus elsewhere."""

    def __init__(
        self, functions: Functions, logs: Logs, forward: Callable[[Event, str, str], None]
    ) -> None:
        self._functions = functions
        self._logs = logs
        self._forward = forward

    def deliver(self, target: dict[str, Any], event: Event, *, source_arn: str) -> None:
        """Hand an event to a target of the rule `source_arn`.

        Raise UndeliverableError when it cannot be had.
        """
        place = TargetArn.of_arn(target["Arn"])
        body = target.get("Input") or json.dumps(event)
        if place.is_bus:
            check_bus(target["Arn"], place, event, TargetArn.of_arn(source_arn).account)
            self._forward(event, place.account, place.region)
        elif place.service == "lambda":
            self._to_function(target["Arn"], body, source_arn)
        elif place.service == "sqs":
            to_queue(
                place,
                body,
                target.get("SqsParameters", {}).get("MessageGroupId"),
                rule_arn=source_arn,
            )
        elif place.service == "sns":
            to_topic(target["Arn"], place, body, rule_arn=source_arn)
        else:
            group = place.resource.removeprefix("log-group:").removesuffix(":*")
            stream = f"{datetime.now(UTC):%Y/%m/%d}"
            self._logs.write(
                account=place.account, region=place.region, group=group, stream=stream, line=body
            )

    def _to_function(self, arn: str, body: str, source_arn: str) -> None:
        name = FunctionName.of_arn(arn)
        function = name.find()
        if function is None:
            raise UndeliverableError(f"{arn} is not deployed.")
        if not any(_permits(statement, source_arn) for statement in function.policy.statements):
            raise UndeliverableError(
                f"{arn} has no permission for events.amazonaws.com and {source_arn}."
            )
        self._functions.enqueue(name, json.loads(body))


def check_bus(arn: str, place: TargetArn, event: Event, account: str) -> None:
    """Raise UndeliverableError where another account's bus does not permit the event."""
    context = {"events:source": event["source"], "events:detail-type": event["detail-type"]}
    caller = Requester("events:PutEvents", arn, account=account, context=context)
    bus = events_backends[place.account][place.region].event_buses["default"]
    if place.account != account and not lets_in(json.loads(bus.policy or "{}"), caller):
        raise UndeliverableError(
            f"The policy of {arn} does not let account {account} put such events."
        )


def to_queue(
    place: TargetArn,
    body: str,
    group: str | None = None,
    *,
    rule_arn: str | None = None,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Send a message to a queue, for a rule where one is named.

    Raise UndeliverableError when there is no such queue, or its policy does not let the rule in:
    EventBridge writes with no role, and a queue without a policy takes nothing from it (EventBridge
    user guide, eb-rule-dlq and eb-use-resource-based).
    """
    backend = sqs_backends[place.account][place.region]
    try:
        if rule_arn is not None:
            queue = backend.get_queue(place.resource)
            _check_policy(queue.queue_arn, queue.policy, "sqs:SendMessage", rule_arn)
        typed = {
            name: {"StringValue": text, "DataType": "String"}
            for name, text in (attributes or {}).items()
        }
        backend.send_message(
            queue_name=place.resource,
            message_body=body,
            group_id=group,
            message_attributes=typed or None,
        )
    except QueueDoesNotExist as error:
        raise UndeliverableError(
            f"There is no queue {place.resource} in {place.region}."
        ) from error


def to_topic(arn: str, place: TargetArn, body: str, *, rule_arn: str | None = None) -> None:
    """Publish to a topic, for a rule where one is named; as `to_queue`."""
    backend = sns_backends[place.account][place.region]
    if arn not in backend.topics:
        raise UndeliverableError(f"There is no topic {arn}.")
    if rule_arn is not None:
        _check_policy(arn, backend.topics[arn].policy, "sns:Publish", rule_arn)
    backend.publish(body, arn=arn)


def _check_policy(arn: str, policy: str | None, action: str, rule_arn: str) -> None:
    account = rule_arn.split(":")[4]
    context = {
        "aws:sourcearn": rule_arn,
        "aws:sourceaccount": account,
        "aws:securetransport": "true",
    }
    caller = Requester(action, arn, service="events.amazonaws.com", context=context)
    if not lets_in(json.loads(policy or "{}"), caller):
        raise UndeliverableError(
            f"The policy of {arn} does not let events.amazonaws.com in for {rule_arn}."
        )


def _permits(statement: dict[str, Any], source_arn: str) -> bool:
    """Tell whether a statement of a function's policy lets EventBridge invoke it for this rule."""
    if statement.get("Principal") != {"Service": "events.amazonaws.com"}:
        return False
    allowed = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "*")
    return fnmatchcase(source_arn, allowed)

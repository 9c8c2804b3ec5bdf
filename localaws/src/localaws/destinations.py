"""Destinations: where Lambda sends the record of a queued invocation that is over."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.models import LambdaFunction

from localaws.event_envelope import envelope
from localaws.function_lookup import FunctionName, event_invoke_setting
from localaws.functions import Functions, QueuedEvent
from localaws.iam import lambdas
from localaws.iam.enforcer import Enforcer
from localaws.refusals import NotModelledError
from localaws.targets import TargetArn, UndeliverableError, to_queue, to_topic
from localaws.workers import InvocationResult

_log = logging.getLogger(__name__)


def check_destinations(setting: dict[str, Any]) -> None:
    """Check an event-invoke-config.

    Raises NotModelledError for a destination that localaws does not deliver to (S3, for one),
    RefusedTargetError for one that is no ARN.
    """
    for name in ("OnSuccess", "OnFailure"):
        arn = setting.get("DestinationConfig", {}).get(name, {}).get("Destination")
        place = TargetArn.of_arn(arn) if arn else None
        if place and not (place.is_bus or place.service in {"lambda", "sqs", "sns"}):
            raise NotModelledError(
                f"localaws has no destination {arn}: use a queue, topic, function or event bus."
            )


class Destinations:
    """Sends records. `publish(event, account, region, bus)` puts one on an event bus."""

    def __init__(
        self,
        functions: Functions,
        enforcer: Enforcer,
        publish: Callable[[dict[str, Any], str, str, str], None],
    ) -> None:
        self._functions = functions
        self._enforcer = enforcer
        self._publish = publish

    def send(
        self,
        invocation: QueuedEvent,
        function: LambdaFunction,
        outcome: InvocationResult,
        condition: str,
    ) -> None:
        """Send the record of an invocation that is over, if its function has a destination."""
        name = "OnSuccess" if outcome.error is None else "OnFailure"
        setting = event_invoke_setting(function).get("DestinationConfig", {})
        arn = setting.get(name, {}).get("Destination")
        # Lambda writes with the function's own role, not with rights of its own.
        if arn and not self._enforcer.allows(
            function.role, function.function_arn, lambdas.delivering(arn)
        ):
            _log.error(
                "The record of an invocation of %s is lost: its role may not write to %s.",
                *(function.function_name, arn),
            )
        elif arn:
            try:
                self._send_to(arn, _record(invocation, function, outcome, condition), name)
            except UndeliverableError:
                _log.exception("The record of an invocation of %s is lost.", function.function_name)

    def _send_to(self, arn: str, record: dict[str, Any], name: str) -> None:
        place = TargetArn.of_arn(arn)
        if place.is_bus:
            event = _event(arn, record, place, "Success" if name == "OnSuccess" else "Failure")
            self._publish(
                event, place.account, place.region, place.resource.removeprefix("event-bus/")
            )
        elif place.service == "lambda":
            self._functions.enqueue(FunctionName.of_arn(arn), record)
        elif place.service == "sqs":
            to_queue(place, json.dumps(record))
        else:
            to_topic(arn, place, json.dumps(record))


def _event(arn: str, record: dict[str, Any], place: TargetArn, result: str) -> dict[str, Any]:
    return envelope(
        source="lambda",
        detail_type=f"Lambda Function Invocation Result - {result}",
        detail=record,
        account=place.account,
        region=place.region,
        resources=[arn, record["requestContext"]["functionArn"]],
    )


def _record(
    invocation: QueuedEvent, function: LambdaFunction, outcome: InvocationResult, condition: str
) -> dict[str, Any]:
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
    if outcome.error is not None:
        response["functionError"] = outcome.error
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": f"{function.function_arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": invocation.attempts,
        },
        "requestPayload": invocation.event,
        "responseContext": response,
        "responsePayload": json.loads(outcome.payload),
    }

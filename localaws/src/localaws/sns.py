"""SNS: moto's, but an e-mail address is subscribed only when somebody has confirmed it, as on AWS.

Nobody is mailed here. The token that would be in the mail is the last part of the subscription's
ARN.
"""

from typing import Any, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.sns.models import Subscription
from moto.sns.responses import SNSResponse

from localaws.modelled import NOT_MODELLED_CODE
from localaws.refusals import QueryError

BY_MAIL: Final = frozenset({"email", "email-json"})
PROTOCOLS: Final = BY_MAIL | {"sqs"}
_ARNS: Final = ("TopicArn", "ResourceArn")
_ARN_PARTS: Final = 6


class InvalidTokenError(ServiceException):
    """No subscription waits for a confirmation with that token."""

    code = "InvalidParameter"


class Sns(SNSResponse):
    """The API of SNS."""

    def call_action(self) -> TYPE_RESPONSE:
        """Refuse what is no ARN or no token before it is looked up."""
        problem = self._problem()
        if problem is None:
            answer: TYPE_RESPONSE = super().call_action()
            return answer
        error = QueryError("InvalidParameter", f"Invalid parameter: {problem}")
        return (
            400,
            {**self.response_headers, **dict(error.get_headers()), "status": "400"},
            str(error.description),
        )

    def _problem(self) -> str | None:
        for name in _ARNS:
            given = self._get_param(name)
            parts = str(given).count(":") + 1
            if given is not None and parts < _ARN_PARTS:
                return (
                    f"{name} Reason: An ARN must have at least {_ARN_PARTS} elements, not {parts}"
                )
        token = self._get_param("NextToken")
        return None if token is None or str(token).isdecimal() else "NextToken"

    def subscribe(self) -> ActionResult:
        """Subscribe.

        A mailbox waits for its confirmation, and its ARN is told only to whom asks for it.
        """
        topic, endpoint, protocol = (
            self._get_param(name) for name in ("TopicArn", "Endpoint", "Protocol")
        )
        if protocol not in PROTOCOLS:
            text = (
                f"localaws delivers messages of topics to {', '.join(sorted(PROTOCOLS))} only, not "
                f"to {protocol}."
            )
            raise QueryError(NOT_MODELLED_CODE, text)
        is_new = self.backend._find_subscription(topic, endpoint, protocol) is None  # noqa: SLF001  (moto's)
        answer: ActionResult = super().subscribe()
        told: Any = answer.result
        subscription = self.backend.subscriptions[told["SubscriptionArn"]]
        # Nobody reads mail here: whoever confirms asks SNS for the ARN, which ends in the token.
        if protocol in BY_MAIL and is_new:
            subscription.attributes["PendingConfirmation"] = True
        if _waits(subscription) and not self._get_param("ReturnSubscriptionArn"):
            return ActionResult({"SubscriptionArn": "pending confirmation"})
        return answer

    def confirm_subscription(self) -> ActionResult:
        """Confirm the subscription that a token belongs to."""
        arn = f"{self._get_param('TopicArn')}:{self._get_param('Token')}"
        subscription = self.backend.subscriptions.get(arn)
        if subscription is None or not _waits(subscription):
            raise InvalidTokenError("Invalid token")
        subscription.attributes["PendingConfirmation"] = False
        return ActionResult({"SubscriptionArn": arn})

    def list_subscriptions(self) -> ActionResult:
        """List subscriptions; those that wait have no ARN yet."""
        return _shown(super().list_subscriptions())

    def list_subscriptions_by_topic(self) -> ActionResult:
        """List the subscriptions of a topic; those that wait have no ARN yet."""
        return _shown(super().list_subscriptions_by_topic())


def _waits(subscription: Subscription) -> bool:
    return str(subscription.attributes["PendingConfirmation"]).lower() == "true"


def _shown(answer: ActionResult) -> ActionResult:
    result: Any = answer.result
    shown = [
        {
            "SubscriptionArn": "PendingConfirmation" if _waits(subscription) else subscription.arn,
            "Owner": subscription.account_id,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "TopicArn": subscription.topic.arn,
        }
        for subscription in result["Subscriptions"]
    ]
    return ActionResult({**result, "Subscriptions": shown})

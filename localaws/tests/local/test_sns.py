"""SNS: a mailbox is subscribed when it has confirmed it, and not before."""

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Client, Clients


@pytest.fixture
def sns(clients: Clients) -> Client:
    """Give a client."""
    return clients("sns")


def subscribed(sns: Client, topic: str) -> list[str]:
    """List the subscriptions of a topic by their ARNs."""
    return [
        subscription["SubscriptionArn"]
        for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    ]


def test_a_mailbox_waits_for_its_confirmation(sns: Client) -> None:
    """A mailbox waits for its confirmation: whoever lists subscriptions sees that, and whoever asks
    gets its ARN.
    """
    topic = sns.create_topic(Name="mailed")["TopicArn"]
    about = {"TopicArn": topic, "Protocol": "email", "Endpoint": "somebody@example.com"}
    told = sns.subscribe(**about)["SubscriptionArn"]
    arn = sns.subscribe(**about, ReturnSubscriptionArn=True)["SubscriptionArn"]
    pending = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"][
        "PendingConfirmation"
    ]

    assert "pending confirmation" == told
    assert ["PendingConfirmation"] == subscribed(sns, topic)
    assert "true" == pending
    assert "PendingConfirmation" in [
        subscription["SubscriptionArn"]
        for subscription in sns.list_subscriptions()["Subscriptions"]
    ]


def test_a_token_confirms_once(sns: Client) -> None:
    """A token confirms a subscription once; here it is the last part of the ARN.

    Subscribing again changes nothing then, and a wrong token is refused.
    """
    topic = sns.create_topic(Name="confirmed")["TopicArn"]
    about = {"TopicArn": topic, "Protocol": "email", "Endpoint": "somebody@example.com"}
    arn = sns.subscribe(**about, ReturnSubscriptionArn=True)["SubscriptionArn"]
    token = arn.rsplit(":", 1)[-1]
    with pytest.raises(ClientError, match="Invalid token"):
        sns.confirm_subscription(TopicArn=topic, Token="guessed")
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    with pytest.raises(ClientError, match="Invalid token"):
        sns.confirm_subscription(TopicArn=topic, Token=token)
    found = [
        confirmed,
        sns.subscribe(**about)["SubscriptionArn"],
        *subscribed(sns, topic),
    ]

    assert [arn] * 3 == found


def test_a_queue_needs_no_confirmation(clients: Clients, sns: Client) -> None:
    """A queue is subscribed at once, without a confirmation."""
    topic = sns.create_topic(Name="queued")["TopicArn"]
    clients("sqs").create_queue(QueueName="queued")
    arn = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-west-2:123456789012:queued"
    )

    assert [arn["SubscriptionArn"]] == subscribed(sns, topic)


@pytest.mark.parametrize("protocol", ["http", "https", "lambda", "sms", "application", "firehose"])
def test_a_subscription_that_is_not_delivered_to_is_refused(sns: Client, protocol: str) -> None:
    """A protocol that localaws does not deliver to is refused, with the protocols that there
    are.
    """
    topic = sns.create_topic(Name="elsewhere")["TopicArn"]
    with pytest.raises(ClientError, match="to email, email-json, sqs only, not to ") as refused:
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint="arn:aws:x")

    assert "LocalAwsNotModelled" == refused.value.response["Error"]["Code"]
    assert [] == subscribed(sns, topic)

"""A whole AWS per module, boto3 as its client, and a small app that is deployed into it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from localaws.server import Server
from tests.local.sample_function import deploy, write_app

REGION = "us-west-2"
SPEED = 300.0
"""A minute is 0.2 s: the first retry comes after that, the second after 0.4 s, `rate(5 minutes)` is
a second.
"""

WAIT_SECONDS_MAX = 30.0
RULES_MAY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": ["sns:Publish", "sqs:SendMessage"],
                "Resource": "*",
            }
        ],
    }
)
"""The policy of a queue or a topic that takes whatever a rule brings."""

Client = Any
Clients = Callable[..., Client]


class Inbox:
    """A queue that functions and rules send to: its policy lets every rule in, unless there is no
    `policy`.
    """

    def __init__(self, sqs: Client, name: str, *, policy: str | None = RULES_MAY) -> None:
        self._sqs = sqs
        attributes = {} if policy is None else {"Policy": policy}
        self.url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]
        self.arn: str = attributes["QueueArn"]
        self._received: list[dict[str, Any]] = []

    def wait_for(
        self, name: str, *, count: int = 1, event_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Wait until as many messages are there as are wanted that have this field.

        Return them, oldest first.

        With `event_id` only those count that tell of this event.
        """
        ends_at = time.monotonic() + WAIT_SECONDS_MAX
        while (
            len(
                found := [
                    message
                    for message in self._received
                    if name in message and _is_of(message, event_id)
                ]
            )
            < count
        ):
            if time.monotonic() > ends_at:
                pytest.fail(
                    f"{count} messages with {name} did not come; there are {self._received}."
                )
            self._receive()
        return found

    def _receive(self) -> None:
        answer = self._sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            self._received.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


def _is_of(message: dict[str, Any], event_id: str | None) -> bool:
    return event_id is None or message.get("event", message).get("id") == event_id


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an AWS."""
    running = Server(0, tmp_path_factory.mktemp("localaws"), speed=SPEED)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """Return one session for all tests: reading service models takes longer than most of them."""
    return boto3.Session(aws_access_key_id="any", aws_secret_access_key="any")


@pytest.fixture(scope="module")
def environment(server: Server) -> dict[str, str]:
    """Return what a program needs to find this AWS."""
    return {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": REGION,
    }


@pytest.fixture(scope="module")
def clients(server: Server, session: boto3.Session) -> Clients:
    """Give clients: `clients(service, region, attempts=…)`.

    One that is `unchecked` sends whatever it is given.
    """

    def client(
        service: str, region: str = REGION, *, attempts: int = 3, unchecked: bool = False
    ) -> Client:
        config = Config(
            retries={"total_max_attempts": attempts}, parameter_validation=not unchecked
        )
        return session.client(
            service, region_name=region, endpoint_url=server.endpoint, config=config
        )

    return client


@pytest.fixture(scope="module")
def inbox(clients: Clients) -> Inbox:
    """Return the queue that the tiny app sends to."""
    return Inbox(clients("sqs"), "tiny")


@pytest.fixture(scope="module")
def app(
    inbox: Inbox, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Deploy the tiny app and return its folder."""
    folder = write_app(tmp_path_factory.mktemp("tiny"), queue=inbox.url)
    deploy(folder, environment)
    return folder

"""Small templates, and stacks of them."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Client, Clients

Resources = dict[str, dict[str, Any]]
_NUMBERS = itertools.count(1)


def unique(name: str) -> str:
    """Give a name that no other test has."""
    return f"{name}-{next(_NUMBERS)}"


def queue(name: str | None = None, **properties: Any) -> dict[str, Any]:
    """Write a queue into a template."""
    own = {} if name is None else {"QueueName": name}
    return {"Type": "AWS::SQS::Queue", "Properties": {**own, **properties}}


def template(resources: Resources, **sections: Any) -> str:
    """Write a template."""
    return json.dumps({"Resources": resources, **sections})


class StackUnderTest:
    """One stack, asked for by its name."""

    def __init__(self, clients: Clients, name: str | None = None) -> None:
        self.clients = clients
        self.client: Client = clients("cloudformation")
        self.name = name or unique("stack")

    def create(self, body: str, **more: Any) -> str:
        """Create it; returns its status."""
        self.client.create_stack(StackName=self.name, TemplateBody=body, **_parameters(more))
        return self.status

    def update(self, body: str, **more: Any) -> str:
        """Update it; returns its status."""
        self.client.update_stack(StackName=self.name, TemplateBody=body, **_parameters(more))
        return self.status

    def delete(self, **more: Any) -> str:
        """Delete it; returns its status."""
        stack_id = self.described["StackId"]
        self.client.delete_stack(StackName=self.name, **more)
        (stack,) = self.client.describe_stacks(StackName=stack_id)["Stacks"]
        return str(stack["StackStatus"])

    @property
    def described(self) -> dict[str, Any]:
        """What DescribeStacks says of it."""
        (stack,) = self.client.describe_stacks(StackName=self.name)["Stacks"]
        found: dict[str, Any] = stack
        return found

    @property
    def status(self) -> str:
        """Its status."""
        return str(self.described["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        """Its outputs."""
        return {
            output["OutputKey"]: output["OutputValue"]
            for output in self.described.get("Outputs", [])
        }

    @property
    def resources(self) -> dict[str, str]:
        """The physical ids of its resources."""
        found = self.client.list_stack_resources(StackName=self.name)["StackResourceSummaries"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def reasons(self) -> list[str]:
        """Why something went wrong, the oldest first."""
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
        ]

    def propose(self, kind: str, body: str, **more: Any) -> dict[str, Any]:
        """Make a change set; returns what DescribeChangeSet says of it."""
        name = unique("change")
        about = {"StackName": self.name, "ChangeSetName": name}
        self.client.create_change_set(
            **about, ChangeSetType=kind, TemplateBody=body, **_parameters(more)
        )
        found: dict[str, Any] = self.client.describe_change_set(**about)
        return found


def _parameters(more: dict[str, Any]) -> dict[str, Any]:
    given = [
        {"ParameterKey": name, "ParameterValue": value}
        for name, value in more.pop("given", {}).items()
    ]
    return {**more, **({"Parameters": given} if given else {})}


def queues(clients: Clients, prefix: str) -> list[str]:
    """List the queues whose names begin so."""
    urls = clients("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    return sorted(url.rsplit("/", 1)[-1] for url in urls)


def attribute(clients: Clients, name: str, what: str) -> str:
    """Read an attribute of a queue."""
    url = clients("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    return str(
        clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[what])["Attributes"][what]
    )


def refusal(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    """Give the code and the sentence of a refusal."""
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Give of each change of a change set what is done to which resource, and whether that makes
    another one.
    """
    for change in found["Changes"]:
        one = change["ResourceChange"]
        yield one["Action"], one["LogicalResourceId"], one.get("Replacement")

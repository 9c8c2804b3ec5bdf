"""A whole AWS per module, and stacks of our templates in it, each test's for a stage of its own."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from localaws.clients import EndpointClients
from localaws.server import Server

from aurora_restore.stages import Stage
from tests.infra.templates import text

ACCOUNT, OTHER_ACCOUNT = "123456789012", "222222222222"
REGION, SOURCE_REGION = "us-west-2", "us-east-1"
_NUMBERS = itertools.count(1)


class Made:
    """The stacks of one stage."""

    def __init__(self, clients: EndpointClients, stage: str) -> None:
        self.clients, self.stage = clients, stage
        here = {"environment_variables": {"TARGET_REGION": REGION, "SOURCE_REGION": SOURCE_REGION}}
        self.names = Stage(stage, {"stages": {stage: here}})

    def __call__(self, service: str, region: str = REGION) -> Any:
        """Give a client."""
        return self.clients(service, region)

    def stack(self, template: str) -> str:
        """Name the stack of a template."""
        stacks = {"records": self.names.records_stack, "foundation": self.names.foundation_stack}
        return stacks.get(template, self.names.forwarding_stack)

    def make(self, template: str, *, region: str = REGION, **given: str) -> dict[str, str]:
        """Create the stack of a template, or update it; returns its outputs."""
        client, name = self("cloudformation", region), self.stack(template)
        parameters = [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in {"Stage": self.stage, **given}.items()
        ]
        known = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
        do = client.update_stack if name in known else client.create_stack
        capabilities = ["CAPABILITY_NAMED_IAM"]
        do(
            StackName=name,
            TemplateBody=text(template),
            Parameters=parameters,
            Capabilities=capabilities,
        )
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return {"status": stack["StackStatus"]} | {
            output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])
        }

    def resources(self, template: str, *, region: str = REGION) -> dict[str, str]:
        """Give the physical ids of a stack's resources."""
        found = self("cloudformation", region).list_stack_resources(StackName=self.stack(template))
        return {
            stack_resource_summary["LogicalResourceId"]: stack_resource_summary[
                "PhysicalResourceId"
            ]
            for stack_resource_summary in found["StackResourceSummaries"]
        }

    def reasons(self, template: str) -> str:
        """Say why something failed."""
        events = self("cloudformation").describe_stack_events(StackName=self.stack(template))[
            "StackEvents"
        ]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def remove(self, template: str, *, region: str = REGION) -> str:
        """Delete a stack; returns its status."""
        client = self("cloudformation", region)
        stack_id = client.describe_stacks(StackName=self.stack(template))["Stacks"][0]["StackId"]
        client.delete_stack(StackName=stack_id)
        return str(client.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an AWS."""
    running = Server(0, tmp_path_factory.mktemp("localaws"), speed=300.0)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def clients(server: Server) -> EndpointClients:
    """Give clients of this AWS."""
    return EndpointClients(server.endpoint)


@pytest.fixture
def made(clients: EndpointClients) -> Made:
    """Give a stage that has nothing yet."""
    return Made(clients, f"stage{next(_NUMBERS)}")

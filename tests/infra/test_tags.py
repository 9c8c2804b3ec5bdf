"""The guide's tags are on what stands, not only in the templates.

Prod's environment is called Production.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from localaws.clients import EndpointClients

from tests.infra.conftest import ACCOUNT, OTHER_ACCOUNT, REGION, SOURCE_REGION, Made
from tests.infra.test_templates import SETTINGS

Tags = dict[str, str]


def by_key(tags: list[dict[str, str]]) -> Tags:
    """Read tags that are lists of `Key` and `Value`."""
    return {tag["Key"]: tag["Value"] for tag in tags}


@dataclass(frozen=True)
class TagReader:
    """Reads the tags of what stands, each kind of resource by its own call."""

    client: Made

    def table(self, name: str) -> Tags:
        """Read the tags of a table."""
        arn = self.client("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]
        return by_key(self.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"])

    def secret(self, arn: str) -> Tags:
        """Read the tags of a secret."""
        return by_key(self.client("secretsmanager").describe_secret(SecretId=arn)["Tags"])

    def key(self, key_id: str) -> Tags:
        """Read the tags of a key."""
        found = self.client("kms").list_resource_tags(KeyId=key_id)["Tags"]
        return {tag["TagKey"]: tag["TagValue"] for tag in found}

    def topic(self, arn: str) -> Tags:
        """Read the tags of a topic."""
        return by_key(self.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"])

    def queue(self, url: str, region: str = REGION) -> Tags:
        """Read the tags of a queue."""
        return dict(self.client("sqs", region).list_queue_tags(QueueUrl=url)["Tags"])

    def queue_of_the_source(self, url: str) -> Tags:
        """Read the tags of a queue in the source's region."""
        return self.queue(url, SOURCE_REGION)

    def alarm(self, name: str) -> Tags:
        """Read the tags of an alarm."""
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
        return by_key(self.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])

    def dashboard(self, name: str) -> Tags:
        """Read the tags of a dashboard."""
        arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"
        return by_key(self.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])

    def parameter(self, name: str) -> Tags:
        """Read the tags of an SSM parameter."""
        named = {"ResourceType": "Parameter", "ResourceId": name}
        return by_key(self.client("ssm").list_tags_for_resource(**named)["TagList"])

    def bucket(self, name: str) -> Tags:
        """Read the tags of a bucket."""
        return by_key(self.client("s3").get_bucket_tagging(Bucket=name)["TagSet"])

    def rule_of_the_source(self, name: str) -> Tags:
        """Read the tags of a rule in the source's region."""
        arn = f"arn:aws:events:{SOURCE_REGION}:{ACCOUNT}:rule/{name}"
        found = self.client("events", SOURCE_REGION).list_tags_for_resource(ResourceARN=arn)
        return by_key(found["Tags"])

    def role(self, name: str) -> Tags:
        """Read the tags of a role."""
        return by_key(self.client("iam").list_role_tags(RoleName=name)["Tags"])


# of each logical id: the service in its tags, and how the tags are read
TAGGED: dict[str, tuple[str, Callable[[TagReader, str], Tags]]] = {
    "State": ("StateManagement", TagReader.table),
    "MasterSecret": ("Credentials", TagReader.secret),
    "NotificationsKey": ("Notifications", TagReader.key),
    "Notifications": ("Notifications", TagReader.topic),
    "Failures": ("Failures", TagReader.queue),
    "HeartbeatSilent": ("Alarms", TagReader.alarm),
    "Dashboard": ("Dashboard", TagReader.dashboard),
    "SourceClusterIdParameter": ("Configuration", TagReader.parameter),
    "Deployment": ("Deployment", TagReader.bucket),
    "forwarding Rule": ("Forwarding", TagReader.rule_of_the_source),
    "forwarding Role": ("Forwarding", TagReader.role),
    "forwarding Failures": ("Forwarding", TagReader.queue_of_the_source),
}


@pytest.mark.parametrize(("stage", "environment"), [("dev", "dev"), ("prod", "Production")])
def test_tags_are_on_what_stands(clients: EndpointClients, stage: str, environment: str) -> None:
    """One resource of each type that our templates make has the guide's tags."""
    made = Made(clients, stage)
    made.make("records")
    made.make("foundation", **SETTINGS, SourceAccount=OTHER_ACCOUNT)
    made.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION)
    forwarding = made.resources("forwarding", region=SOURCE_REGION)
    standing: dict[str, Any] = {
        **made.resources("records"),
        **made.resources("foundation"),
        **{f"forwarding {name}": physical_id for name, physical_id in forwarding.items()},
    }
    reader = TagReader(made)

    expected = {
        name: {"Environment": environment, "Project": "AuroraRestore", "Service": service}
        for name, (service, _) in TAGGED.items()
    }
    expected["forwarding Role"] |= {
        "aurora-restore:stage": stage,
        "aurora-restore:home": f"{ACCOUNT}/{REGION}",
        "aurora-restore:source": SOURCE_REGION,
    }

    assert expected == {name: read(reader, standing[name]) for name, (_, read) in TAGGED.items()}

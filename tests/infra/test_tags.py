"""The guide's tags are on what stands, not only in the templates.

Prod's environment is called Production.
"""

from collections.abc import Callable
from typing import Any

import pytest
from localaws.clients import Clients

from tests.infra.conftest import ACCOUNT, OTHER_ACCOUNT, REGION, SOURCE_REGION, Made
from tests.infra.test_templates import SETTINGS

Tags = dict[str, str]


def by_key(tags: list[dict[str, str]]) -> Tags:
    """Read tags that are lists of `Key` and `Value`."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def readers(made: Made) -> dict[str, Callable[[str], Tags]]:
    """Say for each logical id how the tags of the resource are read."""
    account = made

    def of_table(name: str) -> Tags:
        arn = account("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]
        return by_key(account("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"])

    def of_queue(url: str, region: str = REGION) -> Tags:
        return dict(account("sqs", region).list_queue_tags(QueueUrl=url)["Tags"])

    def of_key(key_id: str) -> Tags:
        found = account("kms").list_resource_tags(KeyId=key_id)["Tags"]
        return {tag["TagKey"]: tag["TagValue"] for tag in found}

    def of_alarm(name: str) -> Tags:
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
        return by_key(account("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])

    def of_dashboard(name: str) -> Tags:
        arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"
        return by_key(account("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])

    def of_rule(name: str) -> Tags:
        arn = f"arn:aws:events:{SOURCE_REGION}:{ACCOUNT}:rule/{name}"
        return by_key(
            account("events", SOURCE_REGION).list_tags_for_resource(ResourceARN=arn)["Tags"]
        )

    return {
        "State": of_table,
        "MasterSecret": lambda arn: by_key(
            account("secretsmanager").describe_secret(SecretId=arn)["Tags"]
        ),
        "NotificationsKey": of_key,
        "Notifications": lambda arn: by_key(
            account("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
        ),
        "Failures": of_queue,
        "HeartbeatSilent": of_alarm,
        "Dashboard": of_dashboard,
        "SourceClusterIdParameter": lambda name: by_key(
            account("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)[
                "TagList"
            ]
        ),
        "Deployment": lambda name: by_key(account("s3").get_bucket_tagging(Bucket=name)["TagSet"]),
        "forwarding Rule": of_rule,
        "forwarding Role": lambda name: by_key(
            account("iam").list_role_tags(RoleName=name)["Tags"]
        ),
        "forwarding Failures": lambda url: of_queue(url, SOURCE_REGION),
    }


SERVICES = {
    "State": "StateManagement",
    "MasterSecret": "Credentials",
    "NotificationsKey": "Notifications",
    "Notifications": "Notifications",
    "Failures": "Failures",
    "HeartbeatSilent": "Alarms",
    "Dashboard": "Dashboard",
    "SourceClusterIdParameter": "Configuration",
    "Deployment": "Deployment",
    "forwarding Rule": "Forwarding",
    "forwarding Role": "Forwarding",
    "forwarding Failures": "Forwarding",
}


@pytest.mark.parametrize(("stage", "environment"), [("dev", "dev"), ("prod", "Production")])
def test_tags_are_on_what_stands(clients: Clients, stage: str, environment: str) -> None:
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
    read = readers(made)

    expected = {
        name: {"Environment": environment, "Project": "AuroraRestore", "Service": service}
        for name, service in SERVICES.items()
    }
    expected["forwarding Role"] |= {
        "aurora-restore:stage": stage,
        "aurora-restore:home": f"{ACCOUNT}/{REGION}",
        "aurora-restore:source": SOURCE_REGION,
    }

    assert expected == {name: read[name](standing[name]) for name in SERVICES}

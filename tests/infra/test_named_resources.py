"""The one table of resources holds what the templates make, and each type can be looked up."""

from collections.abc import Iterator

import pytest

from aurora_restore.account.identity import Account
from aurora_restore.account.resource_types import RESOURCE_TYPES, named_resources
from aurora_restore.account.state import AccountState
from tests.infra.conftest import ACCOUNT, REGION, SOURCE_REGION, Made
from tests.infra.templates import TEMPLATES, section
from tests.infra.test_templates import SETTINGS

NOT_LOOKED_UP = {
    "AWS::Events::EventBusPolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}  # parts of another resource, without a name of their own
UNNAMED = {"AWS::IAM::Role", "AWS::KMS::Key", "AWS::SecretsManager::Secret"}


def state_of(made: Made) -> AccountState:
    """Give the stage of a test, as its account has it."""
    account = Account(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", made.clients)
    return AccountState(account, made.names)


def made_by_stacks(made: Made) -> Iterator[tuple[str, str, str]]:
    """Create every stack of a stage; give type, name and region of what has its own name."""
    made.make("records")
    made.make("foundation", **SETTINGS)
    made.make("forwarding", region=SOURCE_REGION, TargetRegion=REGION)
    for template, region in (
        ("records", REGION),
        ("foundation", REGION),
        ("forwarding", SOURCE_REGION),
    ):
        found = made("cloudformation", region).list_stack_resources(StackName=made.stack(template))
        for resource in found["StackResourceSummaries"]:
            resource_type = resource["ResourceType"]
            if resource_type not in NOT_LOOKED_UP | UNNAMED:
                name_of = RESOURCE_TYPES[resource_type].name_of
                yield resource_type, name_of(resource["PhysicalResourceId"]), region


def test_the_table_names_exactly_what_the_stacks_make(made: Made) -> None:
    """The table names exactly what the stacks make, so that deployment and doctor miss no
    resource.
    """
    made_names = {*made_by_stacks(made)}
    listed = named_resources(state_of(made), [SOURCE_REGION])

    assert made_names == {(resource.type, resource.name, resource.region) for resource in listed}


def test_each_type_distinguishes_existing_from_missing(made: Made) -> None:
    """Each type finds the resource that a stack made, and finds none under another name."""
    state, found = state_of(made), {*made_by_stacks(made)}
    missing = {(kind, f"{name[:-4]}none", region) for kind, name, region in found}
    existing = {
        (kind, name, region)
        for kind, name, region in found | missing
        if name in RESOURCE_TYPES[kind].existing(state, region, [name])
    }

    assert found == existing


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.stem)
def test_every_type_of_a_template_is_in_the_table_or_part_of_another(template: object) -> None:
    """Each type of a template is in the table, or listed here with the reason."""
    types = {resource["Type"] for resource in section(template, "Resources").values()}  # type: ignore[arg-type]

    assert types <= {*RESOURCE_TYPES} | NOT_LOOKED_UP

"""The foundation stack: names per stage, the shape of both tables, what survives a deleted stack."""

import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # it publishes no types
from moto import mock_aws

TEMPLATE = Path(__file__).parents[2] / "infra" / "foundation.yaml"
REGION = "us-west-2"


@pytest.fixture
def aws() -> Iterator[None]:
    """Give an AWS that exists in this test only."""
    with mock_aws():
        yield


def resources() -> dict[str, Any]:
    """Read the template's resources: moto keeps neither recovery, expiry nor a topic's tags."""
    found: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))["Resources"]
    return found


def deploy(stage: str) -> dict[str, str]:
    """Create the stack of a stage; return its outputs."""
    cloudformation = boto3.client("cloudformation", REGION)
    parameters = [{"ParameterKey": "Stage", "ParameterValue": stage}]
    cloudformation.create_stack(
        StackName=f"foundation-{stage}", TemplateBody=TEMPLATE.read_text(), Parameters=parameters
    )
    (stack,) = cloudformation.describe_stacks(StackName=f"foundation-{stage}")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def table(name: str) -> dict[str, Any]:
    """Describe a table."""
    described: dict[str, Any] = boto3.client("dynamodb", REGION).describe_table(TableName=name)["Table"]
    return described


def indexes(name: str) -> dict[str, list[str]]:
    """Return the key attributes of a table's indexes, hash key first."""
    described = table(name)["GlobalSecondaryIndexes"]
    return {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]] for index in described}


def test_prod_has_the_names_of_the_guide(aws: None) -> None:
    """Prod's names carry no stage."""
    outputs = deploy("prod")

    assert [
        "aurora-restore-state",
        "aurora-restore-audit",
        f"arn:aws:sns:{REGION}:123456789012:aurora-restore-notifications",
    ] == [outputs[name] for name in ("StateTableName", "AuditTableName", "NotificationsTopicArn")]


def test_another_stage_inserts_its_name(aws: None) -> None:
    """Stages share an account and never a table or a topic."""
    outputs = deploy("local")

    assert [
        "aurora-restore-local-state",
        "aurora-restore-local-audit",
        f"arn:aws:sns:{REGION}:123456789012:aurora-restore-local-notifications",
    ] == [outputs[name] for name in ("StateTableName", "AuditTableName", "NotificationsTopicArn")]


def test_operations_are_found_by_due_time_and_by_plan(aws: None) -> None:
    """The table of operations has the two indexes that heartbeat and operators read."""
    state = deploy("local")["StateTableName"]

    assert {"open-by-due": ["open", "due_at"], "by-plan": ["plan", "created_at"]} == indexes(state)
    assert [{"AttributeName": "operation_id", "KeyType": "HASH"}] == table(state)["KeySchema"]


def test_the_audit_trail_is_found_by_operation(aws: None) -> None:
    """The audit table keeps the guide's key and has an index by operation, in order."""
    audit = deploy("local")["AuditTableName"]

    assert {"by-operation": ["operation_id", "metric_id"]} == indexes(audit)
    assert [{"AttributeName": "metric_id", "KeyType": "HASH"}] == table(audit)["KeySchema"]


def test_both_tables_are_paid_by_request(aws: None) -> None:
    """Nobody plans capacity."""
    outputs = deploy("local")

    for name in (outputs["StateTableName"], outputs["AuditTableName"]):
        assert "PAY_PER_REQUEST" == table(name)["BillingModeSummary"]["BillingMode"]


def test_both_tables_outlive_the_stack_and_can_be_recovered() -> None:
    """A deleted stack leaves them, and a table can be taken back to any second of the last 35 days."""
    for name in ("State", "Audit"):
        described = resources()[name]

        assert ("Retain", "Retain") == (described["DeletionPolicy"], described["UpdateReplacePolicy"])
        assert described["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_only_the_audit_trail_expires() -> None:
    """Audit rows go when their `expires_at` has passed; the record of an operation stays."""
    expiring = [name for name, one in resources().items() if "TimeToLiveSpecification" in one["Properties"]]

    assert ["Audit"] == expiring
    assert {"AttributeName": "expires_at", "Enabled": True} == resources()["Audit"]["Properties"][
        "TimeToLiveSpecification"
    ]


def test_resources_carry_the_tags_of_the_guide() -> None:
    """Environment, Project and Service stand on every resource; prod's environment is called Production."""
    environment = {"Fn::If": ["IsProd", "Production", {"Ref": "Stage"}]}
    for service, name in (("StateManagement", "State"), ("Audit", "Audit"), ("Notifications", "Notifications")):
        tags = {tag["Key"]: tag["Value"] for tag in resources()[name]["Properties"]["Tags"]}

        assert {"Environment": environment, "Project": "AuroraRestore", "Service": service} == tags


def test_cfn_lint_finds_nothing() -> None:
    """The template is right by CloudFormation's own specification."""
    command = [str(Path(sysconfig.get_path("scripts"), "cfn-lint")), str(TEMPLATE)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (0, "", "") == (found.returncode, found.stdout, found.stderr)

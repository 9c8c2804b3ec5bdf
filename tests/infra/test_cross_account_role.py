"""The role in the source's account: whom it trusts, and that it leaves the source as it is."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.clients import EndpointClients

from aurora_restore.stages import FUNCTIONS
from tests.infra.conftest import ACCOUNT, OTHER_ACCOUNT, REGION
from tests.infra.templates import text

EXTERNAL_ID = "9a1f6f6e-0d5c-4f0c-a0e5-5a7c9f2a9d11"
GIVEN = {
    "Stage": "dev",
    "AppAccount": ACCOUNT,
    "ExternalId": EXTERNAL_ID,
    "SourceClusterId": "prod-cluster",
}
KEY = f"arn:aws:kms:us-east-1:{OTHER_ACCOUNT}:key/abcd"
RDS = f"arn:aws:rds:us-east-1:{OTHER_ACCOUNT}"
AUTOMATED, COPY = (
    f"{RDS}:cluster-snapshot:rds:prod-cluster-2026",
    f"{RDS}:cluster-snapshot:aurora-restore-dev-1",
)


def make(clients: EndpointClients, name: str, **given: str) -> dict[str, Any]:
    """Create the stack in the source's account; returns the role."""
    cloudformation = clients.of_account("cloudformation", REGION, OTHER_ACCOUNT)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=text("cross-account-role"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in {**GIVEN, **given}.items()
        ],
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    (output,) = stack["Outputs"]
    role = output["OutputValue"].rsplit("/", 1)[-1]
    found: dict[str, Any] = clients.of_account("iam", REGION, OTHER_ACCOUNT).get_role(
        RoleName=role
    )["Role"]
    return found


def statements(clients: EndpointClients, role: str) -> list[dict[str, Any]]:
    """Read what the role may do."""
    iam = clients.of_account("iam", REGION, OTHER_ACCOUNT)
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found: list[dict[str, Any]] = iam.get_role_policy(RoleName=role, PolicyName=name)[
        "PolicyDocument"
    ]["Statement"]
    return found


def listed(value: Any) -> list[str]:
    """Give what may be one or several as a list."""
    return value if isinstance(value, list) else [value]


def is_allowed(policy: list[dict[str, Any]], action: str, resource: str) -> bool:
    """Judge an action by actions and resources; conditions are taken to hold."""

    def applies(one: dict[str, Any]) -> bool:
        named = any(
            fnmatchcase(action, pattern)
            for pattern in listed(one.get("Action", one.get("NotAction")))
        )
        return named == ("Action" in one) and any(
            fnmatchcase(resource, pattern) for pattern in listed(one["Resource"])
        )

    effects = {statement["Effect"] for statement in policy if applies(statement)}
    return "Allow" in effects and "Deny" not in effects


def test_only_named_functions_with_the_external_id_may_assume_it(clients: EndpointClients) -> None:
    """The role is assumed by the stage's functions that read or copy snapshots, with the right
    external id, and by nobody else.
    """
    role = make(clients, "trust", Stage="trusting")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    own = [f"arn:aws:iam::{ACCOUNT}:role/aurora-restore-trusting-{name}" for name in FUNCTIONS]

    assert {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} == trust["Principal"]
    assert {"sts:ExternalId": EXTERNAL_ID} == trust["Condition"]["StringEquals"]
    assert {*trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]} < {*own}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("rds:DescribeDBClusters", f"{RDS}:cluster:prod-cluster", True),
        ("rds:DescribeDBClusterSnapshots", AUTOMATED, True),
        ("rds:CopyDBClusterSnapshot", AUTOMATED, True),
        ("rds:CopyDBClusterSnapshot", COPY, True),
        ("rds:AddTagsToResource", COPY, True),
        ("rds:ModifyDBClusterSnapshotAttribute", COPY, True),
        ("rds:ModifyDBClusterSnapshotAttribute", AUTOMATED, False),
        ("rds:CopyDBClusterSnapshot", f"{RDS}:cluster-snapshot:rds:prod-eu-2026", False),
        ("rds:DeleteDBClusterSnapshot", COPY, False),
        ("rds:DeleteDBCluster", f"{RDS}:cluster:prod-cluster", False),
        ("rds:ModifyDBCluster", f"{RDS}:cluster:prod-cluster", False),
        ("rds:AddTagsToResource", f"{RDS}:cluster:prod-cluster", False),
        ("rds:DeleteDBInstance", f"{RDS}:db:prod-cluster-1", False),
        ("rds:RestoreDBClusterFromSnapshot", AUTOMATED, False),
        ("kms:CreateGrant", KEY, True),
        ("kms:Decrypt", KEY, False),
    ],
)
def test_the_role_may_describe_copy_and_share(
    clients: EndpointClients, action: str, resource: str, allowed: bool
) -> None:
    """The role may describe, copy and share snapshots, and may change nothing of the source."""
    iam = clients.of_account("iam", REGION, OTHER_ACCOUNT)
    if not [
        role
        for role in iam.list_roles()["Roles"]
        if role["RoleName"] == "aurora-restore-dev-cross-account-role"
    ]:
        make(clients, "acting", KmsKeyArn=KEY)
    found = is_allowed(
        statements(clients, "aurora-restore-dev-cross-account-role"), action, resource
    )

    assert allowed == found


def test_a_denial_does_not_hang_on_what_is_allowed(clients: EndpointClients) -> None:
    """The role is denied every change of the source's cluster, instances and snapshots, whatever
    else is attached to it.
    """
    role = make(clients, "denying", Stage="denying")
    policy = [
        *statements(clients, role["RoleName"]),
        {"Effect": "Allow", "Action": "rds:*", "Resource": "*"},
    ]
    refused = [
        ("rds:DeleteDBCluster", f"{RDS}:cluster:prod-cluster"),
        ("rds:ModifyDBInstance", f"{RDS}:db:any"),
        ("rds:DeleteDBClusterSnapshot", AUTOMATED),
    ]

    assert [False] * 3 == [is_allowed(policy, *call) for call in refused]
    assert is_allowed(policy, "rds:CopyDBClusterSnapshot", AUTOMATED)


def test_without_a_key_the_role_may_use_none(clients: EndpointClients) -> None:
    """Without a key the role has no statement about keys."""
    role = make(clients, "keyless", Stage="keyless")

    assert "kms" not in json.dumps(statements(clients, role["RoleName"]))


@pytest.mark.parametrize("external_id", ["", "short", "with spaces in it, and more"])
def test_an_external_id_is_not_optional(clients: EndpointClients, external_id: str) -> None:
    """The external id is required, and long enough not to be guessed."""
    with pytest.raises(ClientError) as refused:
        make(clients, "guessable", ExternalId=external_id)

    assert "ExternalId is at least 16 letters" in refused.value.response["Error"]["Message"]

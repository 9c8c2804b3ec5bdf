"""A role is assumed by whom its trust policy names, and a role that is not there by nobody."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.server import Server
from tests.iam.iam_server import ACCOUNT, ROLE, IamServer

OTHER = "222222222222"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ARN = f"arn:aws:iam::{ACCOUNT}:role/trusting"


@pytest.fixture(scope="module")
def account(server: Server) -> IamServer:
    """Give the account, with a role whom nobody may assume yet."""
    account = IamServer(server)
    account.people("iam").create_role(
        RoleName="trusting", AssumeRolePolicyDocument=trust({"AWS": OTHER})
    )
    return account


def trust(principal: Any, **more: Any) -> str:
    """Write a trust policy with one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def assumed(account: IamServer, sts: Any = None, **more: Any) -> str:
    """Try to assume the role; give the ARN under which it was assumed, or the error's code."""
    wanted = {"RoleArn": ARN, "RoleSessionName": "somebody", **more}
    try:
        answer = (sts or account.people("sts")).assume_role(**wanted)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return str(answer["AssumedRoleUser"]["Arn"])


IT = f"arn:aws:sts::{ACCOUNT}:assumed-role/trusting/somebody"


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (trust({"AWS": ACCOUNT}), IT),
        (trust({"AWS": [OTHER, ROOT]}), IT),
        (trust({"AWS": "*"}), IT),
        (trust({"AWS": OTHER}), "AccessDenied"),
        (trust({"Service": "lambda.amazonaws.com"}), "AccessDenied"),
        (trust({"AWS": ROLE}), "AccessDenied"),
        (trust({"AWS": ACCOUNT}, Effect="Deny"), "AccessDenied"),
        (trust({"AWS": ACCOUNT}, Action="sts:TagSession"), "AccessDenied"),
        (
            trust({"AWS": ACCOUNT}, Condition={"StringEquals": {"sts:ExternalId": "ours"}}),
            "AccessDenied",
        ),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(account: IamServer, policy: str, outcome: str) -> None:
    """A role is assumed by whom its trust policy names; people without credentials of their own are
    their account.
    """
    account.people("iam").update_assume_role_policy(RoleName="trusting", PolicyDocument=policy)

    assert outcome == assumed(account)


def test_an_external_id_is_compared(account: IamServer) -> None:
    """Where the trust policy asks for an external id, the right one is needed."""
    policy = trust({"AWS": ACCOUNT}, Condition={"StringEquals": {"sts:ExternalId": "ours"}})
    account.people("iam").update_assume_role_policy(RoleName="trusting", PolicyDocument=policy)

    assert IT == assumed(account, ExternalId="ours")
    assert "AccessDenied" == assumed(account, ExternalId="theirs")


def test_a_role_trusts_another_role(account: IamServer) -> None:
    """A role that trusts another role is assumed by whoever has assumed that one, and not by the
    account itself.
    """
    iam, sts = account.people("iam"), account.people("sts")
    first = iam.create_role(RoleName="first", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))[
        "Role"
    ]["Arn"]
    iam.update_assume_role_policy(RoleName="trusting", PolicyDocument=trust({"AWS": first}))
    given = sts.assume_role(RoleArn=first, RoleSessionName="first")["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_session_token": given["SessionToken"]}

    assert IT == assumed(account, account.people("sts", **keys))
    assert "AccessDenied" == assumed(account)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"RoleArn": f"{ARN}-nowhere"}, "AccessDenied"),
        ({"RoleArn": f"arn:aws:iam::{OTHER}:role/trusting"}, "AccessDenied"),
        ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:user/trusting"}, "ValidationError"),
        ({"RoleArn": "arn:aws:iam::1:role/trusting"}, "ValidationError"),
        ({"RoleSessionName": "a b"}, "ValidationError"),
        ({"DurationSeconds": 43_200}, "ValidationError"),
    ],
)
def test_a_role_that_is_not_there_is_not_assumed(
    account: IamServer, wrong: dict[str, Any], code: str
) -> None:
    """A missing role is not assumed, nor one of another kind, or for longer than it allows."""
    account.people("iam").update_assume_role_policy(
        RoleName="trusting", PolicyDocument=trust({"AWS": ACCOUNT})
    )

    assert code == assumed(account, **wrong)

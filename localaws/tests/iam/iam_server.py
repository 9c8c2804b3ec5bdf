"""An account on a running server, as people see it and as a function does."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from localaws.server import Server

ACCOUNT, REGION = "123456789012", "us-west-2"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/held"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:held"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
Call = tuple[str, str, dict[str, Any]]


class IamServer:
    """A server, seen by people and by the function `held`, whose role has one policy at a time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = server.enforcer.session(ROLE, FUNCTION)
        self._boto3 = boto3.Session(
            region_name=REGION
        )  # one: reading the services' models takes longer than all else
        self.people("iam").create_role(RoleName="held", AssumeRolePolicyDocument=TRUST)

    def people(self, service: str, **credentials: str) -> Any:
        """Make a client as people have one, or with other credentials."""
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", **credentials}
        config = Config(retries={"total_max_attempts": 1})
        return self._boto3.client(service, endpoint_url=self.server.endpoint, config=config, **keys)

    def function(self, service: str) -> Any:
        """Make a client as the function has one."""
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return self.people(
            service, **dict(zip(names, self.session.environment.values(), strict=True))
        )

    def may(self, *statements: dict[str, Any]) -> None:
        """Give the role these statements, and no others."""
        allow = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allow})
        self.people("iam").put_role_policy(
            RoleName="held", PolicyName="inline", PolicyDocument=document
        )

    def may_nothing(self) -> None:
        """Take the role's policy away."""
        self.may({"Action": ["s3:GetObject"]})

    def refusal(self, call: Call, client: Any = None) -> tuple[str, int, str]:
        """Make a call as the function, and give the code, the status and the message with which it
        is refused.
        """
        service, method, parameters = call
        with pytest.raises(ClientError) as refused:
            getattr(client or self.function(service), method)(**parameters)
        answer = refused.value.response
        return (
            answer["Error"]["Code"],
            answer["ResponseMetadata"]["HTTPStatusCode"],
            answer["Error"]["Message"],
        )

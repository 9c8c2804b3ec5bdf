"""What AWS refuses comes with what to do about it, by its error code and in the words that IAM
uses.
"""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.aws.client import Service
from chalicelib.flow.errors import RefusedError


def refused(
    service: str, method: str, code: str, message: str = "No", **parameters: Any
) -> RefusedError:
    """Make one call of a real client, which AWS answers with an error code."""
    client = boto3.client(
        service,
        region_name="us-west-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    stub = Stubber(client)
    stub.add_client_error(method, code, message, http_status_code=403)
    with stub, pytest.raises(RefusedError) as caught:
        Service(lambda *_: client, service, "us-west-2").call(method, **parameters)
    return caught.value


AGAIN = "If a setting was changed since the stage was deployed, deploying it again does that."


@pytest.mark.parametrize(
    ("service", "method", "parameters", "action"),
    [
        ("rds", "describe_db_clusters", {}, "rds:DescribeDBClusters"),
        ("kms", "describe_key", {"KeyId": "one"}, "kms:DescribeKey"),
        ("ec2", "describe_security_groups", {}, "ec2:DescribeSecurityGroups"),
        ("ssm", "get_parameters_by_path", {"Path": "/"}, "ssm:GetParametersByPath"),
        (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": "one"},
            "secretsmanager:GetSecretValue",
        ),
    ],
)
def test_a_denied_call_is_named_as_policies_spell_it(
    service: str, method: str, parameters: dict[str, Any], action: str
) -> None:
    """A denied call is named as a policy spells it, so that it can be copied."""
    error = refused(service, method, "AccessDenied", **parameters)
    found = error.remedy

    assert f"Allow {action} in us-west-2 in the policy of the function's role. {AGAIN}" == found


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("SnapshotQuotaExceeded", "delete old copies"),
        ("KMSKeyNotAccessibleFault", "kms:CreateGrant"),
        ("DBClusterQuotaExceededFault", "have the quota raised"),
        ("InstanceQuotaExceeded", "have the quota raised"),
        ("StorageQuotaExceeded", "have the quota raised"),
    ],
)
def test_an_error_code_that_is_known_has_a_remedy_of_its_own(code: str, remedy: str) -> None:
    """A known error code has its own remedy."""
    error = refused("rds", "describe_db_clusters", code)

    assert remedy in error.remedy
    assert f"rds describe_db_clusters in us-west-2 was answered {code}: No." == error.reason

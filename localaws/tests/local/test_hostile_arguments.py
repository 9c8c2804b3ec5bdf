"""Whatever a client sends, it is told what is wrong with it: nothing is answered with a failure of
the server.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Clients

NAMES = [
    "arn:",
    "arn:a:b:c:d:e",
    "arn:aws:x::1:",
    "a b",
    "../..",
    "{}",
    "é\u2028",
    "x" * 3_000,
    "%",
    "*",
]
CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("kms", "describe_key", "KeyId", {}),
    ("kms", "disable_key", "KeyId", {}),
    ("kms", "create_grant", "KeyId", {"GranteePrincipal": "a", "Operations": ["Decrypt"]}),
    ("kms", "update_alias", "TargetKeyId", {"AliasName": "alias/x"}),
    ("sns", "get_topic_attributes", "TopicArn", {}),
    ("sns", "delete_topic", "TopicArn", {}),
    ("sns", "publish", "TopicArn", {"Message": "m"}),
    ("sns", "subscribe", "TopicArn", {"Protocol": "email", "Endpoint": "somebody@example.com"}),
    ("sns", "list_topics", "NextToken", {}),
    ("sqs", "get_queue_url", "QueueName", {}),
    ("secretsmanager", "get_secret_value", "SecretId", {}),
    ("secretsmanager", "list_secret_version_ids", "SecretId", {}),
    ("ssm", "get_parameter", "Name", {}),
    ("lambda", "get_function", "FunctionName", {}),
    ("lambda", "invoke", "FunctionName", {}),
    ("lambda", "update_function_code", "FunctionName", {"ZipFile": b"x"}),
    ("events", "describe_rule", "Name", {}),
    ("events", "list_targets_by_rule", "Rule", {}),
    ("logs", "get_log_events", "logGroupName", {"logStreamName": "s"}),
    ("dynamodb", "describe_table", "TableName", {}),
    ("dynamodb", "get_item", "TableName", {"Key": {"a": {"S": "a"}}}),
    ("iam", "get_role", "RoleName", {}),
    ("iam", "get_policy", "PolicyArn", {}),
    ("sts", "assume_role", "RoleArn", {"RoleSessionName": "abc"}),
    ("rds", "restore_db_cluster_from_snapshot", "SnapshotIdentifier",
     {"DBClusterIdentifier": "c", "Engine": "aurora-postgresql"}),
    ("rds", "describe_db_clusters", "DBClusterIdentifier", {}),
    ("rds", "list_tags_for_resource", "ResourceName", {}),
    ("rds", "create_db_cluster", "KmsKeyId",
     {"DBClusterIdentifier": "c", "Engine": "aurora-postgresql", "StorageEncrypted": True,
      "MasterUsername": "postgres", "MasterUserPassword": "correct-horse"}),
    ("rds", "start_export_task", "SourceArn",
     {"ExportTaskIdentifier": "e", "S3BucketName": "b", "IamRoleArn": "r", "KmsKeyId": "k"}),
    ("rds", "cancel_export_task", "ExportTaskIdentifier", {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "call", "name", "more"), CALLS, ids=[f"{case[0]} {case[1]}" for case in CALLS]
)
def test_no_name_makes_the_server_fail(
    clients: Clients, service: str, call: str, name: str, more: dict[str, Any]
) -> None:
    """Names and ARNs of any form are found, not found or refused, in the form of the service's own
    errors.
    """
    client = clients(service, unchecked=True, attempts=1)
    failed = {}
    for value in NAMES:
        try:
            getattr(client, call)(**{name: value}, **more)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                failed[value] = str(error)

    assert {} == failed


def test_what_moto_fails_on_is_not_modelled(clients: Clients) -> None:
    """A call that moto fails on is not modelled: the client reads a sentence and does not repeat
    the call.

    The trace is in localaws' log.
    """
    with pytest.raises(ClientError) as refused:
        clients("kms").generate_random()

    error = refused.value.response["Error"]
    assert "LocalAwsNotModelled" == error["Code"]
    assert 0 == refused.value.response["ResponseMetadata"]["RetryAttempts"]
    assert error["Message"].startswith(
        "localaws does not model GenerateRandom of kms with these parameters; "
    )

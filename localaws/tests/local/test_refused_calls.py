"""What localaws does not model is refused in the form of its service's errors: every client reads
the reason.
"""

import json
import urllib.error
import urllib.request
from fnmatch import filter as matching
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws.modelled import CALLS, REASONS
from localaws.server import Server
from tests.local.conftest import Clients

SNAPSHOT = "arn:aws:rds:us-west-2:123456789012:cluster-snapshot:any"
REFUSED = [
    # services that are not modelled at all, in each protocol
    ("scheduler", "list_schedules", {}),
    ("stepfunctions", "list_state_machines", {}),
    ("resourcegroupstaggingapi", "get_resources", {}),
    (
        "rds-data",
        "execute_statement",
        {"resourceArn": SNAPSHOT, "secretArn": SNAPSHOT, "sql": "SELECT 1"},
    ),
    ("pi", "get_resource_metadata", {"ServiceType": "RDS", "Identifier": "db-1"}),
    ("backup", "list_backup_vaults", {}),
    ("service-quotas", "list_services", {}),
    ("cloudfront", "list_distributions", {}),
    ("route53", "list_health_checks", {}),
    ("elbv2", "describe_load_balancers", {}),
    ("sesv2", "list_email_identities", {}),
    # calls of modelled services, in each protocol
    (
        "cloudwatch",
        "set_alarm_state",
        {"AlarmName": "a", "StateValue": "OK", "StateReason": "none"},
    ),
    ("cloudwatch", "put_composite_alarm", {"AlarmName": "a", "AlarmRule": "TRUE"}),
    ("dynamodb", "execute_statement", {"Statement": "SELECT * FROM a"}),
    ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1}),
    ("events", "create_archive", {"ArchiveName": "a", "EventSourceArn": SNAPSHOT}),
    ("iam", "create_virtual_mfa_device", {"VirtualMFADeviceName": "a"}),
    ("lambda", "create_alias", {"FunctionName": "a", "Name": "b", "FunctionVersion": "$LATEST"}),
    (
        "s3",
        "put_bucket_notification_configuration",
        {"Bucket": "a", "NotificationConfiguration": {}},
    ),
    (
        "iam",
        "create_user",
        {"UserName": "a", "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    ("logs", "filter_log_events", {"logGroupName": "a", "filterPattern": '{ $.level = "ERROR" }'}),
    (
        "secretsmanager",
        "create_secret",
        {"Name": "a", "AddReplicaRegions": [{"Region": "us-east-1"}]},
    ),
    ("ssm", "put_parameter", {"Name": "a", "Value": "b", "Type": "String", "Policies": "[]"}),
    ("secretsmanager", "rotate_secret", {"SecretId": "a"}),
    ("sns", "set_sms_attributes", {"attributes": {}}),
    ("sns", "publish", {"PhoneNumber": "+41790000000", "Message": "a"}),
    ("ssm", "send_command", {"DocumentName": "a"}),
    ("sts", "get_federation_token", {"Name": "any"}),
]


@pytest.mark.parametrize(
    ("service", "call", "parameters"), REFUSED, ids=[f"{case[0]} {case[1]}" for case in REFUSED]
)
def test_a_call_that_is_not_modelled_is_refused(
    clients: Clients, service: str, call: str, parameters: dict[str, Any]
) -> None:
    """The client raises its own error, once, with the code and a sentence that names what is not
    there.
    """
    with pytest.raises(ClientError) as refused:
        getattr(clients(service, "us-east-1"), call)(**parameters)

    error = refused.value.response["Error"]
    assert "LocalAwsNotModelled" == error["Code"]
    assert "localaws does not model " == error["Message"][:24]
    assert "." == error["Message"][-1]
    assert 0 == refused.value.response["ResponseMetadata"].get("RetryAttempts", 0)


def test_a_request_that_nobody_signed_is_refused(server: Server) -> None:
    """A call without a signature has no service that could answer it."""
    request = urllib.request.Request(f"{server.endpoint}/?Action=ListUsers")  # noqa: S310  (it is http on loopback)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310

    with refused.value as answer:
        assert b"localaws answers signed requests only." in answer.read()


def test_every_call_in_the_list_is_one_of_its_service(session: boto3.Session) -> None:
    """Each call in the list is one of its service: a misspelt name would refuse what is meant to be
    answered.
    """
    known = {
        name: session.client(name, region_name="us-west-2").meta.service_model.operation_names
        for name in CALLS
    }
    unknown = [
        f"{name} {call}"
        for name, calls in CALLS.items()
        for call in calls
        if not matching(known[name], call)
    ]

    assert [] == unknown


def test_no_call_has_a_reason_and_is_answered() -> None:
    """No call whose refusal has a documented reason is among the answered ones."""
    answered = [json.dumps(call) for call in REASONS if call[1] in CALLS[call[0]]]

    assert [] == answered

"""What Lambda does with a function's role, and what the function's own code does with it."""

import base64
import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws.server import Server
from tests.local.warm_server import create_function

ACCOUNT, REGION = "123456789012", "us-west-2"
SOURCE = """
import json, os
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    print("something to read")
    if event.get("fail"):
        raise ValueError("This was to be.")
    try:
        boto3.client("ssm").get_parameters_by_path(Path="/held/")
    except ClientError as error:
        refused = error.response["Error"]
        return [refused["Code"], refused["Message"], os.environ["AWS_ACCESS_KEY_ID"]]
    return ["", "", os.environ["AWS_ACCESS_KEY_ID"]]
"""
LOGS = {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
READING = {"Action": "ssm:GetParametersByPath"}
SENDING = {"Action": "sqs:SendMessage"}
NETWORK = [
    {"Action": ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"]},
    {"Action": ["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]},
    {"Action": ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]},
]
WAIT_SECONDS_MAX = 20.0


class Held:
    """One function with a role of its own, on a running server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._boto3 = boto3.Session(
            aws_access_key_id="any", aws_secret_access_key="any", region_name=REGION
        )
        create_function(server.endpoint, "held", SOURCE)
        self.queue = self.client("sqs").create_queue(QueueName="lost")["QueueUrl"]
        self.client("lambda").put_function_event_invoke_config(
            FunctionName="held",
            MaximumRetryAttempts=0,
            DestinationConfig={
                "OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:lost"}
            },
        )

    def client(self, service: str) -> Any:
        """Make a client as people have one."""
        return self._boto3.client(service, endpoint_url=self.server.endpoint)

    def may(self, *statements: dict[str, Any]) -> None:
        """Give the role these statements, and no others."""
        allow = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allow})
        self.client("iam").put_role_policy(
            RoleName="held", PolicyName="inline", PolicyDocument=document
        )

    def ask(self, colour: str) -> list[str]:
        """Invoke it in a new process, which another setting makes.

        Returns error code, message and access key.
        """
        self.client("lambda").update_function_configuration(
            FunctionName="held",
            Environment={"Variables": {"COLOUR": colour, "AWS_ACCESS_KEY_ID": "mine"}},
        )
        answer = self.client("lambda").invoke(FunctionName="held", Payload="{}", LogType="Tail")
        assert b"something to read" in base64.b64decode(answer["LogResult"])
        told: list[str] = json.load(answer["Payload"])
        return told

    def logged(self) -> int:
        """Count what CloudWatch has of it."""
        try:
            found = self.client("logs").filter_log_events(logGroupName="/aws/lambda/held")["events"]
        except self.client("logs").exceptions.ResourceNotFoundException:
            return 0
        return sum(event["message"] == "something to read" for event in found)

    def fail(self) -> None:
        """Have it fail in a queued invocation, and wait until Lambda has decided about the record
        of that.
        """
        before = self._deliveries()
        self.client("lambda").invoke(
            FunctionName="held", Payload='{"fail": true}', InvocationType="Event"
        )
        ends_at = time.monotonic() + WAIT_SECONDS_MAX
        while self._deliveries() == before:
            assert time.monotonic() < ends_at
            time.sleep(0.02)

    def _deliveries(self) -> int:
        return sum(
            decision.action == "sqs:SendMessage" for decision in self.server.enforcer.decisions
        )


@pytest.fixture(scope="module")
def held(server: Server) -> Held:
    """Give the function."""
    return Held(server)


def test_the_code_of_a_function_has_the_rights_of_its_role(held: Held) -> None:
    """A function's code has the rights of its role, by credentials that no setting of the function
    replaces.

    People's credentials would have been allowed.
    """
    held.may(LOGS)
    code, message, key = held.ask("blue")
    held.may(LOGS, READING)
    allowed, _, same = held.ask("blue")
    expected = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/held/held is not authorized to perform: ssm:Get"
    )

    assert ("AccessDeniedException", "") == (code, allowed)
    assert expected in message
    assert (True, key) == (key.startswith("ASIA"), same)


def test_a_new_worker_has_new_credentials(held: Held) -> None:
    """Each new worker has credentials of its own."""
    held.may(LOGS, READING)

    assert held.ask("blue")[2] != held.ask("red")[2]


def test_without_permission_to_write_nothing_is_logged(held: Held) -> None:
    """A function that may not write logs runs all the same, as on Lambda; its lines are in the data
    folder alone.
    """
    held.may(LOGS)
    held.ask("red")
    before = held.logged()
    held.may(READING)
    held.ask("black")
    file = held.server.folder / "logs" / "held.log"

    assert (before, True) == (held.logged(), before > 0)
    assert file.read_text().count("something to read") > before


def test_a_failure_is_delivered_with_the_functions_role(held: Held) -> None:
    """A failure is delivered with the function's role, and lost where that may not write to the
    destination.
    """
    held.may(LOGS)
    held.fail()
    lost = held.client("sqs").receive_message(QueueUrl=held.queue).get("Messages", [])
    held.may(LOGS, SENDING)
    held.fail()
    delivered = held.client("sqs").receive_message(QueueUrl=held.queue, WaitTimeSeconds=5)[
        "Messages"
    ]

    assert ([], 1) == (lost, len(delivered))


@pytest.mark.parametrize("missing", range(len(NETWORK)))
def test_a_function_is_not_put_into_a_vpc_without_permission_for_its_network(
    held: Held, missing: int
) -> None:
    """Lambda refuses to place a function in a VPC when its role lacks a call, and names the first
    one missing.
    """
    held.may(*(action for place, action in enumerate(NETWORK) if place != missing))
    subnet = held.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    group = held.client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]
    vpc = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    with pytest.raises(ClientError) as refused:
        held.client("lambda").update_function_configuration(FunctionName="held", VpcConfig=vpc)
    action = ("CreateNetworkInterface", "AssignPrivateIpAddresses", "DescribeNetworkInterfaces")[
        missing
    ]

    assert "InvalidParameterValueException" == refused.value.response["Error"]["Code"]
    assert refused.value.response["Error"]["Message"].endswith(
        f"does not have permissions to call {action} on EC2"
    )


@pytest.mark.parametrize(
    ("subnet", "group", "said"),
    [
        ("subnet-1", None, "The subnet ID 'subnet-1' does not exist"),
        (None, "sg-1", "The security group 'sg-1' does not exist"),
        (None, "", "SubnetIds and SecurityIds must coexist or be both empty list."),
        (None, "other", "Security Groups are required to be in the same VPC."),
    ],
)
def test_a_function_is_placed_only_where_there_is_a_network(
    held: Held, subnet: str | None, group: str | None, said: str
) -> None:
    """Subnets and security groups that EC2 does not have are refused, whatever the role may do."""
    held.may(*NETWORK)
    ec2 = held.client("ec2")
    if group == "other":
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        group = ec2.create_security_group(
            GroupName="other", Description="of another VPC", VpcId=vpc
        )["GroupId"]
    known = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [known["VpcId"]]}])[
        "SecurityGroups"
    ]
    chosen = {None: [groups[0]["GroupId"]], "": []}.get(group, [group])
    vpc = {"SubnetIds": [subnet or known["SubnetId"]], "SecurityGroupIds": chosen}
    with pytest.raises(ClientError) as refused:
        held.client("lambda").update_function_configuration(FunctionName="held", VpcConfig=vpc)

    assert "InvalidParameterValueException" == refused.value.response["Error"]["Code"]
    assert refused.value.response["Error"]["Message"].endswith(said)


def test_a_function_is_not_made_with_a_role_that_lambda_may_not_assume(held: Held) -> None:
    """A function needs a role whose trust policy names Lambda."""
    people = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": people})
    role = held.client("iam").create_role(RoleName="of-people", AssumeRolePolicyDocument=trust)[
        "Role"
    ]["Arn"]
    with pytest.raises(ClientError) as refused:
        held.client("lambda").update_function_configuration(FunctionName="held", Role=role)
    expected = "The role defined for the function cannot be assumed by Lambda."

    assert expected == refused.value.response["Error"]["Message"]


def test_a_function_is_placed_in_a_vpc_with_it(held: Held) -> None:
    """A function is placed in a VPC with its role's permission, and taken out again without."""
    held.may(*NETWORK)
    subnet = held.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    group = held.client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]
    vpc = {"SubnetIds": [subnet], "SecurityGroupIds": [group]}
    placed = held.client("lambda").update_function_configuration(
        FunctionName="held", VpcConfig=vpc
    )["VpcConfig"]
    held.may(LOGS)
    nowhere: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
    held.client("lambda").update_function_configuration(FunctionName="held", VpcConfig=nowhere)

    assert [subnet] == placed["SubnetIds"]

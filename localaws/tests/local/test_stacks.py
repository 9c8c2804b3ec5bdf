"""CloudFormation: stacks are made, changed and deleted as on AWS, and what fails is taken back and
says why.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.clients import EndpointClients
from localaws.server import Server
from tests.local.conftest import Clients, Inbox
from tests.local.stacks import StackUnderTest, queue, queues, refusal, template, unique

BUS_MAY_SEND = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
}


@pytest.fixture
def stack(clients: Clients) -> StackUnderTest:
    """Give a stack that is not there yet."""
    return StackUnderTest(clients)


def test_every_resource_of_a_template_is_created(clients: Clients, stack: StackUnderTest) -> None:
    """A template is made whole: a rule delivers to a queue whose policy names it.

    A false condition makes nothing.
    """
    name = unique("whole")
    arn = {"Fn::GetAtt": ["Queue", "Arn"]}
    allowed = {
        **BUS_MAY_SEND,
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}},
    }
    resources = {
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]},
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": [name]},
                "Targets": [{"Id": "1", "Arn": arn}],
            },
        },
        "Queue": queue(name),
        "Nothing": {**queue(f"{name}-nothing"), "Condition": "Never"},
    }
    status = stack.create(template(resources, Conditions={"Never": {"Fn::Equals": ["a", "b"]}}))
    inbox = Inbox(clients("sqs"), name, policy=None)
    answer = clients("events").put_events(
        Entries=[{"Source": name, "DetailType": "x", "Detail": "{}"}]
    )

    assert ("CREATE_COMPLETE", [name]) == (status, queues(clients, name))
    assert answer["Entries"][0]["EventId"] == inbox.wait_for("source")[0]["id"]


def test_a_refused_resource_rolls_the_stack_back(clients: Clients, stack: StackUnderTest) -> None:
    """What was made before it is gone, the stack says ROLLBACK_COMPLETE, and an event says why."""
    name = unique("refused")
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {"ScheduleExpression": "cron(0 3 * * ? *)"},
        "DependsOn": "A",
    }
    status = stack.create(template({"A": queue(name), "Rule": rule}))
    (reason,) = stack.reasons()
    expected = "The following resource(s) failed to create: [Rule]. Rollback requested by user."

    assert ("ROLLBACK_COMPLETE", [], {}) == (status, queues(clients, name), stack.resources)
    assert "Rule" == reason.split(":")[0]
    assert "localaws does not model cron(0 3 * * ? *)" in reason
    assert expected == stack.described["StackStatusReason"]


def test_a_stack_that_was_rolled_back_can_only_be_deleted(stack: StackUnderTest) -> None:
    """A stack that was rolled back takes no update, change set or second creation; deleted, its
    name is free.
    """
    taken = unique("taken")
    stack.clients("sqs").create_queue(QueueName=taken)
    body = template({"A": queue(taken)})
    stack.create(body)
    with pytest.raises(ClientError) as updated:
        stack.update(body)
    with pytest.raises(ClientError) as proposed:
        stack.propose("UPDATE", body)
    with pytest.raises(ClientError) as created:
        stack.create(body)
    sentence = (
        f"Stack:{stack.described['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    )

    assert [("ValidationError", sentence)] * 2 == [refusal(updated), refusal(proposed)]
    assert ("AlreadyExistsException", f"Stack [{stack.name}] already exists") == refusal(created)
    assert "DELETE_COMPLETE" == stack.delete()
    assert "CREATE_COMPLETE" == stack.create(template({"A": queue()}))


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
TABLE = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
         "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}  # fmt: skip
NAMED: list[tuple[str, str, dict[str, Any]]] = [
    (
        "AWS::CloudWatch::Alarm",
        "AlarmName",
        {
            "Namespace": "n",
            "MetricName": "m",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    ),
    ("AWS::CloudWatch::Dashboard", "DashboardName", {"DashboardBody": '{"widgets": []}'}),
    ("AWS::DynamoDB::Table", "TableName", TABLE),
    ("AWS::Events::Rule", "Name", {"EventPattern": {"source": ["a"]}}),
    ("AWS::IAM::Role", "RoleName", {"AssumeRolePolicyDocument": TRUST}),
    ("AWS::S3::Bucket", "BucketName", {}),
    ("AWS::SecretsManager::Secret", "Name", {}),
    ("AWS::SNS::Topic", "TopicName", {}),
    ("AWS::SQS::Queue", "QueueName", {}),
    ("AWS::SSM::Parameter", "Name", {"Type": "String", "Value": "first"}),
]


@pytest.mark.parametrize(("kind", "name", "properties"), NAMED, ids=[kind for kind, *_ in NAMED])
def test_an_existing_name_is_not_taken_over(
    clients: Clients, stack: StackUnderTest, kind: str, name: str, properties: dict[str, Any]
) -> None:
    """A second stack does not take over a resource of the first: it is rolled back and says which
    name it was.
    """
    taken = unique("taken")
    one = {"Type": kind, "Properties": {name: taken, **properties}}
    first = StackUnderTest(clients)
    first.create(template({"First": one}), Capabilities=["CAPABILITY_NAMED_IAM"])
    stack.create(
        template({"Before": queue(), "Thing": {**one, "DependsOn": "Before"}}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    said = f"Resource of type '{kind}' with identifier '{taken}' already exists."

    assert "CREATE_COMPLETE" == first.status
    assert "ROLLBACK_COMPLETE" == stack.status
    assert {} == stack.resources
    assert [
        f'Thing: Resource handler returned message: "{said}" (HandlerErrorCode: AlreadyExists)'
    ] == stack.reasons()
    assert "DELETE_COMPLETE" == first.delete()


@pytest.mark.parametrize(
    ("policy", "left"), [("Delete", 0), ("RetainExceptOnCreate", 0), ("Retain", 1)]
)
def test_what_a_failed_creation_leaves(
    clients: Clients, stack: StackUnderTest, policy: str, left: int
) -> None:
    """After a failed creation only resources with `Retain` remain, and they are in the way of the
    next attempt.
    """
    name = unique("left")
    broken = {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": {"source": "x"}},
        "DependsOn": "A",
    }
    stack.create(template({"A": {**queue(name), "DeletionPolicy": policy}, "Broken": broken}))

    assert ("ROLLBACK_COMPLETE", left) == (stack.status, len(queues(clients, name)))


def test_a_deleted_stack_leaves_what_is_retained(clients: Clients, stack: StackUnderTest) -> None:
    """A deleted stack leaves its retained resources and deletes the others, the last made first.

    The stack is then found by its id only.
    """
    name = unique("retained")
    kept = {"Retain": queue(f"{name}-a"), "RetainExceptOnCreate": queue(f"{name}-b")}
    resources = {
        policy: {**resource, "DeletionPolicy": policy} for policy, resource in kept.items()
    }
    stack.create(template({**resources, "C": queue(f"{name}-c")}))

    assert "DELETE_COMPLETE" == stack.delete()
    assert [f"{name}-a", f"{name}-b"] == queues(clients, name)
    with pytest.raises(ClientError, match=f"Stack with id {stack.name} does not exist"):
        _ = stack.described


def test_resources_that_are_already_gone_stop_no_deletion(
    clients: Clients, stack: StackUnderTest
) -> None:
    """A deletion succeeds when somebody has deleted resources already, of each kind whose service
    refuses that.
    """
    name = unique("meanwhile")
    stack.create(
        template(
            {
                "Queue": queue(name),
                "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}},
                "Parameter": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Name": name, "Type": "String", "Value": "x"},
                },
                "Table": {
                    "Type": "AWS::DynamoDB::Table",
                    "Properties": {
                        "TableName": name,
                        "BillingMode": "PAY_PER_REQUEST",
                        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    },
                },
            }
        )
    )
    clients("sqs").delete_queue(QueueUrl=stack.resources["Queue"])
    clients("s3").delete_bucket(Bucket=name)
    clients("ssm").delete_parameter(Name=name)
    clients("dynamodb").delete_table(TableName=name)

    assert "DELETE_COMPLETE" == stack.delete()


def test_what_cannot_be_deleted_is_named(clients: Clients, stack: StackUnderTest) -> None:
    """A bucket that is not empty stops a deletion: the stack is DELETE_FAILED, and goes when the
    bucket may be retained.
    """
    bucket, name = unique("full"), unique("gone")
    policy = {"Version": "2012-10-17", "Statement": []}
    stack.create(
        template(
            {
                "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}},
                "Policy": {
                    "Type": "AWS::S3::BucketPolicy",
                    "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy},
                },
                "Queue": queue(name),
            }
        )
    )
    clients("s3").put_object(Bucket=bucket, Key="package.zip", Body=b"x")
    status, reason = stack.delete(), stack.described["StackStatusReason"]

    assert "DELETE_FAILED" == status
    assert "The following resource(s) failed to delete: [Bucket]. " == reason
    assert [] == queues(clients, name)
    assert ["Bucket"] == [*stack.resources]
    assert "not empty" in stack.reasons()[0]
    assert "DELETE_COMPLETE" == stack.delete(RetainResources=["Bucket"])


def test_what_is_no_name_is_refused(clients: Clients) -> None:
    """A stack's name has letters, digits and hyphens, a letter first; others are refused as on
    AWS.
    """
    with pytest.raises(ClientError, match="at 'stackName' failed to satisfy constraint"):
        StackUnderTest(clients, "under_scored").create(template({"A": queue()}))


def test_a_protected_stack_is_not_deleted(stack: StackUnderTest) -> None:
    """A protected stack is not deleted until the protection is taken off."""
    stack.create(template({"A": queue()}), EnableTerminationProtection=True)
    with pytest.raises(
        ClientError, match="cannot be deleted while TerminationProtection is enabled"
    ):
        stack.delete()
    stack.client.update_termination_protection(
        StackName=stack.name, EnableTerminationProtection=False
    )

    assert "DELETE_COMPLETE" == stack.delete()


def test_the_stack_of_a_resource_is_found(stack: StackUnderTest) -> None:
    """The stack of a resource is found by its physical id; a resource of no stack is reported as on
    AWS.
    """
    stack.create(template({"A": queue()}))
    found = stack.client.describe_stack_resources(PhysicalResourceId=stack.resources["A"])[
        "StackResources"
    ]
    with pytest.raises(ClientError, match="Stack for nothing does not exist"):
        stack.client.describe_stack_resources(PhysicalResourceId="nothing")

    assert [(stack.name, "A")] == [
        (resource["StackName"], resource["LogicalResourceId"]) for resource in found
    ]


def test_tags_of_the_stack_are_on_its_resources(clients: Clients, stack: StackUnderTest) -> None:
    """The tags of a stack are on its resources; a resource's own tag of the same key wins."""
    own = [{"Key": "a", "Value": "own"}]
    stack.create(
        template({"A": queue(Tags=own)}),
        Tags=[{"Key": "a", "Value": "stack's"}, {"Key": "b", "Value": "2"}],
    )
    found = clients("sqs").list_queue_tags(QueueUrl=stack.resources["A"])["Tags"]

    assert {"a": "own", "b": "2"} == found


def test_stacks_of_two_regions_do_not_meet(clients: Clients, stack: StackUnderTest) -> None:
    """Stacks of one name in two regions are two stacks, each with resources of its region."""
    name, east = unique("regions"), "us-east-1"
    body = template({"A": queue(name)}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["A", "Arn"]}}})
    stack.create(body)
    other = StackUnderTest(lambda service: clients(service, east), stack.name)
    other.create(body)
    stack.delete()

    assert f"arn:aws:sqs:{east}:123456789012:{name}" == other.outputs["Arn"]
    assert ([], [name]) == (queues(clients, name), queues(other.clients, name))


def test_a_stack_of_another_account_has_its_resources_there(server: Server) -> None:
    """A stack of another account has resources of that account."""
    name, ours = unique("account"), EndpointClients(server.endpoint)
    theirs = StackUnderTest(lambda service: ours.of_account(service, "us-west-2", "222222222222"))
    theirs.create(
        template({"A": queue(name)}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["A", "Arn"]}}})
    )

    assert f"arn:aws:sqs:us-west-2:222222222222:{name}" == theirs.outputs["Arn"]
    assert [name] == queues(theirs.clients, name)
    assert [] == queues(lambda service: ours(service, "us-west-2"), name)

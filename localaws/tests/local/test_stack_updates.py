"""CloudFormation: an update changes only what differs, and a change set lists it beforehand."""

import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.clients import local_environment
from localaws.server import Server
from tests.local.conftest import REGION, Clients
from tests.local.stacks import (
    StackUnderTest,
    attribute,
    lines,
    queue,
    queues,
    refusal,
    template,
    unique,
)

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
BROKEN = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": "x"}}}


@pytest.fixture
def stack(clients: Clients) -> StackUnderTest:
    """Give a stack that is not there yet."""
    return StackUnderTest(clients)


def switched(name: str, **properties: Any) -> str:
    """Write a template with a queue that is there when the parameter says so, and one that always
    is.
    """
    return template(
        {
            "Always": queue(f"{name}-a", **properties),
            "Sometimes": {**queue(f"{name}-b"), "Condition": "On"},
        },
        Parameters={
            "Switch": {"Type": "String", "Default": "on"},
            "Seconds": {"Type": "Number", "Default": 30},
        },
        Conditions={"On": {"Fn::Equals": [{"Ref": "Switch"}, "on"]}},
    )


def test_a_property_is_changed_in_place(clients: Clients, stack: StackUnderTest) -> None:
    """A property is changed in place, also by a parameter alone, and also when it is taken away
    again.
    """
    name = unique("changed")
    body = switched(
        name, VisibilityTimeout={"Fn::Sub": "${Seconds}"}, Tags=[{"Key": "a", "Value": "1"}]
    )
    stack.create(body, given={"Seconds": "7"})
    url = stack.resources["Always"]
    first = attribute(clients, f"{name}-a", "VisibilityTimeout")
    status = stack.update(body, given={"Seconds": "8"})
    second = attribute(clients, f"{name}-a", "VisibilityTimeout")
    stack.update(switched(name, Tags=[{"Key": "b", "Value": "2"}]))

    assert ("7", "8", "30") == (first, second, attribute(clients, f"{name}-a", "VisibilityTimeout"))
    assert ("UPDATE_COMPLETE", url) == (status, stack.resources["Always"])
    assert {"b": "2"} == clients("sqs").list_queue_tags(QueueUrl=url)["Tags"]


def test_a_condition_that_changes_makes_and_removes(
    clients: Clients, stack: StackUnderTest
) -> None:
    """A resource comes and goes with its condition, and with its entry in the template."""
    name = unique("switched")
    stack.create(switched(name), given={"Switch": "off"})
    seen = [queues(clients, name)]
    for switch in ("on", "off"):
        stack.update(switched(name), given={"Switch": switch})
        seen.append(queues(clients, name))
    stack.update(template({"New": queue(f"{name}-c")}))
    found = [
        *seen,
        queues(clients, name),
    ]

    assert [[f"{name}-a"], [f"{name}-a", f"{name}-b"], [f"{name}-a"], [f"{name}-c"]] == found


def test_a_retained_resource_is_kept_when_it_leaves_the_template(
    clients: Clients, stack: StackUnderTest
) -> None:
    """A retained resource is left when it is taken out of the template, and the stack no longer has
    it.
    """
    name = unique("retained")
    kept = {**queue(f"{name}-a"), "DeletionPolicy": "RetainExceptOnCreate"}
    stack.create(template({"A": kept, "B": queue(f"{name}-b")}))
    stack.update(template({"B": queue(f"{name}-b")}))

    assert (["B"], [f"{name}-a", f"{name}-b"]) == ([*stack.resources], queues(clients, name))


@pytest.mark.parametrize(("policy", "left"), [("Delete", ["b"]), ("Retain", ["a", "b"])])
def test_another_name_is_another_resource(
    clients: Clients, stack: StackUnderTest, policy: str, left: list[str]
) -> None:
    """Another name makes another resource, first; the old one goes unless it is to be retained when
    replaced.
    """
    name = unique("renamed")
    first, second = (
        {"A": {**queue(f"{name}-{suffix}"), "UpdateReplacePolicy": policy}} for suffix in ("a", "b")
    )
    arn = {"Arn": {"Value": {"Fn::GetAtt": ["A", "Arn"]}}}
    stack.create(template(first, Outputs=arn))
    stack.update(template(second, Outputs=arn))

    assert [f"{name}-{suffix}" for suffix in left] == queues(clients, name)
    assert stack.outputs["Arn"].endswith(f":{name}-b")


def test_a_named_resource_is_not_replaced(clients: Clients, stack: StackUnderTest) -> None:
    """A named resource is not replaced: a table with another key is refused as on AWS, and nothing
    is changed.
    """
    name = unique("table")

    def table(key: str) -> str:
        properties = {
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        }  # fmt: skip
        return template({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})

    stack.create(table("a"))
    status = stack.update(table("b"))
    (key,) = clients("dynamodb").describe_table(TableName=name)["Table"]["KeySchema"]

    assert ("UPDATE_ROLLBACK_COMPLETE", "a") == (status, key["AttributeName"])
    assert f"Rename {name} and update the stack again." in stack.reasons()[0]


def test_a_failed_update_is_rolled_back(clients: Clients, stack: StackUnderTest) -> None:
    """An update that fails is rolled back: changes are undone, and new resources are gone.

    Then it can be tried again.
    """
    name = unique("failing")
    first = {"A": queue(f"{name}-a", VisibilityTimeout=7), "Gone": queue(f"{name}-gone")}
    second = {"A": queue(f"{name}-a", VisibilityTimeout=8), "New": queue(f"{name}-new")}
    stack.create(template(first))
    broken = stack.update(template({**second, "Broken": {**BROKEN, "DependsOn": ["A", "New"]}}))
    after = (
        attribute(clients, f"{name}-a", "VisibilityTimeout"),
        queues(clients, name),
        [*stack.resources],
    )
    mended = stack.update(template(second))

    assert ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE") == (broken, mended)
    assert ("7", [f"{name}-a", f"{name}-gone"], ["A", "Gone"]) == after
    assert "8" == attribute(clients, f"{name}-a", "VisibilityTimeout")
    assert [f"{name}-a", f"{name}-new"] == queues(clients, name)


def test_an_update_that_changes_nothing_is_refused(stack: StackUnderTest) -> None:
    """An update that changes nothing is an error; as a change set it has failed, says why, and
    cannot be executed.
    """
    body = template({"A": queue()})
    stack.create(body)
    with pytest.raises(ClientError) as refused:
        stack.update(body)
    proposed = stack.propose("UPDATE", body)
    with pytest.raises(ClientError) as executed:
        stack.client.execute_change_set(ChangeSetName=proposed["ChangeSetId"])

    assert ("ValidationError", "No updates are to be performed.") == refusal(refused)
    assert "FAILED" == proposed["Status"]
    assert NO_CHANGES == proposed["StatusReason"]
    assert "UNAVAILABLE" == proposed["ExecutionStatus"]
    assert [] == proposed["Changes"]
    assert "InvalidChangeSetStatus" == refusal(executed)[0]


def test_other_outputs_are_a_change(stack: StackUnderTest) -> None:
    """Other outputs alone are a change."""
    stack.create(template({"A": queue()}))
    stack.update(template({"A": queue()}, Outputs={"Url": {"Value": {"Ref": "A"}}}))

    assert {"Url": stack.resources["A"]} == stack.outputs


def test_a_creation_can_be_reviewed_first(clients: Clients, stack: StackUnderTest) -> None:
    """A change set for a new stack makes nothing before it is executed; the stack is in review
    until then.
    """
    name = unique("reviewed")
    body = template({"A": queue(name)}, Outputs={"Url": {"Value": {"Ref": "A"}}})
    proposed = stack.propose("CREATE", body)
    before = (stack.status, queues(clients, name))
    with pytest.raises(ClientError, match="already exists"):
        stack.create(body)
    stack.client.get_waiter("change_set_create_complete").wait(
        ChangeSetName=proposed["ChangeSetId"]
    )
    stack.client.execute_change_set(ChangeSetName=proposed["ChangeSetId"])
    stack.client.get_waiter("stack_create_complete").wait(StackName=stack.name)

    assert (("REVIEW_IN_PROGRESS", []), [("Add", "A", None)]) == (before, [*lines(proposed)])
    assert "CREATE_COMPLETE" == stack.status
    assert [name] == queues(clients, name)
    assert {"Url": stack.resources["A"]} == stack.outputs
    assert [] == stack.client.list_change_sets(StackName=stack.name)["Summaries"]


def test_an_update_can_be_reviewed_first(clients: Clients, stack: StackUnderTest) -> None:
    """A change set lists additions, changes in place, replacements and removals, and does nothing
    yet.
    """
    name = unique("looked")
    referring = {"KmsMasterKeyId": {"Fn::GetAtt": ["Replaced", "Arn"]}}
    same = {"Same": queue(f"{name}-same")}
    first = {
        "Changed": queue(f"{name}-b"),
        "Replaced": queue(f"{name}-c"),
        "Follows": queue(f"{name}-d", **referring),
        "Gone": queue(f"{name}-e"),
        **same,
    }
    second = {
        "New": queue(f"{name}-a"),
        "Changed": queue(f"{name}-b", DelaySeconds=1),
        "Replaced": queue(f"{name}-cc"),
        "Follows": queue(f"{name}-d", **referring),
        **same,
    }
    stack.create(template(first))
    before = queues(clients, name)
    proposed = stack.propose("UPDATE", template(second))
    expected = [
        ("Add", "New", None),
        ("Modify", "Changed", "False"),
        ("Modify", "Replaced", "True"),
        ("Modify", "Follows", "False"),
        ("Remove", "Gone", None),
    ]

    assert expected == [*lines(proposed)]
    assert (before, "CREATE_COMPLETE") == (queues(clients, name), stack.status)
    stack.client.execute_change_set(ChangeSetName=proposed["ChangeSetName"], StackName=stack.name)
    assert [f"{name}-{suffix}" for suffix in ("a", "b", "cc", "d", "same")] == queues(clients, name)
    assert "UPDATE_COMPLETE" == stack.status
    with pytest.raises(ClientError) as gone:
        stack.client.describe_change_set(ChangeSetName=proposed["ChangeSetId"])
    assert "ChangeSetNotFound" == refusal(gone)[0]


def test_previous_parameter_values_can_be_used_again(
    clients: Clients, stack: StackUnderTest
) -> None:
    """The previous template and previous values can be used again; a value that there was not is
    refused.
    """
    name = unique("previous")
    stack.create(
        switched(name, VisibilityTimeout={"Ref": "Seconds"}),
        given={"Seconds": "7", "Switch": "off"},
    )
    seconds, switch = (
        {"ParameterKey": "Seconds", "UsePreviousValue": True},
        {"ParameterKey": "Switch", "ParameterValue": "on"},
    )
    stack.client.update_stack(
        StackName=stack.name, UsePreviousTemplate=True, Parameters=[seconds, switch]
    )
    with pytest.raises(ClientError, match="Cannot specify usePreviousValue"):
        stack.client.update_stack(
            StackName=stack.name,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": "X", "UsePreviousValue": True}],
        )

    assert "7" == attribute(clients, f"{name}-a", "VisibilityTimeout")
    assert [f"{name}-a", f"{name}-b"] == queues(clients, name)


def test_a_change_in_place_that_is_not_modelled_is_refused(stack: StackUnderTest) -> None:
    """A change in place that is not modelled, such as an index of an existing table, is refused
    before anything is done.
    """
    name = unique("indexed")
    index = {
        "IndexName": "b",
        "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }

    def table(*keys: str, **more: Any) -> str:
        properties = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
            **more,
        }
        return template({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})

    stack.create(table("a"))
    with pytest.raises(ClientError) as refused:
        stack.update(table("a", "b", GlobalSecondaryIndexes=[index]))

    assert ("LocalAwsNotModelled", "CREATE_COMPLETE") == (refusal(refused)[0], stack.status)


def test_the_command_line_deploys(
    server: Server, clients: Clients, stack: StackUnderTest, tmp_path: Path
) -> None:
    """`aws cloudformation deploy` creates, updates, and says when there is nothing to do."""
    name, file = unique("deployed"), tmp_path / "template.json"
    aws = ["aws", "--endpoint-url", server.endpoint, "--region", REGION]
    environment = {
        **local_environment(server.endpoint, REGION),
        "PATH": f"{sysconfig.get_path('scripts')}:/usr/bin:/bin",
    }
    said = []
    for seconds in (7, 8, 8):
        file.write_text(template({"A": queue(name, VisibilityTimeout=seconds)}))
        command = [
            *aws,
            "cloudformation",
            "deploy",
            "--stack-name",
            stack.name,
            "--template-file",
            str(file),
        ]
        done = subprocess.run(
            [*command, "--no-fail-on-empty-changeset"],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        said.append(done.stdout.strip().splitlines()[-1])

    assert [f"Successfully created/updated stack - {stack.name}"] * 2 == said[:2]
    assert "8" == attribute(clients, name, "VisibilityTimeout")
    assert "No changes to deploy" in said[2]

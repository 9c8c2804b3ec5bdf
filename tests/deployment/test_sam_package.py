"""`make package` writes one SAM template that makes what `make deploy` makes: held against each
other.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from aurora_restore.deployment.sam_package import logical_id
from aurora_restore.stages import FUNCTIONS
from tests.deployment.place import ACCOUNT, REGION, Place
from tests.doctor.healthy_stage import checkout_of

Resources = dict[str, dict[str, Any]]
FUNCTION = pytest.mark.parametrize("function", FUNCTIONS)


@pytest.fixture(scope="module")
def place(deployed_stage: Place) -> Place:
    """Give an account with the stage dev; nothing here changes it."""
    return deployed_stage


@pytest.fixture(scope="module")
def checkout(place: Place) -> Path:
    """Give the checkout that the stage was deployed from."""
    return checkout_of(place)


@pytest.fixture(scope="module")
def transformed(place: Place, checkout: Path) -> Resources:
    """Package the same stage without credentials, and transform it as CloudFormation does."""
    output = place.run(
        "package",
        "dev",
        checkout,
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_ENDPOINT_URL="",
    )
    assert (0, "") == (output.status, output.err)
    template = json.loads((checkout / ".build" / "dev" / "sam" / "sam.json").read_text())
    for resource in template["Resources"].values():  # the zip is in a bucket by then
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "packages", "Key": "deployment.zip"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        made: Resources = Translator({}, Parser()).translate(template, {})["Resources"]
    return made


def of_type(resources: Resources, kind: str) -> list[dict[str, Any]]:
    """List the properties of all resources of a type."""
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def log_tags(place: Place, function: str) -> dict[str, str]:
    """Read the tags of a function's log group."""
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/aurora-restore-dev-{function}"
    return dict(place.clients("logs", REGION).list_tags_for_resource(resourceArn=arn)["tags"])


@FUNCTION
def test_a_function_is_the_same(place: Place, transformed: Resources, function: str) -> None:
    """A function of the package has the same name, handler, limits, environment, tags, network and
    log retention.
    """
    packaged = transformed[logical_id(function)]["Properties"]
    deployed = place.functions("dev")[function]
    same = (
        "FunctionName",
        "Handler",
        "Runtime",
        "Timeout",
        "MemorySize",
        "Environment",
        "Architectures",
    )

    assert {name: deployed[name] for name in same} == {name: packaged[name] for name in same}
    for ids in ("SubnetIds", "SecurityGroupIds"):
        assert sorted(deployed.get("VpcConfig", {}).get(ids, [])) == sorted(
            packaged.get("VpcConfig", {}).get(ids, [])
        )
    tags = place.clients("lambda", REGION).list_tags(Resource=deployed["FunctionArn"])["Tags"]
    found = {
        tag["Key"]: tag["Value"] for tag in packaged["Tags"] if tag["Key"] != "lambda:createdBy"
    }

    assert tags == found
    (kept,) = [
        group
        for group in of_type(transformed, "AWS::Logs::LogGroup")
        if function in str(group["LogGroupName"])
        or logical_id(function) in str(group["LogGroupName"])
    ]
    assert place.retention(f"/aws/lambda/{deployed['FunctionName']}") == kept["RetentionInDays"]
    assert log_tags(place, function) == {tag["Key"]: tag["Value"] for tag in kept["Tags"]}


@FUNCTION
def test_a_role_is_the_same(place: Place, transformed: Resources, function: str) -> None:
    """A role has the same name, and the same policy under the same name."""
    name = f"aurora-restore-dev-{function}"
    packaged = transformed[f"{logical_id(function)}Role"]["Properties"]
    deployed = place.clients("iam", REGION).get_role_policy(RoleName=name, PolicyName=name)

    tags = place.clients("iam", REGION).list_role_tags(RoleName=name)["Tags"]

    assert sorted(map(str, tags)) == sorted(
        str(tag) for tag in packaged["Tags"] if tag["Key"] != "lambda:createdBy"
    )
    assert name == packaged["RoleName"]
    assert [{"PolicyName": name, "PolicyDocument": deployed["PolicyDocument"]}] == packaged[
        "Policies"
    ]


@FUNCTION
def test_a_rule_is_the_same(place: Place, transformed: Resources, function: str) -> None:
    """A rule has the same name, pattern or schedule, and its target the same retries and dead-
    letter queue.
    """
    name = f"aurora-restore-dev-{function}-event"
    (packaged,) = [
        rule for rule in of_type(transformed, "AWS::Events::Rule") if rule["Name"] == name
    ]
    rule = place.clients("events", REGION).describe_rule(Name=name)
    (target,) = place.clients("events", REGION).list_targets_by_rule(Rule=name)["Targets"]
    (wanted,) = packaged["Targets"]

    assert packaged.get("EventPattern") == (
        json.loads(rule["EventPattern"]) if "EventPattern" in rule else None
    )
    assert packaged.get("ScheduleExpression") == rule.get("ScheduleExpression")
    assert target["RetryPolicy"] == wanted["RetryPolicy"]
    assert target["DeadLetterConfig"] == wanted["DeadLetterConfig"]


@FUNCTION
def test_the_asynchronous_setting_is_the_same(
    place: Place, transformed: Resources, function: str
) -> None:
    """The asynchronous settings are the same: no retries, the age limit, and the failure
    destination.
    """
    (packaged,) = [
        setting
        for setting in of_type(transformed, "AWS::Lambda::EventInvokeConfig")
        if setting["FunctionName"] == {"Ref": logical_id(function)}
    ]
    deployed = place.clients("lambda", REGION).get_function_event_invoke_config(
        FunctionName=f"aurora-restore-dev-{function}"
    )
    same = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")

    assert {name: deployed[name] for name in same} == {name: packaged[name] for name in same}
    assert deployed["DestinationConfig"]["OnFailure"] == packaged["DestinationConfig"]["OnFailure"]


def test_a_shell_of_another_region_may_package(place: Place, checkout: Path) -> None:
    """A package can be made in a shell of another region, because it asks AWS nothing."""
    output = place.run(
        "package", "dev", checkout, AWS_DEFAULT_REGION="eu-west-1", AWS_REGION="eu-west-1"
    )

    assert (0, "") == (output.status, output.err)


def test_without_an_account_nothing_is_packaged(place: Place) -> None:
    """Without ACCOUNT_ID nothing is packaged: the policies name the account, and no credentials
    tell it.
    """
    output = place.run("package", "dev", place.checkout("no-account", dev={"ACCOUNT_ID": None}))

    assert (1, "") == (output.status, output.out)
    assert "ACCOUNT_ID is not set." in output.err

"""CloudFormation: a template is judged as a whole before anything is made, and its functions are
evaluated.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Clients
from tests.local.stacks import StackUnderTest, attribute, queue, refusal, template, unique


@pytest.fixture
def stack(clients: Clients) -> StackUnderTest:
    """Give a stack that is not there yet."""
    return StackUnderTest(clients)


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        (
            {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}},
            "AWS::CloudWatch::CompositeAlarm",
        ),
        ({"Type": "AWS::Serverless::Function", "Properties": {}}, "AWS::Serverless::Function"),
        ({"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}, "FifoQueue"),
        ({"Type": "AWS::SQS::Queue", "CreationPolicy": {}}, "CreationPolicy"),
    ],
    ids=["type", "serverless", "property", "attribute"],
)
def test_what_would_not_be_honoured_is_refused(
    stack: StackUnderTest, resource: dict[str, Any], named: str
) -> None:
    """A resource that would not be honoured is refused by name: nothing is dropped, and no stack is
    made.
    """
    with pytest.raises(ClientError) as refused:
        stack.create(template({"Thing": resource}))

    assert "LocalAwsNotModelled" == refusal(refused)[0]
    assert "Thing" in refusal(refused)[1]
    assert named in refusal(refused)[1]
    with pytest.raises(ClientError, match="does not exist"):
        _ = stack.described


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("[", "Template format error: YAML not well-formed."),
        ("{}", "Template format error: At least one Resources member must be defined."),
        (
            template({"A": queue(KmsMasterKeyId={"Ref": "B"})}),
            "Unresolved resource dependencies [B] in the Resources block",
        ),
        (
            template({"A": queue(KmsMasterKeyId={"Fn::GetAtt": ["A", "Colour"]})}),
            "does not support attribute type Colour",
        ),
        (
            template({"A": {**queue(), "DependsOn": "B"}, "B": {**queue(), "DependsOn": "A"}}),
            "Circular dependency",
        ),
        (template({"A": {**queue(), "Condition": "Sunny"}}), "Unresolved condition Sunny"),
        (
            template({"A": {**queue(), "DependsOn": "B"}}),
            "Unresolved resource dependencies [B] in the Resources block",
        ),
        (
            template({"A": queue(QueueName={"Fn::Select": ["2", ["a", "b"]]})}),
            "Fn::Select cannot select nonexistent value",
        ),
        (
            template({"A": queue()}, Outputs={"O": {"Value": {"Ref": "B"}}}),
            "[B] in the Outputs block of the template",
        ),
        (template({"A": queue()}, Hooks={}), "localaws does not model Hooks"),
        (template({"A": queue(QueueName={"Fn::Cidr": []})}), "localaws does not model Fn::Cidr"),
        (template({"A": queue()}, Description="x" * 51_200), "less than or equal to 51200"),
    ],
)
def test_a_wrong_template_is_refused(stack: StackUnderTest, body: str, sentence: str) -> None:
    """A wrong template is refused in CloudFormation's own words before anything is made."""
    with pytest.raises(ClientError) as refused:
        stack.create(body)

    assert ("ValidationError", True) == (refusal(refused)[0], sentence in refusal(refused)[1])


@pytest.mark.parametrize(
    ("slot", "given", "sentence"),
    [
        ({"Type": "String"}, {}, "Parameters: [P] must have values"),
        (
            {"Type": "String", "Default": "a"},
            {"Q": "x"},
            "Parameters: [Q] do not exist in the template",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+"},
            {"P": "a1"},
            "Parameter 'P' must match pattern [a-z]+",
        ),
        (
            {"Type": "String", "AllowedValues": ["a"]},
            {"P": "b"},
            "Parameter 'P' must be one of AllowedValues",
        ),
        (
            {"Type": "String", "MinLength": 2},
            {"P": "b"},
            "Parameter 'P' must contain at least 2 characters",
        ),
        ({"Type": "Number"}, {"P": "b"}, "Parameter 'P' must be a number."),
        (
            {"Type": "Number", "MaxValue": 3},
            {"P": "4"},
            "Parameter 'P' must be a number not greater than 3",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "P is small."},
            {"P": "A"},
            "Parameter 'P' failed to satisfy constraint: P is small.",
        ),
    ],
)
def test_a_wrong_parameter_is_refused(
    stack: StackUnderTest, slot: dict[str, Any], given: dict[str, str], sentence: str
) -> None:
    """A wrong parameter is refused; a pattern has to match the whole value.

    Where a constraint is described, the refusal is its own sentence.
    """
    with pytest.raises(ClientError) as refused:
        stack.create(template({"A": queue()}, Parameters={"P": slot}), given=given)

    assert ("ValidationError", sentence) == refusal(refused)


OUTPUTS: dict[str, Any] = {
    "Sub": {
        "Fn::Sub": ["${Name}-${own}-${!Kept}-${Queue.QueueName}", {"own": {"Ref": "AWS::Region"}}]
    },
    "Join": {"Fn::Join": [",", {"Fn::Split": ["-", "a-b-c"]}]},
    "Select": {"Fn::Select": ["1", ["a", {"Ref": "AWS::AccountId"}]]},
    "Map": {"Fn::FindInMap": ["Sizes", {"Ref": "Name"}, "size"]},
    "If": {"Fn::If": ["Both", "yes", "no"]},
    "Yaml": "2012-10-17",
}


def with_functions(resources: dict[str, Any], outputs: dict[str, Any]) -> str:
    """Write a template with a parameter, a mapping, and the conditions Small and Both, both met."""
    differ = {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}
    return template(
        resources,
        Parameters={"Name": {"Type": "String", "Default": "small"}},
        Mappings={"Sizes": {"small": {"size": "1"}}},
        Conditions={
            "Small": {"Fn::Equals": [{"Ref": "Name"}, "small"]},
            "Both": {"Fn::And": [{"Condition": "Small"}, differ]},
        },
        Outputs={key: {"Value": value} for key, value in outputs.items()},
    )


def test_functions_are_evaluated(stack: StackUnderTest) -> None:
    """Functions put text together, judge conditions and look up maps; what has no value is left
    out.
    """
    name, nothing = unique("functions"), {"Ref": "AWS::NoValue"}
    resources = {
        "Queue": queue(name, VisibilityTimeout={"Fn::If": ["Both", "7", nothing]}),
        "Other": queue(f"{name}-other", VisibilityTimeout={"Fn::If": ["Both", nothing, 7]}),
    }
    stack.create(with_functions(resources, OUTPUTS))
    expected = {
        "Sub": f"small-us-west-2-${{Kept}}-{name}",
        "Join": "a,b,c",
        "Select": "123456789012",
        "Map": "1",
        "If": "yes",
        "Yaml": "2012-10-17",
    }

    assert expected == stack.outputs
    assert "7" == attribute(stack.clients, name, "VisibilityTimeout")
    assert "30" == attribute(stack.clients, f"{name}-other", "VisibilityTimeout")


def test_short_forms_of_yaml_are_read(stack: StackUnderTest) -> None:
    """`!Ref`, `!Sub` and `!GetAtt` mean what their long forms do, and a date is text."""
    name = unique("short")
    stack.create(
        "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: { QueueName: !Sub "
        f"'{name}-${{AWS::Region}}' }}\nOutputs:\n  Url: {{ Value: !Ref Queue }}\n  Arn: {{ Value: "
        "!GetAtt Queue.Arn }\n  Day: { Value: 2012-10-17 }\n"
    )

    assert f"arn:aws:sqs:us-west-2:123456789012:{name}-us-west-2" == stack.outputs["Arn"]
    assert "2012-10-17" == stack.outputs["Day"]
    assert stack.outputs["Url"].endswith(f"/{name}-us-west-2")


def test_roles_need_to_be_allowed(stack: StackUnderTest) -> None:
    """A template that grants permissions is refused without the capability that it needs."""
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": unique("role"), "AssumeRolePolicyDocument": {}},
    }
    with pytest.raises(ClientError) as refused:
        stack.create(template({"Role": role}), Capabilities=["CAPABILITY_IAM"])
    expected = (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    )

    assert expected == refusal(refused)

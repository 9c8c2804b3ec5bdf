"""CloudFormation: a SAM template makes functions that run, an update changes them, and they go with
their stack.
"""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.lambda_http import RUNTIME
from tests.local.conftest import Clients
from tests.local.stacks import StackUnderTest, queue, refusal, template, unique

SAM = {"Transform": "AWS::Serverless-2016-10-31"}
LAMBDAS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
CAPABILITIES = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}


@pytest.fixture(scope="module")
def bucket(clients: Clients) -> str:
    """Put two versions of a function into a bucket."""
    name = unique("packages")
    clients("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    for version in ("first", "second"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(
                "it.py",
                f"import os\ndef say(event, _): return ['{version}', os.environ.get('COLOUR')]\n",
            )
        clients("s3").put_object(Bucket=name, Key=version, Body=content.getvalue())
    return name


def sam(bucket: str, name: str, version: str, **properties: Any) -> str:
    """Write a SAM template with one function that a queue's ARN, a rule and a log belong to."""
    invoked = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    rule = {"Type": "EventBridgeRule", "Properties": {"Pattern": {"source": [name]}}}
    function = {
        "FunctionName": name,
        "CodeUri": {"Bucket": bucket, "Key": version},
        "Handler": "it.say",
        "Runtime": RUNTIME,
        "EventInvokeConfig": invoked,
        "Events": {"Rule": rule},
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        **properties,
    }
    log = {"LogGroupName": {"Fn::Sub": "/aws/lambda/${Say}"}}
    return template(
        {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": LAMBDAS}},
            "Say": {"Type": "AWS::Serverless::Function", "Properties": function},
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": log},
        },
        **SAM,
    )


def says(clients: Clients, name: str) -> Any:
    """Invoke a function; returns its answer."""
    return json.loads(clients("lambda").invoke(FunctionName=name)["Payload"].read())


def test_a_function_is_made_changed_and_deleted(clients: Clients, bucket: str) -> None:
    """A stack makes, changes and deletes a function's code and settings.

    A setting that an update leaves out returns to its default.
    """
    stack, name = StackUnderTest(clients), unique("say")
    functions = clients("lambda")
    red = {
        "Environment": {"Variables": {"COLOUR": "red"}},
        "Timeout": 9,
        "Tags": {"team": "a"},
        "Tracing": "Active",
    }
    made = stack.create(sam(bucket, name, "first", **red), **CAPABILITIES), says(clients, name)
    arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"]
    tags = functions.list_tags(Resource=arn)["Tags"]
    setting = functions.get_function_event_invoke_config(FunctionName=name)
    changed = (
        stack.update(sam(bucket, name, "second", MemorySize=512), **CAPABILITIES),
        says(clients, name),
    )
    now = functions.get_function_configuration(FunctionName=name)
    left = functions.list_tags(Resource=arn)["Tags"]

    assert ("CREATE_COMPLETE", ["first", "red"]) == made
    assert "a" == tags["team"]
    assert stack.name == tags["aws:cloudformation:stack-name"]
    assert "Say" == tags["aws:cloudformation:logical-id"]
    assert (0, 60) == (setting["MaximumRetryAttempts"], setting["MaximumEventAgeInSeconds"])
    assert ("UPDATE_COMPLETE", ["second", None]) == changed
    assert 512 == now["MemorySize"]
    assert 3 == now["Timeout"]
    assert "PassThrough" == now["TracingConfig"]["Mode"]
    assert "team" not in left
    assert "DELETE_COMPLETE" == stack.delete()
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function_configuration(FunctionName=name)
    found = clients("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")[
        "logGroups"
    ]

    assert [] == found


def test_a_stack_shows_both_of_its_templates(clients: Clients, bucket: str) -> None:
    """A stack shows both of its templates: as it was written, and by default the one without its
    transform.
    """
    stack, body = StackUnderTest(clients), sam(bucket, unique("say"), "first")
    stack.create(body, **CAPABILITIES)
    about = {"StackName": stack.name}
    original = stack.client.get_template(**about, TemplateStage="Original")["TemplateBody"]
    processed = stack.client.get_template(**about)["TemplateBody"]
    stack.delete()

    assert json.loads(body) == original
    assert "AWS::Lambda::Function" == processed["Resources"]["Say"]["Type"]


def test_a_template_may_be_in_a_bucket(clients: Clients, bucket: str) -> None:
    """A template may be in a bucket, where it may be longer than in a request; a missing one is
    reported.
    """
    long = template(
        {"Queue": queue(unique("stored"))}, Description="It is long.", Metadata={"x": "x" * 60_000}
    )
    clients("s3").put_object(Bucket=bucket, Key="the template.json", Body=long.encode())
    stack, base = StackUnderTest(clients), f"{clients('s3').meta.endpoint_url}/{bucket}"
    stack.client.create_stack(StackName=stack.name, TemplateURL=f"{base}/the%20template.json")
    with pytest.raises(ClientError) as missing:
        stack.client.create_stack(StackName=unique("stack"), TemplateURL=f"{base}/none.json")

    assert "CREATE_COMPLETE" == stack.status
    assert ("ValidationError", "S3 error: The specified key does not exist.") == refusal(missing)


@pytest.mark.parametrize(
    ("sections", "code", "sentence"),
    [
        (
            {"Transform": "AWS::LanguageExtensions"},
            "LocalAwsNotModelled",
            "AWS::LanguageExtensions",
        ),
        (
            {**SAM, "Parameters": {"P": {"Type": "String"}}},
            "LocalAwsNotModelled",
            "Parameters of a SAM template",
        ),
        (SAM, "ValidationError", "Invalid Serverless Application Specification document."),
    ],
    ids=["another transform", "parameters", "invalid"],
)
def test_what_cannot_be_transformed_is_refused(
    clients: Clients, sections: dict[str, Any], code: str, sentence: str
) -> None:
    """A template that cannot be transformed is refused with a sentence before anything is made."""
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Colour": "red"}}
    with pytest.raises(ClientError) as refused:
        StackUnderTest(clients).create(template({"Say": function}, **sections), **CAPABILITIES)

    assert (code, True) == (refusal(refused)[0], sentence in refusal(refused)[1])


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, 200),
        ({"Bool": {"aws:SecureTransport": "true"}}, 403),
        ({}, 403),
    ],
    ids=["without TLS", "over TLS", "always"],
)
def test_the_policy_of_a_bucket_denies_what_its_condition_says(
    clients: Clients, condition: dict[str, Any], status: int
) -> None:
    """A bucket's policy denies what its conditions name and not everything; requests count as
    TLS.
    """
    name, s3 = unique("guarded"), clients("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [{**deny, **({"Condition": condition} if condition else {})}],
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    try:
        answer = s3.put_object(Bucket=name, Key="k", Body=b"x")["ResponseMetadata"][
            "HTTPStatusCode"
        ]
    except ClientError as error:
        answer = error.response["ResponseMetadata"]["HTTPStatusCode"]

    assert status == answer

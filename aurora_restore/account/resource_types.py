"""The resource types of the stacks: how each is looked up, and which have names of a stage's own.

The one table of both: a deployment asks it whether a name is taken, the doctor whether what a stack
made is still there. A test holds the names against the templates under `infra/`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aurora_restore.account.parameters import PARAMETERS
from aurora_restore.account.state import AccountState
from aurora_restore.stages import ALARMS, FORWARDING_ALARM, Stage

Existing = Callable[[AccountState, str, Sequence[str]], set[str]]
"""Given a region and names of one type, those that exist."""


def _each(service: str, method: str, parameter: str, **fixed: str) -> Existing:
    """Look each name up by a call of its own."""

    def existing(state: AccountState, region: str, names: Sequence[str]) -> set[str]:
        asked: dict[str, dict[str, Any]] = {name: {parameter: name, **fixed} for name in names}
        return {
            name
            for name, parameters in asked.items()
            if state.find(service, method, region=region, **parameters) is not None
        }

    return existing


def _alarms(state: AccountState, region: str, names: Sequence[str]) -> set[str]:
    pages = state.service("cloudwatch", region).pages
    return {
        alarm["AlarmName"] for alarm in pages("describe_alarms", "MetricAlarms", AlarmNames=names)
    }


def _buckets(state: AccountState, region: str, names: Sequence[str]) -> set[str]:
    owner = state.account.number
    return _each("s3", "head_bucket", "Bucket", ExpectedBucketOwner=owner)(state, region, names)


def _parameters(state: AccountState, region: str, names: Sequence[str]) -> set[str]:
    found = state.service("ssm", region).call("get_parameters", Names=list(names))
    return {parameter["Name"] for parameter in found["Parameters"]}


@dataclass(frozen=True)
class StageResource:
    """One type of CloudFormation's that the templates have."""

    noun: str
    existing: Existing
    name_of: Callable[[str], str] = str
    """The name that it is looked up by, given its physical id."""


def _queue_name(url: str) -> str:
    """Take the name from a queue's URL, which begins with whatever endpoint SQS was asked at."""
    return url.rpartition("/")[2]


def _secret_name(arn: str) -> str:
    """Take the name from a secret's ARN: one that was made again has other characters after it."""
    return arn.partition(":secret:")[2].rpartition("-")[0]


RESOURCE_TYPES: Final[Mapping[str, StageResource]] = {
    "AWS::CloudWatch::Alarm": StageResource("alarm", _alarms),
    "AWS::CloudWatch::Dashboard": StageResource(
        "dashboard", _each("cloudwatch", "get_dashboard", "DashboardName")
    ),
    "AWS::DynamoDB::Table": StageResource(
        "table", _each("dynamodb", "describe_table", "TableName")
    ),
    "AWS::Events::Rule": StageResource("rule", _each("events", "describe_rule", "Name")),
    "AWS::IAM::Role": StageResource("role", _each("iam", "get_role", "RoleName")),
    "AWS::KMS::Alias": StageResource("key's alias", _each("kms", "describe_key", "KeyId")),
    "AWS::KMS::Key": StageResource("key", _each("kms", "describe_key", "KeyId")),
    "AWS::S3::Bucket": StageResource("bucket", _buckets),
    "AWS::SNS::Topic": StageResource("topic", _each("sns", "get_topic_attributes", "TopicArn")),
    "AWS::SQS::Queue": StageResource(
        "queue", _each("sqs", "get_queue_url", "QueueName"), _queue_name
    ),
    "AWS::SSM::Parameter": StageResource("SSM parameter", _parameters),
    "AWS::SecretsManager::Secret": StageResource(
        "secret", _each("secretsmanager", "describe_secret", "SecretId"), _secret_name
    ),
}


@dataclass(frozen=True)
class NamedResource:
    """A resource whose name follows from the stage's own, so that only one can have it."""

    type: str
    name: str
    """As CloudFormation gives it as physical id, but for a queue, whose id is a URL."""
    region: str


def named_resources(state: AccountState, source_regions: Iterable[str]) -> Iterator[NamedResource]:
    """List what the stacks of a stage make under names of its own, but for the secrets.

    A secret that is there already is used and not made.
    """
    stage, region = state.stage, state.stage.region
    for resource_type, names in _names_at_home(stage, state.account.number).items():
        yield from (NamedResource(resource_type, name, region) for name in names)
    yield NamedResource("AWS::SNS::Topic", state.arn("sns", stage.topic), region)
    for source_region in source_regions:
        for resource_type, name in (
            ("AWS::SQS::Queue", stage.forwarding_queue),
            ("AWS::CloudWatch::Alarm", stage.alarm(FORWARDING_ALARM)),
            ("AWS::Events::Rule", stage.forwarding_rule),
        ):
            yield NamedResource(resource_type, name, source_region)


def _names_at_home(stage: Stage, account: str) -> Mapping[str, list[str]]:
    return {
        "AWS::DynamoDB::Table": [stage.state_table, stage.audit_table],
        "AWS::SQS::Queue": [stage.failure_queue],
        "AWS::KMS::Alias": [stage.key_alias],
        "AWS::CloudWatch::Alarm": [stage.alarm(what) for what in ALARMS],
        "AWS::CloudWatch::Dashboard": [stage.dashboard],
        "AWS::S3::Bucket": [stage.bucket(account)],
        "AWS::SSM::Parameter": [stage.parameter_path + name for name in PARAMETERS],
    }

"""Names that are somebody else's: what the stacks will make is theirs already, or nobody's."""

from collections.abc import Callable, Iterator
from functools import partial

from botocore.exceptions import ClientError

from aurora_restore.deployment import stack_parameters
from aurora_restore.deployment.account import Account, error_code
from aurora_restore.deployment.account_state import AccountState
from aurora_restore.deployment.chalice_state import NOT_OURS_ADVICE
from aurora_restore.deployment.config_checks import CONFIG
from aurora_restore.findings import Finding, failed
from aurora_restore.stages import ALARMS, FORWARDING_ALARM, Stage

Found = Iterator[tuple[str, str, str]]
"""Physical ids as CloudFormation would give them, with what each is and what to do."""


def findings(state: AccountState) -> Iterator[Finding]:
    """Give every name that the stacks would make and cannot."""
    account, stage = state.account, state.stage
    known = [stack for stack in state.stacks_to_keep if stack.is_of(stage.name, account.number)]
    ours = {_plain(physical) for stack in known for physical in stack.resources.values()}
    lookers = (_tables, _topic, _queues, _key_alias, _alarms, _dashboard, _bucket, _parameters)
    found = [one for looker in lookers for one in looker(stage, account)]
    found += [one for region in state.source_regions for one in _forwarding(stage, account, region)]
    for physical, what, advice in found:
        if _plain(physical) not in ours:
            yield failed(
                f"{what} is there already, and no stack of stage {stage.name} made it.",
                advice,
                name="names",
            )


def _plain(physical: str) -> str:
    """Take the endpoint from a queue's URL: SQS spells the one that it was asked at, which is not always the same."""
    return physical.split("/", 3)[-1] if physical.startswith("http") else physical


def _tables(stage: Stage, account: Account) -> Found:
    dynamodb = account.clients("dynamodb", stage.region)
    for name in (stage.state_table, stage.audit_table):
        if _is_there(partial(dynamodb.describe_table, TableName=name), "ResourceNotFoundException"):
            yield (
                name,
                f"The table {name} in {stage.region}",
                (
                    f"If nobody needs it: aws dynamodb delete-table --region {stage.region} "
                    f"--table-name {name}. If it is ours, import it into the stack "
                    f"{stage.records_stack}."
                ),
            )


def _topic(stage: Stage, account: Account) -> Found:
    arn = account.arn("sns", stage.region, stage.topic)
    if _is_there(
        lambda: account.clients("sns", stage.region).get_topic_attributes(TopicArn=arn), "NotFound"
    ):
        yield arn, f"The topic {stage.topic} in {stage.region}", NOT_OURS_ADVICE


def _queues(stage: Stage, account: Account) -> Found:
    yield from _queue(account, stage.region, stage.failure_queue)


def _queue(account: Account, region: str, name: str) -> Found:
    sqs = account.clients("sqs", region)
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return
    yield url, f"The queue {name} in {region}", NOT_OURS_ADVICE


def _key_alias(stage: Stage, account: Account) -> Found:
    name = stage.key_alias
    kms = account.clients("kms", stage.region)
    if _is_there(lambda: kms.describe_key(KeyId=name), "NotFoundException"):
        yield name, f"The key's alias {name} in {stage.region}", NOT_OURS_ADVICE


def _alarms(stage: Stage, account: Account) -> Found:
    yield from _alarms_named(account, stage.region, [stage.alarm(what) for what in ALARMS])


def _alarms_named(account: Account, region: str, names: list[str]) -> Found:
    for one in account.clients("cloudwatch", region).describe_alarms(AlarmNames=names)[
        "MetricAlarms"
    ]:
        yield one["AlarmName"], f"The alarm {one['AlarmName']} in {region}", NOT_OURS_ADVICE


def _dashboard(stage: Stage, account: Account) -> Found:
    name = stage.dashboard
    cloudwatch = account.clients("cloudwatch", stage.region)
    if _is_there(
        lambda: cloudwatch.get_dashboard(DashboardName=name),
        "ResourceNotFound",
        "DashboardNotFoundError",
    ):
        yield name, f"The dashboard {name}", NOT_OURS_ADVICE


def _forwarding(stage: Stage, account: Account, region: str) -> Found:
    yield from _queue(account, region, stage.forwarding_queue)
    yield from _alarms_named(account, region, [stage.alarm(FORWARDING_ALARM)])
    name = stage.forwarding_rule
    events = account.clients("events", region)
    if _is_there(lambda: events.describe_rule(Name=name), "ResourceNotFoundException"):
        yield name, f"The rule {name} in {region}", NOT_OURS_ADVICE


def _bucket(stage: Stage, account: Account) -> Found:
    name = stage.bucket(account.number)
    try:
        account.clients("s3", stage.region).head_bucket(
            Bucket=name, ExpectedBucketOwner=account.number
        )
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return
        yield (
            name,
            f"The bucket {name}, which is somebody else's ({error_code(error)}),",
            NOT_OURS_ADVICE,
        )
        return
    yield (
        name,
        f"The bucket {name}",
        f"If nobody needs what is in it: aws s3 rb --force s3://{name}",
    )


def _parameters(stage: Stage, account: Account) -> Found:
    names = {
        stage.parameter_path + name: setting
        for name, setting in stack_parameters.PARAMETERS.items()
    }
    found = account.clients("ssm", stage.region).get_parameters(Names=list(names))["Parameters"]
    for one in found:
        yield (
            one["Name"],
            f"The SSM parameter {one['Name']} = {one['Value']}",
            (
                f"Its value belongs into {CONFIG} as {names[one['Name']]}; then aws ssm "
                f"delete-parameter --region {stage.region} --name {one['Name']}"
            ),
        )


def _is_there(ask: Callable[[], object], *absent: str) -> bool:
    try:
        ask()
    except ClientError as error:
        if error_code(error) in absent:
            return False
        raise
    return True

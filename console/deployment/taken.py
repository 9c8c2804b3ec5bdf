"""Names that are somebody else's: what the stacks will make is theirs already, or nobody's."""

from collections.abc import Callable, Iterator
from typing import Final

from botocore.exceptions import ClientError

from console.deployment import stacks
from console.deployment.account import Account, error_code
from console.deployment.wishes import CONFIG
from console.findings import Finding, failed
from console.stages import Stage

PARAMETERS: Final = {  # SSM parameters that the foundation makes, by the setting that each holds
    "source-cluster-id": "SOURCE_CLUSTER_ID", "source-region": "SOURCE_REGION",
    "target-cluster-id": "TARGET_CLUSTER_ID", "target-region": "TARGET_REGION", "kms-key-id": "KMS_KEY_ID",
}  # fmt: skip


def findings(stage: Stage, account: Account) -> Iterator[Finding]:
    """Give every name that the stacks would make and cannot."""
    known = [stacks.find(account, name, stage.region) for name in (stage.records_stack, stage.foundation_stack)]
    ours = {physical for stack in known if stack for physical in stack.resources.values()}
    lookers = (_tables, _topic, _queue, _bucket, _parameters)
    for found, what, advice in (one for looker in lookers for one in looker(stage, account)):
        if found not in ours:
            yield failed("names", f"{what} is there already, and no stack of stage {stage.name} made it.", advice)


Found = Iterator[tuple[str, str, str]]
OTHERS: Final = "Remove or rename it if it is yours; else name the stage otherwise."


def _tables(stage: Stage, account: Account) -> Found:
    dynamodb = account.clients("dynamodb", stage.region)
    for name in (stage.state_table, stage.audit_table):
        if _is_there(lambda name=name: dynamodb.describe_table(TableName=name), "ResourceNotFoundException"):  # type: ignore[misc]
            yield (
                name,
                f"The table {name} in {stage.region}",
                (
                    f"If nobody needs it: aws dynamodb delete-table --region {stage.region} --table-name {name}. "
                    f"If it is ours, import it into the stack {stage.records_stack}."
                ),
            )


def _topic(stage: Stage, account: Account) -> Found:
    arn = account.arn("sns", stage.region, stage.topic)
    if _is_there(lambda: account.clients("sns", stage.region).get_topic_attributes(TopicArn=arn), "NotFound"):
        yield arn, f"The topic {stage.topic} in {stage.region}", OTHERS


def _queue(stage: Stage, account: Account) -> Found:
    sqs = account.clients("sqs", stage.region)
    try:
        url = sqs.get_queue_url(QueueName=stage.failure_queue)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        return
    yield url, f"The queue {stage.failure_queue} in {stage.region}", OTHERS


def _bucket(stage: Stage, account: Account) -> Found:
    name = stage.bucket(account.number)
    try:
        account.clients("s3", stage.region).head_bucket(Bucket=name)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return
        yield name, f"The bucket {name}, which is somebody else's ({error_code(error)}),", OTHERS
        return
    yield name, f"The bucket {name}", f"Empty and delete it: aws s3 rb --force s3://{name}"


def _parameters(stage: Stage, account: Account) -> Found:
    names = {stage.parameter_path + name: setting for name, setting in PARAMETERS.items()}
    found = account.clients("ssm", stage.region).get_parameters(Names=list(names))["Parameters"]
    for one in found:
        yield (
            one["Name"],
            f"The SSM parameter {one['Name']} = {one['Value']}",
            (
                f"Its value belongs into {CONFIG} as {names[one['Name']]}; then aws ssm delete-parameter --region "
                f"{stage.region} --name {one['Name']}"
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

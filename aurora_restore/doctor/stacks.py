"""The stacks: whether they stand, are of this checkout's templates, and have what they made."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aurora_restore.deployment.chalice_state import NOT_OURS_ADVICE
from aurora_restore.deployment.stack_parameters import TEMPLATES, planned_parameters, source_regions
from aurora_restore.deployment.stacks import RECOVERY_COMMANDS, command
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.stages import make_command


def command_of(view: StageView, target: str) -> str:
    """Spell a make target for the stage that is looked at."""
    return f"`{make_command(target, view.stage.name, view.checkout)}`"


def deploy(view: StageView) -> str:
    """Say what to do about what the next deployment puts right."""
    return f"Run {command_of(view, 'deploy')}, or your pipeline."


def missing_advice(view: StageView) -> str:
    """Say what to do about something of the foundation that is not there: it was never made, or somebody deleted it."""
    return "See the check `foundation`." if view.foundation else deploy(view)


def drift_advice(view: StageView) -> str:
    """Say what to do about what somebody changed there: CloudFormation does not notice, and changes nothing back."""
    look = command("detect-stack-drift", view.stage.foundation_stack, view.stage.region)
    return (
        f"Somebody changed it, which no deployment notices. What it was is told by: {look}. Change "
        "it back."
    )


@dataclass(frozen=True)
class Stack:
    """A stack that the stage should have."""

    template: str
    name: str
    region: str


def wanted(view: StageView) -> list[Stack]:
    """List the stacks of the stage that are in this account."""
    stage = view.stage
    both = [
        Stack("records", stage.records_stack, stage.region),
        Stack("foundation", stage.foundation_stack, stage.region),
    ]
    if stage.variables.get("SOURCE_ACCOUNT_ID", "") not in ("", view.account):
        return both
    regions = source_regions(stage, planned_parameters(stage, view.parameters))
    return both + [Stack("forwarding", stage.forwarding_stack, region) for region in regions]


def stacks(view: StageView) -> Iterator[Finding]:
    """Look at each stack's status, resources and template."""
    for stack in wanted(view):
        described = view.find(
            "cloudformation", "describe_stacks", region=stack.region, StackName=stack.name
        )
        if described is None:
            yield failed(f"There is no stack {stack.name} in {stack.region}.", deploy(view))
            continue
        if not view.made(stack.name, stack.region):
            yield failed(
                f"The stack {stack.name} in {stack.region} was not created by this stage.",
                NOT_OURS_ADVICE,
            )
            continue
        yield _status(view, stack, described["Stacks"][0]["StackStatus"])
        yield from _unfinished(view, stack)
        yield from _template(view, stack)


def _status(view: StageView, stack: Stack, status: str) -> Finding:
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok(f"{stack.name} is {status}.")
    if status in ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"):
        return warning(
            f"The last change of {stack.name} was taken back ({status}).", _reasons(stack)
        )
    if status.endswith("_IN_PROGRESS"):
        return warning(
            f"{stack.name} is being changed ({status}).", "Look again when that is over."
        )
    _does, verb = RECOVERY_COMMANDS.get(status, ("", "describe-stacks"))
    way_out = command(verb, stack.name, stack.region)
    return failed(
        f"{stack.name} is {status}.", f"{_reasons(stack)} Then: {way_out}. {deploy(view)}"
    )


def _reasons(stack: Stack) -> str:
    return f"Read why: {command('describe-stack-events', stack.name, stack.region)}."


def _unfinished(view: StageView, stack: Stack) -> Iterator[Finding]:
    for one in view.resources(stack.name, stack.region):
        status = one["ResourceStatus"]
        if not status.endswith(("_COMPLETE", "_IN_PROGRESS")):
            yield failed(
                f"{one['LogicalResourceId']} of {stack.name} is {status}.",
                f"{_reasons(stack)} {deploy(view)}",
            )


def _template(view: StageView, stack: Stack) -> Iterator[Finding]:
    """Compare the text that the stack was made from with this checkout's."""
    file = view.checkout / TEMPLATES / f"{stack.template}.yaml"
    template = view.service("cloudformation", stack.region).call(
        "get_template", StackName=stack.name
    )
    if template["TemplateBody"] != file.read_text(encoding="utf-8"):
        yield warning(
            f"{stack.name} was made from another infra/{stack.template}.yaml than this checkout's.",
            deploy(view),
        )


def _by(
    service: str, method: str, parameter: str
) -> Callable[[StageView, str, str], Described | None]:
    def look(view: StageView, region: str, physical_id: str) -> Described | None:
        wanted: dict[str, Any] = {parameter: physical_id}
        return view.find(service, method, region=region, **wanted)

    return look


def _alarm(view: StageView, region: str, physical_id: str) -> Described | None:
    found = view.service("cloudwatch", region).call("describe_alarms", AlarmNames=[physical_id])
    return found if found["MetricAlarms"] or found.get("CompositeAlarms") else None


def _secret(view: StageView, region: str, physical_id: str) -> Described | None:
    """Look for a secret by its name: one that was made again has an ARN that ends otherwise."""
    name = physical_id.partition(":secret:")[2].rpartition("-")[0]
    return view.find("secretsmanager", "describe_secret", region=region, SecretId=name)


_LOOKS: Mapping[str, Callable[[StageView, str, str], Described | None]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _by("cloudwatch", "get_dashboard", "DashboardName"),
    "AWS::DynamoDB::Table": _by("dynamodb", "describe_table", "TableName"),
    "AWS::Events::Rule": _by("events", "describe_rule", "Name"),
    "AWS::IAM::Role": _by("iam", "get_role", "RoleName"),
    "AWS::KMS::Alias": _by("kms", "describe_key", "KeyId"),
    "AWS::KMS::Key": _by("kms", "describe_key", "KeyId"),
    "AWS::S3::Bucket": _by("s3", "get_bucket_location", "Bucket"),
    "AWS::SNS::Topic": _by("sns", "get_topic_attributes", "TopicArn"),
    "AWS::SQS::Queue": _by("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::SSM::Parameter": _by("ssm", "get_parameter", "Name"),
    "AWS::SecretsManager::Secret": _secret,
}


def foundation(view: StageView) -> Iterator[Finding]:
    """Look for everything that the stacks made: CloudFormation does not notice what is deleted behind its back."""
    looked = 0
    for stack in wanted(view):
        if not view.made(stack.name, stack.region):
            yield warning(
                f"The stack {stack.name} in {stack.region} is missing, and so is what it makes.",
                "See the check `stacks` first.",
            )
            continue
        for one in view.resources(stack.name, stack.region):
            if look := _LOOKS.get(one["ResourceType"]):
                looked += 1
                if look(view, stack.region, one.get("PhysicalResourceId", "")) is None:
                    yield _deleted(view, stack, one)
    yield ok(f"{looked} resources are there.")


def _deleted(view: StageView, stack: Stack, one: Described) -> Finding:
    kind, name = (
        one["ResourceType"].removeprefix("AWS::"),
        one.get("PhysicalResourceId", one["LogicalResourceId"]),
    )
    gone = f"{kind} {name} is gone, and the stack {stack.name} thinks that it is there."
    if kind == "SecretsManager::Secret":
        return failed(gone, f"{deploy(view)} It says how the secret is made again.")
    if (
        kind == "DynamoDB::Table"
    ):  # and the other one would stand in the way of a stack that is made anew
        return failed(
            gone,
            "A table that had point-in-time recovery is kept as a backup for 35 days. Restore it "
            f"under its name: aws dynamodb list-backups --region {stack.region} --backup-type "
            f"SYSTEM --table-name {name}, then aws dynamodb restore-table-from-backup --region "
            f"{stack.region} --target-table-name {name} --backup-arn <ARN>.",
        )
    if kind == "SSM::Parameter":
        make = (
            f"aws ssm put-parameter --region {stack.region} --type String --name {name} --value "
            "<its value>"
        )
        return failed(gone, f"Make it again, with its value of .chalice/config.json: {make}")
    if stack.template == "forwarding":
        return failed(gone, recreate_advice(view, stack))
    return failed(
        gone,
        "CloudFormation makes it again only with everything else: "
        f"{command_of(view, 'destroy')}, then {command_of(view, 'deploy')}. Records and "
        "secrets stay; what waits in the failure queue goes, and so do subscriptions that people "
        "made themselves.",
    )


def recreate_advice(view: StageView, stack: Stack) -> str:
    """Say how a stack that forwards is made again, which holds nothing of anybody's."""
    return (
        f"Delete its stack: {command('delete-stack', stack.name, stack.region)}. When it is gone: "
        f"{deploy(view)}"
    )

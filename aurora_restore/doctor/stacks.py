"""The stacks: whether they stand, are of this checkout's templates, and have what they made."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aurora_restore.account.parameters import source_regions
from aurora_restore.account.resource_types import RESOURCE_TYPES
from aurora_restore.account.stack import RECOVERY_COMMANDS, StackState, stack_command
from aurora_restore.deployment.stack_parameters import TEMPLATES
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.stages import NOT_OURS_ADVICE, make_command


def command_of(view: StageView, target: str) -> str:
    """Spell a make target for the stage that is looked at."""
    return f"`{make_command(target, view.stage.name, view.checkout)}`"


def deploy(view: StageView) -> str:
    """Say what to do about what the next deployment puts right."""
    return f"Run {command_of(view, 'deploy')}, or your pipeline."


def missing_advice(view: StageView) -> str:
    """Say what to do about a missing part of the foundation, never created or deleted by hand."""
    return "See the check `foundation`." if view.foundation else deploy(view)


def drift_advice(view: StageView) -> str:
    """Say what to do about drift, which CloudFormation neither notices nor reverts."""
    look = stack_command("detect-stack-drift", view.stage.foundation_stack, view.stage.region)
    return f"Changed outside CloudFormation; run {look} to see the drift, then revert it."


@dataclass(frozen=True)
class ExpectedStack:
    """A stack that the stage should have."""

    template: str
    name: str
    region: str


def expected_stacks(view: StageView) -> list[ExpectedStack]:
    """List the stacks of the stage that are in this account."""
    stage = view.stage
    at_home = [
        ExpectedStack("records", stage.records_stack, stage.region),
        ExpectedStack("foundation", stage.foundation_stack, stage.region),
    ]
    if stage.variables.get("SOURCE_ACCOUNT_ID", "") not in ("", view.account.number):
        return at_home
    regions = source_regions(stage, view.planned_parameters)
    name = stage.forwarding_stack
    return at_home + [ExpectedStack("forwarding", name, region) for region in regions]


def stacks(view: StageView) -> Iterator[Finding]:
    """Check each stack's status, resources and template."""
    for stack in expected_stacks(view):
        found = view.stack(stack.name, stack.region)
        if found is None:
            yield failed(f"There is no stack {stack.name} in {stack.region}.", deploy(view))
        elif not found.is_of(view.stage.name, view.account.number):
            yield failed(
                f"The stack {stack.name} in {stack.region} was not created by this stage.",
                NOT_OURS_ADVICE,
            )
        else:
            yield _status(view, stack, found.status)
            yield from _unfinished(view, stack, found)
            yield from _template(view, stack)


def _status(view: StageView, stack: ExpectedStack, status: str) -> Finding:
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok(f"{stack.name} is {status}.")
    if status in ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"):
        return warning(
            f"The last change of {stack.name} was rolled back ({status}).", _reasons(stack)
        )
    if status.endswith("_IN_PROGRESS"):
        return warning(
            f"{stack.name} is being changed ({status}).", "Check again when it has finished."
        )
    _does, verb = RECOVERY_COMMANDS.get(status, ("", "describe-stacks"))
    way_out = stack_command(verb, stack.name, stack.region)
    return failed(
        f"{stack.name} is {status}.", f"{_reasons(stack)} Then: {way_out}. {deploy(view)}"
    )


def _reasons(stack: ExpectedStack) -> str:
    return f"Read why: {stack_command('describe-stack-events', stack.name, stack.region)}."


def _unfinished(view: StageView, stack: ExpectedStack, found: StackState) -> Iterator[Finding]:
    for resource in found.resources:
        status = resource["ResourceStatus"]
        if not status.endswith(("_COMPLETE", "_IN_PROGRESS")):
            yield failed(
                f"{resource['LogicalResourceId']} of {stack.name} is {status}.",
                f"{_reasons(stack)} {deploy(view)}",
            )


def _template(view: StageView, stack: ExpectedStack) -> Iterator[Finding]:
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


def foundation(view: StageView) -> Iterator[Finding]:
    """Look for everything that the stacks made: CloudFormation does not notice deletions."""
    looked_up = 0
    for stack in expected_stacks(view):
        if view.own_stack(stack.name, stack.region) is None:
            yield warning(
                f"The stack {stack.name} in {stack.region} is missing, and so are its resources.",
                "See the check `stacks` first.",
            )
            continue
        by_type = _named_resources(view, stack)
        for resource_type, resources in by_type.items():
            existing = RESOURCE_TYPES[resource_type].existing(view, stack.region, [*resources])
            gone = [resource for name, resource in resources.items() if name not in existing]
            looked_up += len(resources)
            yield from (_deleted(view, stack, resource) for resource in gone)
    yield ok(f"{looked_up} resources exist.")


def _named_resources(
    view: StageView, stack: ExpectedStack
) -> Mapping[str, Mapping[str, Described]]:
    """Give the resources of a stack by type and by the name that they are looked up by."""
    by_type = defaultdict[str, dict[str, Described]](dict)
    for resource in view.resources(stack.name, stack.region):
        if known := RESOURCE_TYPES.get(resource["ResourceType"]):
            name = known.name_of(resource.get("PhysicalResourceId", ""))
            by_type[resource["ResourceType"]][name] = resource
    return by_type


def _deleted(view: StageView, stack: ExpectedStack, one: Described) -> Finding:
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


def recreate_advice(view: StageView, stack: ExpectedStack) -> str:
    """Say how a stack that forwards is made again, which holds nothing of anybody's."""
    delete = stack_command("delete-stack", stack.name, stack.region)
    return f"Delete its stack: {delete}. When it is gone: {deploy(view)}"

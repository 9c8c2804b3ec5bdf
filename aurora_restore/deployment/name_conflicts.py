"""Names that are taken: what the stacks would make is there already, and none of them made it."""

from collections import defaultdict
from collections.abc import Iterator

from aurora_restore.account.parameters import PARAMETERS
from aurora_restore.account.resource_types import RESOURCE_TYPES, NamedResource, named_resources
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.documents import Described
from aurora_restore.findings import Finding, failed
from aurora_restore.stages import CONFIG, NOT_OURS_ADVICE
from chalicelib.aws.client import AwsError, DeniedError

BUCKET = "AWS::S3::Bucket"


def findings(state: DeploymentState) -> Iterator[Finding]:
    """Give every name that the stacks would make and cannot."""
    own = _made_by_own_stacks(state)
    by_type = defaultdict[tuple[str, str], list[str]](list)
    for resource in named_resources(state, state.source_regions):
        if (resource.type, resource.name) not in own:
            by_type[resource.type, resource.region].append(resource.name)
    for (resource_type, region), names in by_type.items():
        taken = _taken(state, resource_type, region, names)
        for name in names:
            if name in taken:
                yield _finding(state, NamedResource(resource_type, name, region), taken[name])


def _made_by_own_stacks(state: DeploymentState) -> set[tuple[str, str]]:
    own = [
        stack
        for stack in state.stacks_to_keep
        if stack.is_of(state.stage.name, state.account.number)
    ]
    return {
        (resource["ResourceType"], _name_of(resource["ResourceType"], resource))
        for stack in own
        for resource in stack.resources
    }


def _name_of(resource_type: str, resource: Described) -> str:
    physical_id = str(resource.get("PhysicalResourceId", ""))
    known = RESOURCE_TYPES.get(resource_type)
    return known.name_of(physical_id) if known else physical_id


def _taken(
    state: DeploymentState, resource_type: str, region: str, names: list[str]
) -> dict[str, str]:
    """Give the names that are taken, with the code of an answer that tells no more than that."""
    try:
        existing = RESOURCE_TYPES[resource_type].existing(state, region, names)
    except (AwsError, DeniedError) as error:
        # All accounts share the names of buckets: HeadBucket answers 403 for one of another's.
        if resource_type != BUCKET:
            raise
        return dict.fromkeys(names, error.code)
    return dict.fromkeys(existing, "")


def _finding(state: DeploymentState, resource: NamedResource, code: str) -> Finding:
    noun, name = RESOURCE_TYPES[resource.type].noun, resource.name
    what = f"The {noun} {name.rpartition(':')[2]}"
    if code:
        what += f", which belongs to another account ({code}),"
    elif resource.type == "AWS::SSM::Parameter":
        what += f" = {state.parameters[name.removeprefix(state.stage.parameter_path)]}"
    elif resource.type not in (BUCKET, "AWS::CloudWatch::Dashboard"):
        what += f" in {resource.region}"
    return failed(
        f"{what} is there already, and no stack of stage {state.stage.name} made it.",
        NOT_OURS_ADVICE if code else _advice(state, resource),
        name="names",
    )


def _advice(state: DeploymentState, resource: NamedResource) -> str:
    name, region = resource.name, resource.region
    match resource.type:
        case "AWS::DynamoDB::Table":
            return (
                f"If nobody needs it: aws dynamodb delete-table --region {region} --table-name "
                f"{name}. If it is ours, import it into the stack {state.stage.records_stack}."
            )
        case "AWS::S3::Bucket":
            return f"If nobody needs what is in it: aws s3 rb --force s3://{name}"
        case "AWS::SSM::Parameter":
            setting = PARAMETERS[name.removeprefix(state.stage.parameter_path)]
            return (
                f"Its value belongs in {CONFIG} as {setting}; then aws ssm delete-parameter "
                f"--region {region} --name {name}"
            )
        case _:
            return NOT_OURS_ADVICE

"""CloudFormation stacks as they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from aurora_restore.documents import Described
from chalicelib.aws.client import AwsError, Service

STAGE_PARAMETER: Final = "Stage"  # of every template of ours
ACCOUNT_PARAMETER: Final = "TargetAccount"  # of the one that forwards
RECOVERY_COMMANDS: Final = {
    **dict.fromkeys(
        ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"),
        ("deleted", "delete-stack"),
    ),
    "UPDATE_FAILED": ("rolled back", "rollback-stack"),
    "UPDATE_ROLLBACK_FAILED": ("rolled back further", "continue-update-rollback"),
}
"""States in which a stack takes no update, and the way out (user guide, stack status codes)."""


@dataclass(frozen=True)
class StackState:
    """One stack as it stands."""

    name: str
    region: str
    status: str
    is_protected: bool = False
    """Whether it refuses its deletion (EnableTerminationProtection)."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What it was made with."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    resources: Sequence[Described] = ()
    """Those that were not deleted, in the words of ListStackResources."""

    def is_of(self, stage: str, account: str) -> bool:
        """Tell whether it belongs to a stage of an account, and does not only bear the same name.

        Ours carry the stage that they are of, and a forwarding one the account of that stage.
        """
        of_account = self.parameters.get(ACCOUNT_PARAMETER, "") in ("", account)
        return of_account and self.parameters.get(STAGE_PARAMETER) == stage

    @cached_property
    def physical_ids(self) -> Mapping[str, str]:
        """Physical ids by logical ids."""
        return {
            resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
            for resource in self.resources
        }

    def made_secret(self, name: str) -> bool:
        """Tell whether a secret of a name is among its resources.

        The id of a secret is its ARN, which has six characters after the name.
        """
        return any(f":secret:{name}-" in physical for physical in self.physical_ids.values())

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


def observe_stack(cloudformation: Service, name: str) -> StackState | None:
    """Read a stack; None where there is none, or only an unused change set of one."""
    try:
        described = cloudformation.call("describe_stacks", StackName=name)["Stacks"][0]
    except AwsError as error:
        # DescribeStacks has no code of its own for a stack that does not exist (API reference).
        if error.code == "ValidationError" and "does not exist" in error.reason:
            return None
        raise
    if described["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
        return None
    listed = cloudformation.pages("list_stack_resources", "StackResourceSummaries", StackName=name)
    parameters = {
        given["ParameterKey"]: given.get("ParameterValue", "")
        for given in described.get("Parameters", [])
    }
    outputs = {out["OutputKey"]: out["OutputValue"] for out in described.get("Outputs", [])}
    return StackState(
        name,
        cloudformation.region,
        described["StackStatus"],
        bool(described.get("EnableTerminationProtection")),
        parameters,
        outputs,
        [resource for resource in listed if resource["ResourceStatus"] != "DELETE_COMPLETE"],
    )


def stack_command(verb: str, name: str, region: str) -> str:
    """Write the AWS CLI's command about a stack."""
    return f"aws cloudformation {verb} --region {region} --stack-name {name}"

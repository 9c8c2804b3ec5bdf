"""Everything that would stop a deployment half-way, found before anything is changed, all in one list."""

from collections.abc import Callable, Iterator
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from console.deployment import remembered, stacks, taken, wishes
from console.deployment.account import Account, error_code, sign_in
from console.deployment.errors import DeploymentError, NotReadyError
from console.deployment.wishes import CONFIG
from console.findings import Finding, failed, failures, ok
from console.stages import FUNCTIONS, IN_VPC, Stage

Check = Callable[[Stage, Account], Iterator[Finding]]


def check(stage: Stage) -> tuple[Account, list[Finding]]:
    """Make every check of a deployment; returns the account and all findings, or raises NotReadyError with them."""
    findings = list(wishes.findings(stage))
    account = _signed_in(stage, findings)
    if account is not None:
        for one in CHECKS:
            findings += _made(one, stage, account)
    if account is None or failures(findings):
        raise NotReadyError(findings)
    return account, findings


def _signed_in(stage: Stage, findings: list[Finding]) -> Account | None:
    try:
        account = sign_in(stage.region or "us-east-1")
    except DeploymentError as error:
        findings.append(failed("credentials", str(error), ""))
        return None
    findings.append(ok("credentials", f"{account.caller} asks."))
    return account


def _made(one: Check, stage: Stage, account: Account) -> list[Finding]:
    """Make a check; one that cannot be made is a finding, too, and stops no other."""
    name = one.__name__.strip("_")
    if not stage.region:
        return []
    try:
        return list(one(stage, account))
    except (ClientError, BotoCoreError) as error:
        return [failed(name, f"It could not be looked up: {error}.", "Sign in as somebody who may.")]


# --- what only the account knows ---


def _account(stage: Stage, account: Account) -> Iterator[Finding]:
    wanted = stage.variables.get("ACCOUNT_ID", account.number)
    if wanted != account.number:
        yield failed(
            "account",
            f"These are credentials of {account.number}, and stage {stage.name} belongs into {wanted}.",
            f"Sign in there, or correct ACCOUNT_ID in {CONFIG}.",
        )
    else:
        yield ok("account", account.number)


def _stacks(stage: Stage, account: Account) -> Iterator[Finding]:
    for name, region in _stack_places(stage):
        found = stacks.find(account, name, region) if region else None
        if found and found.status in stacks.UNUSABLE:
            yield failed(
                "stacks",
                f"The stack {name} in {region} is {found.status}, from which it can only be deleted.",
                f"aws cloudformation delete-stack --region {region} --stack-name {name}",
            )
        elif found and found.is_busy:
            yield failed("stacks", f"The stack {name} in {region} is {found.status}.", "Wait until it is done.")


def _stack_places(stage: Stage) -> list[tuple[str, str]]:
    places = [(stage.records_stack, stage.region), (stage.foundation_stack, stage.region)]
    return [*places, (stage.forwarding_stack, stage.source_region)] if stage.is_forwarded else places


def _functions(stage: Stage, account: Account) -> Iterator[Finding]:
    for name, one in remembered.functions(account, stage).items():
        if name in FUNCTIONS and not remembered.is_ours(account, stage, one["FunctionArn"]):
            yield failed(
                "functions", f"The function {one['FunctionName']} was not made by Chalice for this app.", taken.OTHERS
            )


def _network(stage: Stage, account: Account) -> Iterator[Finding]:
    subnets, groups = (stage.function_setting(IN_VPC, name) for name in ("subnet_ids", "security_group_ids"))
    if not (subnets and groups):
        return
    ec2 = account.clients("ec2", stage.region)
    try:
        vpcs = {one["VpcId"] for one in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
        vpcs |= {one["VpcId"] for one in ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]}
    except ClientError as error:
        if "NotFound" not in error_code(error):
            raise
        yield failed("network", f"{IN_VPC}: {error.response['Error']['Message']}.", f"Correct it in {CONFIG}.")
        return
    if len(vpcs) > 1:
        yield failed(
            "network", f"The subnets and security groups of {IN_VPC} are in several VPCs: {', '.join(sorted(vpcs))}.",
            f"Name those of one VPC in {CONFIG}.",
        )  # fmt: skip


CHECKS: Final[tuple[Check, ...]] = (_account, _stacks, taken.findings, _functions, _network)

"""Everything that would stop a deployment half-way, found before anything is changed, all in one list."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import SettingsError
from console.deployment import estate, project, remembered, stacks, taken, wishes
from console.deployment.account import Account, error_code, sign_in
from console.deployment.errors import DeploymentError, NotReadyError
from console.deployment.remembered import Held
from console.deployment.wishes import CONFIG
from console.findings import Finding, failed, failures, ok
from console.policies import TemplateError
from console.stages import FUNCTIONS, IN_VPC, Stage


def check(stage: Stage, checkout: Path) -> tuple[Account, list[Finding]]:
    """Make every check of a deployment; returns the account and all findings, or raises NotReadyError with them."""
    findings = list(wishes.findings(stage))
    account = _signed_in(stage, findings)
    if account is None:
        raise NotReadyError(findings)
    checks: list[Check] = [right_account, _stacks, taken.findings, _functions, _network, _secrets]
    if not {"account", "settings"} & {one.name for one in findings}:  # else no plan can be made, for these reasons
        checks.append(partial(_plans, checkout=checkout))
    findings.append(ok("credentials", f"{account.caller} asks."))
    for one in checks if stage.region else ():
        findings += _made(one, stage, account)
    if failures(findings):
        raise NotReadyError(findings)
    return account, findings


Check = Callable[[Stage, Account], Iterable[Finding]]


def _signed_in(stage: Stage, findings: list[Finding]) -> Account | None:
    try:
        return sign_in(stage.region or "us-east-1")
    except DeploymentError as error:
        findings.append(failed("credentials", str(error), ""))
        return None


def _made(one: Check, stage: Stage, account: Account) -> list[Finding]:
    """Make a check; one that cannot be made is a finding, too, and stops no other."""
    try:
        return list(one(stage, account))
    except (ClientError, BotoCoreError) as error:
        return [failed("account", f"Something could not be looked up: {error}.", "Sign in as somebody who may.")]


# --- what only the account knows ---


def right_account(stage: Stage, account: Account) -> Iterator[Finding]:
    """Hold the account against the one that the stage names."""
    wanted = stage.variables.get("ACCOUNT_ID", account.number)
    if wanted != account.number:
        yield failed(
            "account",
            f"These are credentials of {account.number}, and stage {stage.name} belongs into {wanted}.",
            f"Sign in there, or correct ACCOUNT_ID in {CONFIG}.",
        )
    else:
        yield ok("account", account.number)


def home(stage: Stage, account: Account, held: Held) -> Iterator[Finding]:
    """See that the stage does not live in another region: its roles are the account's, and would serve two masters."""
    known = (stacks.find(account, stage.forwarding_stack, region) for region in {stage.source_region} - {""})
    forwarded = {one.parameters.get("TargetRegion", stage.region) for one in known if one and one.is_of(stage.name)}
    for region in sorted((remembered.homes(account, stage, held.ours) | forwarded) - {stage.region}):
        yield failed(
            "region",
            f"Stage {stage.name} lives in {region}, as its roles' policies or its forwarding say, and not in "
            f"{stage.region}.",
            f"Set TARGET_REGION in {CONFIG} back to {region} and run make destroy STAGE={stage.name}; then change it.",
        )


def _functions(stage: Stage, account: Account) -> Iterator[Finding]:
    held = remembered.look(account, stage)
    leaving = [role for role in remembered.roles(held.ours) if role not in map(stage.function, FUNCTIONS)]
    yield from (*held.of_stacks, *held.others, *home(stage, account, held), *attached(stage, account, leaving))


def attached(stage: Stage, account: Account, leaving: Iterable[str]) -> Iterator[Finding]:
    """Find policies that people attached to roles that are to go: IAM deletes no role that has one."""
    iam = account.clients("iam", stage.region)
    for role in leaving:
        for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = one["PolicyArn"]
            yield failed(
                "roles",
                f"Somebody attached {arn} to the role {role}, which cannot be deleted so.",
                f"aws iam detach-role-policy --role-name {role} --policy-arn {arn}",
            )


def _stacks(stage: Stage, account: Account) -> Iterator[Finding]:
    forwarding = estate.source_regions(stage, estate.parameters_to_be(stage, project.parameters(account, stage)))
    for name, region in (
        (stage.records_stack, stage.region), (stage.foundation_stack, stage.region),
        *((stage.forwarding_stack, region) for region in forwarding),
    ):  # fmt: skip
        found = stacks.find(account, name, region)
        if found and not found.is_of(stage.name):
            yield failed("stacks", stacks.somebody_elses(found), remembered.OTHERS)
        elif found and found.status in stacks.ADVICE:
            does, verb = stacks.ADVICE[found.status]
            yield failed(
                "stacks",
                f"The stack {name} in {region} is {found.status}, from which it can only be {does}.",
                f"aws cloudformation {verb} --region {region} --stack-name {name}",
            )
        elif found and found.is_busy:
            yield failed("stacks", f"The stack {name} in {region} is {found.status}.", "Wait until it is done.")


def _plans(stage: Stage, account: Account, checkout: Path) -> Iterator[Finding]:
    """See that every plan, also those that only SSM knows, can be made, and that the policies have room for all."""
    given = estate.parameters_to_be(stage, project.parameters(account, stage))
    try:
        project.policies_of(
            stage, checkout / ".chalice", account=account.number, partition=account.partition, parameters=given,
        )  # fmt: skip
    except (SettingsError, TemplateError) as error:
        yield failed("plans", str(error), f"Correct it in SSM below {stage.parameter_path}, or in {CONFIG}.")


def _secrets(stage: Stage, account: Account) -> Iterator[Finding]:
    """See that each secret is there or can be made: one that waits for its deletion keeps its name for that long."""
    secrets = account.clients("secretsmanager", stage.region)
    records = stacks.find(account, stage.records_stack, stage.region)
    for variable, own in estate.SECRETS.items():
        name = stage.variables[variable]
        try:
            deleted = "DeletedDate" in secrets.describe_secret(SecretId=name)
        except secrets.exceptions.ResourceNotFoundException:
            make = f"aws secretsmanager create-secret --region {stage.region} --name {name}"
            if name != own(stage):
                yield failed(
                    "secrets", f"{variable} names {name}, which is not there.", f"{make}; or correct {CONFIG}."
                )
            elif records and records.made_secret(name):  # which it takes for there, and would not make again
                yield failed("secrets", f"The secret {name} of the stack {records.name} is gone.", make)
            continue
        if deleted:
            yield failed(
                "secrets",
                f"The secret {name} waits for its deletion.",
                f"aws secretsmanager restore-secret --region {stage.region} --secret-id {name}",
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

"""Everything that would stop a deployment half-way, found before anything is changed, all in one list."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from aurora_restore.deployment import (
    chalice_state,
    config_checks,
    name_conflicts,
    plan_checks,
    project,
    stack_parameters,
    stacks,
)
from aurora_restore.deployment.account import Account, error_code, sign_in
from aurora_restore.deployment.account_state import Existing
from aurora_restore.deployment.config_checks import CONFIG
from aurora_restore.deployment.errors import DeploymentError, NotReadyError
from aurora_restore.deployment.stacks import Stack
from aurora_restore.findings import Finding, failed, failures, ok, warning
from aurora_restore.policies import TemplateError
from aurora_restore.stages import FUNCTIONS, Stage
from chalicelib.aws.client import DENIED
from chalicelib.flow.choreography import IN_VPC
from chalicelib.settings import unknown_parameters


def check(
    stage: Stage, checkout: Path, account: Account | None = None
) -> tuple[Existing, list[Finding]]:
    """Make every check of a deployment.

    Returns the stage as it is and all findings, or raises NotReadyError.

    Whose credentials these are is asked unless an `account` is given.
    """
    findings = list(config_checks.findings(stage))
    account = account or _signed_in(stage, findings)
    if account is None:
        raise NotReadyError(findings)
    checks: list[Check] = [
        right_account,
        stacks_of,
        name_conflicts.findings,
        _functions,
        _network,
        _secrets,
    ]
    if not {"account", "settings"} & {
        one.name for one in findings
    }:  # else no plan can be made, for these reasons
        checks += [partial(_plans, checkout=checkout), plan_checks.findings]
    findings.append(ok("credentials", f"{account.caller} asks."))
    existing = Existing(account, stage)
    regions_are_known = {stage.region, stage.source_region or stage.region} <= {
        *config_checks.known_regions()
    }
    for one in checks if regions_are_known else ():  # in another region nobody answers
        findings += _made(one, existing)
    if failures(findings):
        raise NotReadyError(list(dict.fromkeys(findings)))  # what cannot be read is told once
    return existing, findings


Check = Callable[[Existing], Iterable[Finding]]


def _signed_in(stage: Stage, findings: list[Finding]) -> Account | None:
    try:
        return sign_in(
            stage.region if stage.region in config_checks.known_regions() else "us-east-1"
        )
    except DeploymentError as error:
        findings.append(failed("credentials", str(error), ""))
        return None


def _made(one: Check, existing: Existing) -> list[Finding]:
    """Make a check; one that cannot be made is a finding, too, and stops no other."""
    try:
        return list(one(existing))
    except (ClientError, BotoCoreError) as error:
        refused = isinstance(error, ClientError) and error_code(error) in DENIED
        do = "Sign in as somebody who may." if refused else "Correct what it names, or try again."
        return [failed("account", f"Something could not be looked up: {error}.", do)]


# --- what only the account knows ---


def right_account(existing: Existing) -> Iterator[Finding]:
    """Hold the account against the one that the stage names."""
    account, stage = existing.account, existing.stage
    wanted = stage.variables.get("ACCOUNT_ID", account.number)
    if wanted != account.number:
        yield failed(
            "account",
            f"These are credentials of {account.number}, and stage {stage.name} belongs into "
            f"{wanted}.",
            f"Sign in there, or correct ACCOUNT_ID in {CONFIG}.",
        )
    else:
        yield ok("account", account.number)


def home(existing: Existing) -> Iterator[Finding]:
    """See that the stage does not live in another region: its roles are the account's, and would serve two masters."""
    stage = existing.stage
    for region in sorted(existing.homes - {stage.region}):
        yield failed(
            "region",
            f"Stage {stage.name} lives in {region}, as its roles' policies or its forwarding say, "
            f"and not in {stage.region}.",
            f"Set TARGET_REGION in {CONFIG} back to {region} and run make destroy "
            f"STAGE={stage.name}; then change it.",
        )


def _functions(existing: Existing) -> Iterator[Finding]:
    held = existing.held
    staying = {existing.stage.function(name) for name in FUNCTIONS}
    going_roles = [role for role in chalice_state.roles(held.ours) if role not in staying]
    yield from (*held.of_stacks, *held.others, *home(existing), *attached(existing, going_roles))


def attached(existing: Existing, going_roles: Iterable[str]) -> Iterator[Finding]:
    """Find policies that people attached to roles that are to go: IAM deletes no role that has one."""
    iam = existing.account.clients("iam", existing.stage.region)
    for role in going_roles:
        for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = one["PolicyArn"]
            yield failed(
                "roles",
                f"Somebody attached {arn} to the role {role}, which cannot be deleted so.",
                f"aws iam detach-role-policy --role-name {role} --policy-arn {arn}",
            )


def stacks_of(existing: Existing) -> Iterator[Finding]:
    """See that every stack can be made or changed, and those that are to go deleted."""
    for one in existing.staying:
        if not one.is_of(existing.stage.name, existing.account.number):
            yield failed("stacks", stacks.somebody_elses(one), chalice_state.OTHERS)
        elif one.status in stacks.ADVICE:
            does, verb = stacks.ADVICE[one.status]
            yield failed(
                "stacks",
                f"The stack {one.name} in {one.region} is {one.status}, from which it can only be "
                f"{does}.",
                stacks.command(verb, one.name, one.region),
            )
        elif one.is_busy:
            yield _busy(one)
    yield from going(existing.forsaken)
    yield from unseen(existing, existing.sources)


def unseen(existing: Existing, needed: Collection[str]) -> Iterator[Finding]:
    """Find regions that nobody can look into.

    Only where they are needed is that a reason to stop.
    """
    stage = existing.stage
    for region, reason in existing.unread.items():
        tell = failed if region in needed else warning
        yield tell(
            "stacks",
            f"Whether {region} has a stack {stage.forwarding_stack} cannot be seen: "
            f"{reason.rstrip('.')}.",
            f"Some plan has or had its source there: SOURCE_REGION in {CONFIG}, or a source-region "
            f"in SSM below {stage.parameter_path}. Correct that, or sign in as somebody who may "
            "look.",
        )


def going(leaving: Iterable[Stack]) -> Iterator[Finding]:
    """Find stacks that are to go and would not."""
    for one in leaving:
        if one.is_busy:
            yield _busy(one)
        elif one.is_protected:
            yield failed(
                "stacks",
                f"The stack {one.name} in {one.region} is protected against its deletion.",
                "If it may go: "
                + stacks.command(
                    "update-termination-protection --no-enable-termination-protection",
                    one.name,
                    one.region,
                ),
            )


def _busy(stack: Stack) -> Finding:
    return failed(
        "stacks",
        f"The stack {stack.name} in {stack.region} is {stack.status}.",
        "Wait until it is done.",
    )


def _plans(existing: Existing, checkout: Path) -> Iterator[Finding]:
    """See that every plan, also those that only SSM knows, can be made, and that the policies have room for all."""
    account, stage = existing.account, existing.stage
    problems = [*setting_problems_of(existing)]
    yield from problems
    if problems:
        return
    try:
        project.policies_of(
            stage,
            checkout / ".chalice",
            account=account.number,
            partition=account.partition,
            parameters=existing.parameters_to_be,
        )
    except TemplateError as error:
        yield failed(
            "plans", str(error), f"Correct it in SSM below {stage.parameter_path}, or in {CONFIG}."
        )


def setting_problems_of(existing: Existing) -> Iterator[Finding]:
    """Find what keeps a plan from being made, and SSM parameters that nothing reads."""
    for problem in config_checks.plan_problems(existing.plans):
        yield failed("plans", problem, "")
    for problem in unknown_parameters(existing.settings, existing.parameters):
        yield failed("plans", problem, "Rename or delete it.")


def _secrets(existing: Existing) -> Iterator[Finding]:
    """See that each secret is there or can be made: one that waits for its deletion keeps its name for that long."""
    stage = existing.stage
    secrets = existing.account.clients("secretsmanager", stage.region)
    records = existing.stack(stage.records_stack, stage.region)
    for variable, own in stack_parameters.SECRETS.items():
        name = stage.variables[variable]
        try:
            deleted = "DeletedDate" in secrets.describe_secret(SecretId=name)
        except secrets.exceptions.ResourceNotFoundException:
            make = f"aws secretsmanager create-secret --region {stage.region} --name {name}"
            if name != own(stage):
                yield failed(
                    "secrets",
                    f"{variable} names {name}, which is not there.",
                    f"{make}; or correct {CONFIG}.",
                )
            elif records and records.made_secret(
                name
            ):  # which it takes for there, and would not make again
                yield failed(
                    "secrets", f"The secret {name} of the stack {records.name} is gone.", make
                )
            continue
        if deleted:
            yield failed(
                "secrets",
                f"The secret {name} waits for its deletion.",
                f"aws secretsmanager restore-secret --region {stage.region} --secret-id {name}",
            )


def _network(existing: Existing) -> Iterator[Finding]:
    stage = existing.stage
    subnets, groups = (
        stage.function_setting(IN_VPC, name) for name in ("subnet_ids", "security_group_ids")
    )
    if not (subnets and groups):
        return
    ec2 = existing.account.clients("ec2", stage.region)
    vpcs = set[str]()
    for describe, asked, found in (
        (ec2.describe_subnets, {"SubnetIds": subnets}, "Subnets"),
        (ec2.describe_security_groups, {"GroupIds": groups}, "SecurityGroups"),
    ):
        try:
            vpcs |= {one["VpcId"] for one in describe(**asked)[found]}
        except ClientError as error:
            if not error_code(error).endswith((".NotFound", ".Malformed")):
                raise
            yield failed(
                "network",
                f"{IN_VPC}: {error.response['Error']['Message']}.",
                f"Correct it in {CONFIG}.",
            )
    if len(vpcs) > 1:
        yield failed(
            "network",
            f"The subnets and security groups of {IN_VPC} are in several VPCs: "
            f"{', '.join(sorted(vpcs))}.",
            f"Name those of one VPC in {CONFIG}.",
        )

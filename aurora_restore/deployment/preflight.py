"""Everything that would stop a deployment half-way, in one list, before any change."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError

from aurora_restore.account.identity import Account, NotSignedInError, identify
from aurora_restore.account.reading_clients import reading_clients
from aurora_restore.account.stack import RECOVERY_COMMANDS, StackState, stack_command
from aurora_restore.deployment import (
    chalice_state,
    config_checks,
    name_conflicts,
    plan_checks,
    project,
    stack_parameters,
    stacks,
)
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.deployment.errors import NotReadyError
from aurora_restore.findings import Finding, failed, failures, ok, warning
from aurora_restore.policies import TemplateError
from aurora_restore.stages import (
    CONFIG,
    FUNCTIONS,
    HOME_TAG,
    NOT_OURS_ADVICE,
    STAGE_TAG,
    Stage,
)
from chalicelib.aws.client import AwsError, DeniedError, NotFoundError
from chalicelib.flow.choreography import IN_VPC
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.settings import unknown_parameters


def check(
    stage: Stage, checkout: Path, account: Account | None = None
) -> tuple[DeploymentState, list[Finding]]:
    """Make every check of a deployment.

    Returns the stage as it is and all findings, or raises NotReadyError.

    Whose credentials these are is asked unless an `account` is given.
    """
    findings = list(config_checks.findings(stage))
    account = account or _signed_in(stage, findings)
    if account is None:
        raise NotReadyError(findings)
    checks: list[Check] = [
        check_account,
        stacks_of,
        name_conflicts.findings,
        _functions,
        _network,
        _secrets,
    ]
    found = {finding.name for finding in findings}
    if found.isdisjoint({"account", "settings"}):  # else no plan can be made, for these reasons
        checks += [partial(_plans, checkout=checkout), plan_checks.findings]
    findings.append(ok(f"The credentials belong to {account.caller}.", name="credentials"))
    state = DeploymentState(account, stage)
    regions_are_known = {stage.region, stage.source_region or stage.region} <= {
        *config_checks.known_regions()
    }
    for make in checks if regions_are_known else ():  # in another region nobody answers
        findings += _run(make, state)
    if failures(findings):
        raise NotReadyError(list(dict.fromkeys(findings)))  # what cannot be read is told once
    return state, findings


ANY_REGION = "us-east-1"  # where STS is asked for a stage that names no region
Check = Callable[[DeploymentState], Iterable[Finding]]


def sign_in(stage: Stage) -> Account:
    """Find out whose credentials these are, with read-only clients. Raises NotSignedInError."""
    known = stage.region in config_checks.known_regions()
    return identify(reading_clients(), stage.region if known else ANY_REGION, stage.name)


def _signed_in(stage: Stage, findings: list[Finding]) -> Account | None:
    try:
        return sign_in(stage)
    except NotSignedInError as error:
        findings.append(failed(error.what, error.do, name="credentials"))
        return None


def _run(check: Check, state: DeploymentState) -> list[Finding]:
    """Make a check; one that cannot be made is a finding, too, and stops no other."""
    try:
        return list(check(state))
    except DeniedError as error:
        do = f"Allow {error.action} to whoever deploys."
        return [failed(f"Something could not be looked up: {error.reason}", do, name="account")]
    except (RefusedError, TransientError) as error:
        what, do = error.reason, "Correct what it names, or try again."
        return [failed(f"Something could not be looked up: {what}", do, name="account")]
    except BotoCoreError as error:  # a setting of a type that botocore does not take, among others
        what, do = f"{error}.", "Correct what it names, or try again."
        return [failed(f"Something could not be looked up: {what}", do, name="account")]


# --- what only the account knows ---


def check_account(state: DeploymentState) -> Iterator[Finding]:
    """Hold the account against the one that the stage names."""
    account, stage = state.account, state.stage
    wanted = stage.variables.get("ACCOUNT_ID", account.number)
    if wanted != account.number:
        yield failed(
            f"These are credentials of {account.number}, and stage {stage.name} belongs to "
            f"{wanted}.",
            f"Sign in there, or correct ACCOUNT_ID in {CONFIG}.",
            name="account",
        )
    else:
        yield ok(account.number, name="account")


def check_region(state: DeploymentState) -> Iterator[Finding]:
    """See that the stage is in no other region: its roles belong to the whole account."""
    stage = state.stage
    for region in sorted(state.deployed_regions - {stage.region}):
        yield failed(
            f"Stage {stage.name} is deployed in {region}, but TARGET_REGION is {stage.region}.",
            f"Set TARGET_REGION in {CONFIG} back to {region} and run make destroy "
            f"STAGE={stage.name}; then change it.",
            name="region",
        )
    home = f"{state.account.number}/{stage.region}"
    for role in state.roles_without_region:
        yield failed(
            f"The role {role} does not say which region it is deployed in: it has no valid tag "
            f"{HOME_TAG}, and no policy of it names the queue {stage.failure_queue}.",
            f"If it is of stage {stage.name} in {stage.region}: aws iam tag-role --role-name "
            f"{role} --tags Key={STAGE_TAG},Value={stage.name} Key={HOME_TAG},Value={home}",
            name="region",
        )


def _functions(state: DeploymentState) -> Iterator[Finding]:
    held = state.deployed
    staying = {state.stage.function(name) for name in FUNCTIONS}
    roles_to_delete = [role for role in chalice_state.roles(held.resources) if role not in staying]
    yield from (
        *held.of_stacks,
        *held.foreign,
        *check_region(state),
        *attached_policies(state, roles_to_delete),
    )


def attached_policies(state: DeploymentState, roles_to_delete: Iterable[str]) -> Iterator[Finding]:
    """Find policies attached to roles that will be deleted: IAM deletes no role that has one."""
    for role in roles_to_delete:
        for arn in state.attached_policies(role):
            yield failed(
                f"Somebody attached {arn} to the role {role}, which cannot be deleted so.",
                f"aws iam detach-role-policy --role-name {role} --policy-arn {arn}",
                name="roles",
            )


def stacks_of(state: DeploymentState) -> Iterator[Finding]:
    """See that every stack can be made or changed, and those that are to go deleted."""
    for stack in state.stacks_to_keep:
        if not stack.is_of(state.stage.name, state.account.number):
            yield failed(stacks.foreign_stack_message(stack), NOT_OURS_ADVICE, name="stacks")
        elif stack.status in RECOVERY_COMMANDS:
            does, verb = RECOVERY_COMMANDS[stack.status]
            yield failed(
                f"The stack {stack.name} in {stack.region} is {stack.status}, from which it can "
                f"only be {does}.",
                stack_command(verb, stack.name, stack.region),
                name="stacks",
            )
        elif stack.is_busy:
            yield _busy(stack)
    yield from check_deletable(state.obsolete_stacks)
    yield from unreadable_regions(state, state.source_regions)


def unreadable_regions(state: DeploymentState, needed: Collection[str]) -> Iterator[Finding]:
    """Find regions that nobody can look into.

    Only where they are needed is that a reason to stop.
    """
    stage = state.stage
    for region, reason in state.unreadable_regions.items():
        tell = failed if region in needed else warning
        yield tell(
            f"Whether {region} has a stack {stage.forwarding_stack} cannot be seen: "
            f"{reason.rstrip('.')}.",
            f"Some plan has or had its source there: SOURCE_REGION in {CONFIG}, or a source-region "
            f"in SSM below {stage.parameter_path}. Correct that, or sign in as somebody who may "
            "look.",
            name="stacks",
        )


def check_deletable(leaving: Iterable[StackState]) -> Iterator[Finding]:
    """Find stacks that are to go and would not."""
    for each in leaving:
        if each.is_busy:
            yield _busy(each)
        elif each.is_protected:
            yield failed(
                f"The stack {each.name} in {each.region} is protected against its deletion.",
                "If it may go: "
                + stack_command(
                    "update-termination-protection --no-enable-termination-protection",
                    each.name,
                    each.region,
                ),
                name="stacks",
            )


def _busy(stack: StackState) -> Finding:
    return failed(
        f"The stack {stack.name} in {stack.region} is {stack.status}.",
        "Wait until it is done.",
        name="stacks",
    )


def _plans(state: DeploymentState, checkout: Path) -> Iterator[Finding]:
    """See that every plan, also of SSM alone, is valid, and that the policies have room for all."""
    account, stage = state.account, state.stage
    problems = [*setting_problems_of(state)]
    yield from problems
    if problems:
        return
    try:
        project.policies_of(
            stage,
            checkout / ".chalice",
            account=account.number,
            partition=account.partition,
            parameters=state.planned_parameters,
        )
    except TemplateError as error:
        yield failed(
            str(error),
            f"Correct it in SSM below {stage.parameter_path}, or in {CONFIG}.",
            name="plans",
        )


def setting_problems_of(state: DeploymentState) -> Iterator[Finding]:
    """Find what keeps a plan from being made, and SSM parameters that nothing reads."""
    for problem in config_checks.plan_problems(state.plans):
        yield failed(problem, name="plans")
    for problem in unknown_parameters(state.settings, state.parameters):
        yield failed(problem, "Rename or delete it.", name="plans")


def _secrets(state: DeploymentState) -> Iterator[Finding]:
    """See that each secret exists or can be created: one that waits for deletion keeps its name."""
    stage = state.stage
    records = state.stack(stage.records_stack)
    for variable, own in stack_parameters.SECRETS.items():
        name = stage.variables[variable]
        found = state.find("secretsmanager", "describe_secret", SecretId=name)
        if found is None:
            make = f"aws secretsmanager create-secret --region {stage.region} --name {name}"
            if name != own(stage):
                yield failed(
                    f"{variable} names {name}, which is not there.",
                    f"{make}; or correct {CONFIG}.",
                    name="secrets",
                )
            elif records and records.made_secret(name):
                # CloudFormation takes it for there, and would not make it again.
                yield failed(
                    f"The secret {name} of the stack {records.name} is gone.", make, name="secrets"
                )
        elif "DeletedDate" in found:
            yield failed(
                f"The secret {name} waits for its deletion.",
                f"aws secretsmanager restore-secret --region {stage.region} --secret-id {name}",
                name="secrets",
            )


def _network(state: DeploymentState) -> Iterator[Finding]:
    stage = state.stage
    subnets, groups = (
        stage.function_setting(IN_VPC, name) for name in ("subnet_ids", "security_group_ids")
    )
    if not (subnets and groups):
        return
    ec2, vpcs = state.service("ec2"), set[str]()
    for method, asked, member in (
        ("describe_subnets", {"SubnetIds": subnets}, "Subnets"),
        ("describe_security_groups", {"GroupIds": groups}, "SecurityGroups"),
    ):
        try:
            vpcs |= {found["VpcId"] for found in ec2.call(method, **asked)[member]}
        except (AwsError, NotFoundError) as error:
            if not error.code.endswith((".NotFound", ".Malformed")):
                raise
            yield failed(f"{IN_VPC}: {error.reason}", f"Correct it in {CONFIG}.", name="network")
    if len(vpcs) > 1:
        yield failed(
            f"The subnets and security groups of {IN_VPC} are in several VPCs: "
            f"{', '.join(sorted(vpcs))}.",
            f"Name those of one VPC in {CONFIG}.",
            name="network",
        )

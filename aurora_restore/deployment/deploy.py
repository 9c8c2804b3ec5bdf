"""How a stage comes into an account: checked, planned, confirmed, and only then changed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from aurora_restore.account.identity import Account
from aurora_restore.account.reading_clients import changing_clients
from aurora_restore.account.stack import StackState
from aurora_restore.deployment import (
    chalice,
    chalice_state,
    config_checks,
    deployment_plan,
    invoke_config,
    preflight,
    project,
    sam_package,
    stacks,
)
from aurora_restore.deployment.confirmation import Confirm
from aurora_restore.deployment.deployment_plan import DeploymentPlan
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.deployment.errors import (
    NotReadyError,
    PlanOutdatedError,
    readings_that_fail,
)
from aurora_restore.deployment.paused import kept_paused
from aurora_restore.deployment.stacks import ChangeSets, PreparedStack
from aurora_restore.packaging import building
from aurora_restore.stages import Stage, make_command

Output = Callable[[str], None]
_CONTENTS: Final = {
    "records": "tables and secrets",
    "foundation": "topic, failure queue, alarms, dashboard, parameters",
    "forwarding": "forwards the source's events",
}
"""What is in the stack of each template."""


def deploy(stage: Stage, checkout: Path, output: Output, confirm: Confirm) -> None:
    """Bring the stage into its account, or up to date there; raises DeploymentError.

    Everything is found out before anything is changed, and each part can be repeated: after a
    failure, the same command goes on, or says what has to be done before.
    """
    with readings_that_fail():
        state, findings = preflight.check(stage, checkout)
    for finding in findings:
        output(str(finding))
    with _timed(output, "the package is built"):
        built = project.build(stage, checkout)
    account = replace(state.account, clients=changing_clients())
    digest = building.digest(built)
    with stacks.change_sets(account, output) as change_sets:
        with readings_that_fail():
            plan = deployment_plan.plan(change_sets, state, checkout, digest)
        for line in plan.lines(stage, account.number):
            output(line)
        if confirm("Deploy"):
            state = _still_planned(state, plan, checkout, digest)
        _execute(change_sets, state, plan, built.folder, output)
    for line in _next_steps(account, stage, checkout):
        output(line)
    for line in plan.paused.reminders(stage):
        output(line)


def _still_planned(
    shown: DeploymentState, plan: DeploymentPlan, checkout: Path, digest: str
) -> DeploymentState:
    """Read and check the stage again after the answer, for which the question may have waited long.

    Raises NotReadyError, or PlanOutdatedError where the plan would be another one now.
    """
    with readings_that_fail():
        state, _findings = preflight.check(shown.stage, checkout)
        if not deployment_plan.is_current(plan, shown, state, checkout, digest):
            raise PlanOutdatedError
    return state


def _execute(
    change_sets: ChangeSets,
    state: DeploymentState,
    plan: DeploymentPlan,
    built: Path,
    output: Output,
) -> None:
    account = change_sets.account
    for prepared in plan.stacks:
        with _timed(output, f"stack {_title(prepared)}"):
            _deploy_stack(change_sets, prepared)
    with (
        _timed(output, "twelve functions with their rules, roles and policies"),
        kept_paused(account, state.stage, plan.paused),
    ):
        _deploy_app(account, state, built, output)
    with _timed(output, "retry settings, failure destinations, dead-letter queues, tags"):
        invoke_config.apply(account, state.stage, state.arn("sqs", state.stage.failure_queue))
    for stack in plan.obsolete_stacks:
        what = f"stack {stack.name} in {stack.region}: deleted: no plan uses this source region"
        with _timed(output, what):
            stacks.delete(account, stack)


def _title(prepared: PreparedStack) -> str:
    template = prepared.spec.template.stem
    where = f" in {prepared.spec.region}" if template == "forwarding" else ""
    return f"{prepared.spec.name}{where}: {_CONTENTS[template]}"


def _deploy_stack(change_sets: ChangeSets, prepared: PreparedStack) -> StackState:
    """Create or update a stack. New tables are protected only once they are there.

    A creation that fails takes its tables back, which DynamoDB refuses for protected ones.
    """
    spec = prepared.spec
    if prepared.existing or spec.parameters.get("ProtectTables", "false") == "false":
        return stacks.execute(change_sets, prepared)
    unprotected = replace(spec, parameters={**spec.parameters, "ProtectTables": "false"})
    created = stacks.deploy(change_sets, unprotected, None)
    return stacks.deploy(change_sets, spec, created)


def _deploy_app(account: Account, state: DeploymentState, built: Path, output: Output) -> None:
    stage, resources = state.stage, state.deployed.resources
    project.fill(
        built,
        stage,
        account=account.number,
        partition=account.partition,
        parameters=state.planned_parameters,
    )
    chalice_state.write(stage, built, resources)
    chalice_state.make_log_groups(account, stage)
    chalice.run("deploy", stage.name, built, stage.region, output)
    chalice_state.keep_expiring(account, stage, resources)


def package(stage: Stage, checkout: Path, output: Output) -> None:
    """Write the stage's app as a SAM template and a zip, without asking AWS.

    Raises DeploymentError.
    """
    problems = list(config_checks.of_the_stage(stage))
    if problems:
        raise NotReadyError(problems)
    out = sam_package.package(stage, project.build(stage, checkout).folder)
    account = stage.variables["ACCOUNT_ID"]
    output(f"{out}/sam.json and deployment.zip beside it, for account {account}.")
    output(
        "Its policies are about the plan `default`: without credentials, no others can "
        "be read from SSM."
    )


@contextmanager
def _timed(output: Output, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    output(f"{time.monotonic() - began:5.1f} s  {what}")


def _next_steps(account: Account, stage: Stage, checkout: Path) -> Iterator[str]:
    """Say what only people can do, where it is not done yet."""
    secrets = account.clients("secretsmanager", stage.region)
    for variable in ("MASTER_CREDENTIALS_SECRET_ID", "APP_CREDENTIALS_SECRET_ID"):
        name = stage.variables[variable]
        if not secrets.describe_secret(SecretId=name).get("VersionIdsToStages"):
            yield f"The secret {name} has no value yet: give it one (docs/runbook.md, Deploy)."
    yield f"Look at it with: {make_command('doctor', stage.name, checkout)}"

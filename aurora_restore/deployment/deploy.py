"""The order of things: how a stage comes into an account, and how it goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aurora_restore.deployment import (
    chalice,
    chalice_state,
    config_checks,
    invoke_config,
    preflight,
    project,
    sam_package,
    stack_parameters,
    stacks,
)
from aurora_restore.deployment.account import Account
from aurora_restore.deployment.confirmation import Confirm
from aurora_restore.deployment.errors import NotReadyError
from aurora_restore.stages import Stage, make_command

Output = Callable[[str], None]


def deploy(stage: Stage, checkout: Path, output: Output, confirm: Confirm) -> None:
    """Bring the stage into its account, or up to date there; raises DeploymentError.

    Everything is found out before anything is changed, and each part can be repeated: after a
    failure, the same command goes on, or says what has to be done before.
    """
    state, findings = preflight.check(stage, checkout)
    account, ours = state.account, state.deployed.ours
    for finding in findings:
        output(str(finding))
    confirm("Deploy")
    with _timed(output, "the package is built"):
        built = project.build(stage, checkout)
    with _timed(output, f"stack {stage.records_stack}: tables and secrets"):
        stack_parameters.deploy_records(account, stage, checkout)
    with _timed(
        output,
        f"stack {stage.foundation_stack}: topic, failure queue, alarms, dashboard, parameters",
    ):
        outputs = stack_parameters.deploy_foundation(account, stage, checkout).outputs
    for region in state.source_regions:
        with _timed(
            output, f"stack {stage.forwarding_stack} in {region}: forwards the source's events"
        ):
            stack_parameters.deploy_forwarding(account, stage, checkout, region)
    with _timed(
        output,
        f"chalice deploy --stage {stage.name}: eleven functions with their rules, roles and "
        "policies",
    ):
        project.fill(
            built,
            stage,
            account=account.number,
            partition=account.partition,
            parameters=state.planned_parameters,
        )
        chalice_state.write(stage, built, ours)
        chalice_state.make_log_groups(account, stage)
        chalice.run("deploy", stage.name, built, stage.region, output)
        chalice_state.keep_expiring(account, stage, ours)
    with _timed(
        output, "retries, failure destinations and dead-letter queues, which Chalice cannot set"
    ):
        invoke_config.apply(account, stage, outputs["FailureQueueArn"])
    for forsaken in state.obsolete_stacks:
        with _timed(
            output,
            f"stack {forsaken.name} in {forsaken.region}: gone, no plan has its source there any "
            "more",
        ):
            stacks.delete(account, forsaken)
    for line in _next_steps(account, stage, checkout):
        output(line)


def package(stage: Stage, checkout: Path, output: Output) -> None:
    """Write the stage's app as a SAM template and a zip, without asking AWS.

    Raises DeploymentError.
    """
    problems = list(config_checks.of_the_stage(stage))
    if problems:
        raise NotReadyError(problems)
    out = sam_package.package(stage, project.build(stage, checkout))
    output(
        f"{out}/sam.json and deployment.zip beside it, for account {stage.variables['ACCOUNT_ID']}."
    )
    output(
        "Its policies are about the plan `default`: nobody signed in who could read of others in "
        "SSM."
    )


@contextmanager
def _timed(output: Output, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    output(f"{time.monotonic() - began:5.1f} s  {what}")


def _next_steps(account: Account, stage: Stage, checkout: Path) -> Iterator[str]:
    """Output what only people can do, where it is not done yet."""
    secrets = account.clients("secretsmanager", stage.region)
    for variable in ("MASTER_CREDENTIALS_SECRET_ID", "APP_CREDENTIALS_SECRET_ID"):
        name = stage.variables[variable]
        if not secrets.describe_secret(SecretId=name).get("VersionIdsToStages"):
            yield f"The secret {name} has no value yet: give it one (docs/runbook.md, Deploy)."
    yield f"Look at it with: {make_command('doctor', stage.name, checkout)}"

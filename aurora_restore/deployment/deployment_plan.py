"""Plans a deployment: compares the account with this checkout, and changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora_restore.account.stack import StackState
from aurora_restore.deployment import function_config, invoke_config, project, stack_parameters
from aurora_restore.deployment.changes import PlannedAction, PlannedChange, deletions
from aurora_restore.deployment.deployment_state import DeploymentState
from aurora_restore.deployment.paused import Paused, paused
from aurora_restore.deployment.stacks import ChangeSets, PreparedStack, prepare
from aurora_restore.documents import Described, equivalent, includes
from aurora_restore.stages import FUNCTIONS, Stage
from chalicelib.flow.text_limits import counted

_DELETED: Final = {"iam_role": "_role", "lambda_function": "", "cloudwatch_event": "-event"}
"""What Chalice deletes with a function, and what it adds to the function's name to name that."""


@dataclass(frozen=True)
class DeploymentPlan:
    """Everything that a deployment will do."""

    stacks: tuple[PreparedStack, ...]
    """Records, foundation, and what forwards, in the order in which they are deployed."""
    app: tuple[PlannedChange, ...]
    """Functions and rules."""
    obsolete_stacks: tuple[StackState, ...]
    paused: Paused
    """What somebody stopped, which stays so."""

    @property
    def changes(self) -> list[PlannedChange]:
        """Every change, in the order in which they are made."""
        stacks = [change for stack in self.stacks if (change := stack.change)]
        return [*stacks, *self.app, *map(deletion_of, self.obsolete_stacks)]

    def lines(self, stage: Stage, account: str) -> Iterator[str]:
        """Format the plan for people."""
        changes = self.changes
        place = f"the stage {stage.name} in the account {account}, {stage.region}"
        if changes:
            yield f"Plan for {place}: {counted(len(changes), 'change')}"
            yield from map(str, changes)
        else:
            yield f"No stack, function or rule of {place} changes."
        yield from self.paused.plan()


def deletion_of(stack: StackState) -> PlannedChange:
    """Plan the deletion of a stack."""
    return PlannedChange(PlannedAction.DELETE, "stack", f"{stack.name} in {stack.region}")


def plan(
    change_sets: ChangeSets, state: DeploymentState, checkout: Path, package_digest: str
) -> DeploymentPlan:
    """Plan the deployment of a checkout; of what it makes, change sets, none changes anything."""
    specs = [
        stack_parameters.records_spec(state, checkout),
        stack_parameters.foundation_spec(state, checkout),
        *(
            stack_parameters.forwarding_spec(state, checkout, region)
            for region in state.source_regions
        ),
    ]
    prepared = [prepare(change_sets, spec, state.stack(spec.name, spec.region)) for spec in specs]
    app = _App(state, checkout, package_digest)
    return DeploymentPlan(
        tuple(prepared), tuple(app.changes()), tuple(state.obsolete_stacks), paused(state)
    )


def is_current(
    plan: DeploymentPlan,
    shown: DeploymentState,
    state: DeploymentState,
    checkout: Path,
    package_digest: str,
) -> bool:
    """Tell whether a plan of an earlier state is still that of a later one.

    Change sets are not compared: CloudFormation executes none that is older than its stack's last
    update (user guide).
    """
    app = tuple(_App(state, checkout, package_digest).changes())
    return (_read(shown), plan.app) == (_read(state), app)


def _read(state: DeploymentState) -> tuple[object, ...]:
    """Give what a deployment does beside the changes of its stacks and its app depends on."""
    stacks = [*state.stacks_to_keep, *state.obsolete_stacks]
    return (
        state.account.number,
        state.parameters,
        paused(state),
        sorted(map(str, deletions(state.deployed.resources))),
        [(stack.name, stack.region, stack.parameters) for stack in stacks],
    )


class _App:
    """The functions and rules as this checkout has them."""

    def __init__(self, state: DeploymentState, checkout: Path, package_digest: str) -> None:
        self._state, self._digest = state, package_digest
        self._environment = function_config.environment(state.stage, state.topic_arn)
        self._policies = project.policies_of(
            state.stage,
            checkout / ".chalice",
            account=state.account.number,
            partition=state.account.partition,
            parameters=state.planned_parameters,
        )
        self._queue = state.arn("sqs", state.stage.failure_queue)
        self._in_app = project.functions_of(checkout)

    def changes(self) -> Iterator[PlannedChange]:
        """Compare every function and rule, and find those that left the app."""
        for function in FUNCTIONS:
            yield from self._function(function)
        for function in FUNCTIONS:
            yield from self._rule(function)
        yield from deletions(self._leaving())

    def _function(self, name: str) -> Iterator[PlannedChange]:
        full_name = self._state.stage.function(name)
        deployed = self._state.functions.get(name)
        if deployed is None:
            yield PlannedChange(PlannedAction.CREATE, "function", full_name)
        elif details := tuple(self._function_details(name, deployed)):
            yield PlannedChange(PlannedAction.CHANGE, "function", full_name, details)

    def _function_details(self, name: str, deployed: Described) -> Iterator[str]:
        stage, full_name = self._state.stage, self._state.stage.function(name)
        if deployed["CodeSha256"] != self._digest:
            yield "code"
        yield from function_config.differences(stage, name, deployed, self._environment)
        policy = self._state.find(
            "iam", "get_role_policy", RoleName=full_name, PolicyName=full_name
        )
        if policy is None or not equivalent(policy["PolicyDocument"], self._policies[name]):
            yield "policy"
        retries = self._state.find(
            "lambda", "get_function_event_invoke_config", FunctionName=full_name
        )
        if retries is None or not includes(retries, invoke_config.invocation(name, self._queue)):
            yield "retry settings"

    def _rule(self, name: str) -> Iterator[PlannedChange]:
        rule, full_name = self._state.rules.get(name), self._state.stage.rule(name)
        if rule is None:
            yield PlannedChange(PlannedAction.CREATE, "rule", full_name)
        elif details := tuple(self._rule_details(name, rule)):
            yield PlannedChange(PlannedAction.CHANGE, "rule", full_name, details)

    def _rule_details(self, name: str, rule: Described) -> Iterator[str]:
        if not invoke_config.matches_choreography(self._state.stage, name, rule):
            yield "event pattern"
        function = self._state.arn("lambda", f"function:{self._state.stage.function(name)}")
        target = invoke_config.target(name, function, self._queue)
        if self._state.rule_targets(rule["Name"]) != [target]:
            yield "target"

    def _leaving(self) -> Iterator[Mapping[str, Any]]:
        """Find what is deployed of functions that are in the app no more.

        Chalice deletes their roles, too, and keeps their logs.
        """
        for resource in self._state.deployed.resources:
            suffix = _DELETED.get(resource["resource_type"])
            if suffix is not None and resource["name"].removesuffix(suffix) not in self._in_app:
                yield resource

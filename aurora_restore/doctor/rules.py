"""What wakes the functions: the rules, their targets, and what Chalice cannot set about either."""

import json
from collections.abc import Iterator

from aurora_restore.deployment.invoke_config import matches_choreography
from aurora_restore.deployment.paused import enable_command
from aurora_restore.doctor.functions import no_functions
from aurora_restore.doctor.stacks import deploy
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described, allows, includes, statements_of
from aurora_restore.findings import Finding, failed, ok
from aurora_restore.stages import FUNCTIONS

EVENTS = "events.amazonaws.com"


def rules(view: StageView) -> Iterator[Finding]:
    """Compare each rule with the choreography, and see that its function is its one target."""
    missing = [name for name in FUNCTIONS if name not in view.rules]
    if missing:
        yield failed(f"No rule invokes {', '.join(missing)}.", deploy(view))
    for name, rule in view.rules.items():
        yield from _rule(view, name, rule)
    yield ok(f"{len(view.rules)} are enabled and match the deployed flow.")


def _rule(view: StageView, name: str, rule: Described) -> Iterator[Finding]:
    if rule["State"] == "DISABLED":
        enable = enable_command(view.stage, rule["Name"])
        yield failed(
            f"The rule of {name} is disabled.", f"If nobody stopped it on purpose: {enable}"
        )
    if not matches_choreography(view.stage, name, rule):
        yield failed(
            f"The event pattern of the rule of {name} differs from the choreography.", deploy(view)
        )
    function = view.arn("lambda", f"function:{view.stage.function(name)}")
    if [rule_target["Arn"] for rule_target in view.rule_targets(view.stage.rule(name))] != [
        function
    ]:
        yield failed(f"The rule of {name} has other targets than its function.", deploy(view))
    if name in view.deployed and not _is_let_in(view, name, rule["Arn"]):
        yield failed(f"The rule may not invoke {name}.", deploy(view))


def _is_let_in(view: StageView, name: str, rule_arn: str) -> bool:
    """Tell whether the function's own policy lets EventBridge invoke it for the rule."""
    found = view.find("lambda", "get_policy", FunctionName=view.stage.function(name))
    statements = statements_of(found["Policy"]) if found else []
    for_rule = [
        statement
        for statement in statements
        if rule_arn in json.dumps(statement.get("Condition", {}))
    ]
    return allows({"Statement": for_rule}, EVENTS)


def retry_settings(view: StageView) -> Iterator[Finding]:
    """Check what Chalice cannot set, and wipes: retries, and queues for undeliverable events."""
    yield from no_functions(view)
    wiped = [name for name in view.rules if not _target_is_whole(view, name)]
    if wiped:
        yield failed(
            f"Retries and dead-letter queue are not on the rules of {', '.join(wiped)}.",
            deploy(view),
        )
    unset = [name for name in view.deployed if not _invocation_is_set(view, name)]
    if unset:
        yield failed(
            f"Retries and failure destination are not on {', '.join(unset)}.", deploy(view)
        )
    yield ok(
        f"{len(view.rules)} rules and {len(view.deployed)} functions have what Chalice cannot set."
    )


def _target_is_whole(view: StageView, name: str) -> bool:
    function = view.arn("lambda", f"function:{view.stage.function(name)}")
    wanted = view.expected.target(name, function, view.queue_arn)
    settings = {
        key: value for key, value in wanted.items() if key != "Id"
    }  # a pipeline's stack gives another
    return any(includes(target, settings) for target in view.rule_targets(view.stage.rule(name)))


def _invocation_is_set(view: StageView, name: str) -> bool:
    found = view.find(
        "lambda", "get_function_event_invoke_config", FunctionName=view.stage.function(name)
    )
    wanted = view.expected.invocation(name, view.queue_arn)
    return found is not None and includes(found, wanted)

"""The functions: this checkout's code, the stage's configuration, and no extra permissions."""

import json
from collections.abc import Iterator
from datetime import timedelta

from aurora_restore.deployment.function_config import differences
from aurora_restore.doctor.liveness import log_lines
from aurora_restore.doctor.stacks import deploy
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described, allows, equivalent
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.packaging.dependencies import version_of
from aurora_restore.stages import FUNCTIONS

LAMBDA, LOCK = "lambda.amazonaws.com", "requirements-dev.lock"
SDK_LOGGED_WITHIN = timedelta(days=1)  # a process of a function lives for some hours


def functions(view: StageView) -> Iterator[Finding]:
    """See that the app's functions are ready, and nothing else has the stage's names."""
    missing = [name for name in FUNCTIONS if name not in view.functions]
    if missing:
        yield failed(f"Not deployed: {', '.join(missing)}.", deploy(view))
    for name, each in view.deployed.items():
        yield from _readiness(view, name, each)
        yield from _concurrency(view, name)
    yield from _event_sources(view)
    if surplus := sorted({*view.functions} - {*FUNCTIONS}):
        yield warning(
            f"Deployed, but not in this checkout's app: {', '.join(surplus)}.", deploy(view)
        )
    yield ok(f"{len(view.deployed)} are deployed.")


def _readiness(view: StageView, name: str, one: Described) -> Iterator[Finding]:
    state, update = one.get("State", "Active"), one.get("LastUpdateStatus", "Successful")
    if state == "Failed" or update == "Failed":
        reason = one.get("StateReason") or one.get("LastUpdateStatusReason") or "no reason is given"
        yield failed(f"{name} does not run: {str(reason).rstrip('.')}.", deploy(view))
    elif (state, update) != ("Active", "Successful"):
        yield warning(f"{name} is {state}, its last update {update}.", "Check again in a minute.")


def _concurrency(view: StageView, name: str) -> Iterator[Finding]:
    """See that a function may run: reserved concurrency 0 stops it (Lambda developer guide)."""
    function = view.stage.function(name)
    found = view.service("lambda").call("get_function_concurrency", FunctionName=function)
    if found.get("ReservedConcurrentExecutions") == 0:
        allow = (
            f"aws lambda delete-function-concurrency --region {view.stage.region} "
            f"--function-name {function}"
        )
        yield failed(
            f"{name} cannot run: its reserved concurrency is 0.",
            f"If nobody stopped it on purpose: {allow}",
        )


def _event_sources(view: StageView) -> Iterator[Finding]:
    """Find event sources of the app's functions that somebody disabled."""
    functions = {each["FunctionArn"]: name for name, each in view.deployed.items()}
    found = view.service("lambda").pages("list_event_source_mappings", "EventSourceMappings")
    for each in found:
        name = functions.get(each.get("FunctionArn", ""))
        if name and each.get("State") in ("Disabled", "Disabling"):
            enable = (
                f"aws lambda update-event-source-mapping --region {view.stage.region} --uuid "
                f"{each['UUID']}"
            )
            yield warning(
                f"The event source {each['EventSourceArn']} of {name} is disabled.",
                f"If nobody stopped it on purpose: {enable} --enabled",
            )


def no_functions(view: StageView) -> Iterator[Finding]:
    """Say that there is nothing to look at where no function is deployed."""
    if not view.deployed:
        yield warning("There are no functions to check.", "See the check `functions` first.")


def code(view: StageView) -> Iterator[Finding]:
    """Hold the digest of each function's code against that of the package of this checkout."""
    yield from no_functions(view)
    if not view.deployed:
        return
    digest = view.expected.digest()
    other = [name for name, each in view.deployed.items() if each["CodeSha256"] != digest]
    if other:
        which = (
            "All functions run" if len(other) == len(view.deployed) else f"{', '.join(other)} run"
        )
        yield failed(
            f"{which} other code than this checkout's.",
            f"{deploy(view)} Or run it from the checkout that is deployed, with the Python that "
            "deployed it.",
        )
    yield from _sdk(view)
    yield ok(f"{len(view.deployed)} functions run this checkout's code.")


def _sdk(view: StageView) -> Iterator[Finding]:
    """Hold the AWS SDK that the heartbeat last logged against the one of the package.

    The digest says what is packed. What runs may still be another one, of a layer or a variable.
    """
    seen, packed = _logged_sdk(view), version_of("boto3", view.checkout / LOCK)
    if seen and seen["sdk_version"] != packed:
        yield failed(
            f"The heartbeat runs boto3 {seen['sdk_version']} from {seen['sdk_folder']}, and this "
            f"checkout's package has {packed}.",
            f"{deploy(view)} If that does not help, remove the layer or the variable (PYTHONPATH) "
            "that puts another SDK before it.",
        )


def _logged_sdk(view: StageView) -> Described:
    """Read which SDK the newest process of the heartbeat logged; empty where none is known."""
    found = log_lines(view, "heartbeat", '"sdk_version"', SDK_LOGGED_WITHIN)
    if not found:
        return {}
    newest: Described = json.loads(max(found, key=lambda line: line["timestamp"])["message"])
    return newest


def configuration(view: StageView) -> Iterator[Finding]:
    """Hold each function's settings against the stage's configuration.

    Values of variables are not shown.
    """
    yield from no_functions(view)
    for name, each in view.deployed.items():
        if differ := sorted(differences(view.stage, name, each, view.environment)):
            yield failed(
                f"{name} differs from .chalice/config.json in {', '.join(differ)}.", deploy(view)
            )
    yield ok(f"{len(view.deployed)} functions match .chalice/config.json.")


def roles(view: StageView) -> Iterator[Finding]:
    """See that each function has the role of its name, with its policy and no other."""
    yield from no_functions(view)
    policies = view.expected.policies(view.parameters)
    for name, each in view.deployed.items():
        yield from _role(view, name, each["Role"], policies[name])
    yield ok(f"{len(view.deployed)} roles have their own policy and no other.")


def _role(view: StageView, name: str, arn: str, policy: Described) -> Iterator[Finding]:
    role = view.stage.function(name)
    found = view.find("iam", "get_role", RoleName=role)
    if found is None or found["Role"]["Arn"] != arn:
        yield failed(f"{name} does not run in the role {role}.", deploy(view))
        return
    if not allows(found["Role"]["AssumeRolePolicyDocument"], LAMBDA):
        yield failed(f"The role {role} does not trust Lambda.", deploy(view))
    documents = [view.role_policy(role, policy) for policy in view.role_policies(role)]
    if len(documents) != 1 or not equivalent(documents[0], policy):
        yield failed(
            f"The policy of the role {role} is not the one of this checkout.", deploy(view)
        )
    if attached := view.attached_policies(role):
        yield warning(
            f"Role {role} has extra policies: {', '.join(attached)}.", "Detach what nobody needs."
        )

"""The functions: there, of this checkout's code, configured as the stage says, and with no more rights than meant."""

from collections.abc import Iterator
from typing import Any

from aurora_restore.doctor.observations import Sight, doubtful, fine, wrong
from aurora_restore.doctor.stacks import deploy
from aurora_restore.doctor.stage_view import Patient
from aurora_restore.documents import Described, allows, is_same
from aurora_restore.packaging.platforms import RUNTIME
from aurora_restore.stages import FUNCTIONS

LAMBDA = "lambda.amazonaws.com"


def functions(patient: Patient) -> Iterator[Sight]:
    """See that the app's functions are there and ready, and nothing else under the stage's names."""
    missing = [name for name in FUNCTIONS if name not in patient.functions]
    if missing:
        yield wrong(f"Not deployed: {', '.join(missing)}.", deploy(patient))
    for name, one in patient.deployed.items():
        yield from _readiness(patient, name, one)
        yield from _concurrency(patient, name)
    yield from _event_sources(patient)
    if surplus := sorted({*patient.functions} - {*FUNCTIONS}):
        yield doubtful(
            f"Not of this checkout's app, and still there: {', '.join(surplus)}.", deploy(patient)
        )
    yield fine(f"{len(patient.deployed)} are there.")


def _readiness(patient: Patient, name: str, one: Described) -> Iterator[Sight]:
    state, update = one.get("State", "Active"), one.get("LastUpdateStatus", "Successful")
    if state == "Failed" or update == "Failed":
        reason = one.get("StateReason") or one.get("LastUpdateStatusReason") or "no reason is given"
        yield wrong(f"{name} does not run: {str(reason).rstrip('.')}.", deploy(patient))
    elif (state, update) != ("Active", "Successful"):
        yield doubtful(f"{name} is {state}, its last update {update}.", "Look again in a minute.")


def _concurrency(patient: Patient, name: str) -> Iterator[Sight]:
    """See that a function may run: reserved concurrency 0 switches it off (Lambda developer guide)."""
    function = patient.stage.function(name)
    found = patient.service("lambda").call("get_function_concurrency", FunctionName=function)
    if found.get("ReservedConcurrentExecutions") == 0:
        allow = (
            f"aws lambda delete-function-concurrency --region {patient.stage.region} "
            f"--function-name {function}"
        )
        yield wrong(
            f"{name} cannot run: its reserved concurrency is 0.",
            f"If nobody stopped it on purpose: {allow}",
        )


def _event_sources(patient: Patient) -> Iterator[Sight]:
    """Find event sources of the app's functions that somebody disabled."""
    functions = {one["FunctionArn"]: name for name, one in patient.deployed.items()}
    found = patient.service("lambda").pages("list_event_source_mappings", "EventSourceMappings")
    for one in found:
        name = functions.get(one.get("FunctionArn", ""))
        if name and one.get("State") in ("Disabled", "Disabling"):
            enable = (
                f"aws lambda update-event-source-mapping --region {patient.stage.region} --uuid "
                f"{one['UUID']}"
            )
            yield doubtful(
                f"The event source {one['EventSourceArn']} of {name} is disabled.",
                f"If nobody stopped it on purpose: {enable} --enabled",
            )


def none_to_look_at(patient: Patient) -> Iterator[Sight]:
    """Say that there is nothing to look at where no function is deployed."""
    if not patient.deployed:
        yield doubtful("There are no functions to look at.", "See the check `functions` first.")


def code(patient: Patient) -> Iterator[Sight]:
    """Hold the digest of each function's code against that of the package of this checkout."""
    yield from none_to_look_at(patient)
    if not patient.deployed:
        return
    digest = patient.expected.digest()
    other = [name for name, one in patient.deployed.items() if one["CodeSha256"] != digest]
    if other:
        which = (
            "All functions run"
            if len(other) == len(patient.deployed)
            else f"{', '.join(other)} run"
        )
        yield wrong(
            f"{which} other code than this checkout's.",
            f"{deploy(patient)} Or look from the checkout that is deployed, with the Python that "
            "deployed it.",
        )
    yield fine(f"{len(patient.deployed)} functions run this checkout's code.")


def configuration(patient: Patient) -> Iterator[Sight]:
    """Hold each function's settings against the stage's configuration.

    Values of variables are not shown.
    """
    yield from none_to_look_at(patient)
    for name, one in patient.deployed.items():
        if differ := sorted(_differences(patient, name, one)):
            yield wrong(
                f"{name} differs from .chalice/config.json in {', '.join(differ)}.", deploy(patient)
            )
    yield fine(f"{len(patient.deployed)} functions are as .chalice/config.json says.")


def _differences(patient: Patient, name: str, one: Described) -> Iterator[str]:
    given = {
        "handler": one.get("Handler"),
        "runtime": one.get("Runtime"),
        "lambda_architecture": one.get("Architectures", ["x86_64"]),
        "lambda_timeout": one.get("Timeout"),
        "lambda_memory_size": one.get("MemorySize"),
        "xray": one.get("TracingConfig", {}).get("Mode") == "Active",
        "subnet_ids": sorted(one.get("VpcConfig", {}).get("SubnetIds", [])),
        "security_group_ids": sorted(one.get("VpcConfig", {}).get("SecurityGroupIds", [])),
        "layers": [layer["Arn"] for layer in one.get("Layers", [])],
    }
    yield from (
        setting for setting, value in _settings(patient, name).items() if given[setting] != value
    )
    variables = one.get("Environment", {}).get("Variables", {})
    expected = patient.environment
    yield from (
        f"the variable {key}"
        for key in {*variables, *expected}
        if variables.get(key) != expected.get(key)
    )


def _settings(patient: Patient, name: str) -> dict[str, Any]:
    """Give what Chalice would set. It never updates a handler, nor switches X-Ray off."""

    def setting(key: str, otherwise: Any) -> Any:
        value = patient.stage.function_setting(name, key)
        return otherwise if value is None else value

    return {
        "handler": f"app.{name.replace('-', '_')}",
        "runtime": RUNTIME,
        "lambda_architecture": [setting("lambda_architecture", "x86_64")],
        "lambda_timeout": setting("lambda_timeout", 60),
        "lambda_memory_size": setting("lambda_memory_size", 128),
        "xray": setting("xray", otherwise=False),
        "subnet_ids": sorted(setting("subnet_ids", [])),
        "security_group_ids": sorted(setting("security_group_ids", [])),
        "layers": setting("layers", []),
    }


def roles(patient: Patient) -> Iterator[Sight]:
    """See that each function runs in the role of its name, which has its policy and nothing beside it."""
    yield from none_to_look_at(patient)
    policies = patient.expected.policies(patient.parameters)
    for name, one in patient.deployed.items():
        yield from _role(patient, name, one["Role"], policies[name])
    yield fine(f"{len(patient.deployed)} roles have their own policy and no other.")


def _role(patient: Patient, name: str, arn: str, policy: Described) -> Iterator[Sight]:
    role = patient.stage.function(name)
    found = patient.find("iam", "get_role", RoleName=role)
    if found is None or found["Role"]["Arn"] != arn:
        yield wrong(f"{name} does not run in the role {role}.", deploy(patient))
        return
    if not allows(found["Role"]["AssumeRolePolicyDocument"], LAMBDA):
        yield wrong(f"The role {role} does not trust Lambda.", deploy(patient))
    names = patient.service("iam").pages("list_role_policies", "PolicyNames", RoleName=role)
    attached = patient.service("iam").pages(
        "list_attached_role_policies", "AttachedPolicies", RoleName=role
    )
    documents = [_document(patient, role, one) for one in names]
    if len(documents) != 1 or not is_same(documents[0], policy):
        yield wrong(
            f"The policy of the role {role} is not the one of this checkout.", deploy(patient)
        )
    if attached:
        more = ", ".join(one["PolicyArn"] for one in attached)
        yield doubtful(f"The role {role} may more than meant: {more}.", "Detach what nobody needs.")


def _document(patient: Patient, role: str, policy: str) -> Any:
    return patient.service("iam").call("get_role_policy", RoleName=role, PolicyName=policy)[
        "PolicyDocument"
    ]

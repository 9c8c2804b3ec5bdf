"""What wakes the functions: the rules, their targets, and what Chalice cannot set about either."""

import json
from collections.abc import Iterator

from aurora_restore.deployment.invoke_config import listens
from aurora_restore.doctor.functions import none_to_look_at
from aurora_restore.doctor.observations import Sight, fine, wrong
from aurora_restore.doctor.stacks import deploy
from aurora_restore.doctor.stage_view import Patient
from aurora_restore.documents import Described, allows, contains, statements_of
from aurora_restore.stages import FUNCTIONS

EVENTS = "events.amazonaws.com"


def rules(patient: Patient) -> Iterator[Sight]:
    """Hold each function's rule against the choreography, and see that it leads to its function and nowhere else."""
    missing = [name for name in FUNCTIONS if name not in patient.rules]
    if missing:
        yield wrong(f"No rule wakes {', '.join(missing)}.", deploy(patient))
    for name, rule in patient.rules.items():
        yield from _rule(patient, name, rule)
    yield fine(f"{len(patient.rules)} are enabled and as the choreography has them.")


def _rule(patient: Patient, name: str, rule: Described) -> Iterator[Sight]:
    if rule["State"] == "DISABLED":
        enable = f"aws events enable-rule --region {patient.stage.region} --name {rule['Name']}"
        yield wrong(
            f"The rule of {name} is disabled.", f"If nobody stopped it on purpose: {enable}"
        )
    if not listens(patient.stage, name, rule):
        yield wrong(
            f"The rule of {name} does not listen to what the choreography says.", deploy(patient)
        )
    function = patient.arn("lambda", f"function:{patient.stage.function(name)}")
    if [one["Arn"] for one in _targets(patient, name)] != [function]:
        yield wrong(f"The rule of {name} does not lead to its function alone.", deploy(patient))
    if name in patient.deployed and not _is_let_in(patient, name, rule["Arn"]):
        yield wrong(f"{name} does not let its rule invoke it.", deploy(patient))


def _targets(patient: Patient, name: str) -> list[Described]:
    found: list[Described] = patient.service("events").call(
        "list_targets_by_rule", Rule=patient.stage.rule(name)
    )["Targets"]
    return found


def _is_let_in(patient: Patient, name: str, rule_arn: str) -> bool:
    """Tell whether the function's own policy lets EventBridge invoke it for the rule."""
    found = patient.find("lambda", "get_policy", FunctionName=patient.stage.function(name))
    statements = statements_of(found["Policy"]) if found else []
    for_rule = [one for one in statements if rule_arn in json.dumps(one.get("Condition", {}))]
    return allows({"Statement": for_rule}, EVENTS)


def deliveries(patient: Patient) -> Iterator[Sight]:
    """See what Chalice cannot set, and wipes: how often is tried again, and where what is given up on goes."""
    yield from none_to_look_at(patient)
    wiped = [name for name in patient.rules if not _target_is_whole(patient, name)]
    if wiped:
        yield wrong(
            f"Retries and dead-letter queue are not on the rules of {', '.join(wiped)}.",
            deploy(patient),
        )
    unset = [name for name in patient.deployed if not _invocation_is_set(patient, name)]
    if unset:
        yield wrong(
            f"Retries and failure destination are not on {', '.join(unset)}.", deploy(patient)
        )
    yield fine(
        f"{len(patient.rules)} rules and {len(patient.deployed)} functions have what Chalice "
        "cannot set."
    )


def _target_is_whole(patient: Patient, name: str) -> bool:
    function = patient.arn("lambda", f"function:{patient.stage.function(name)}")
    wanted = patient.expected.target(name, function, patient.queue_arn)
    settings = {
        key: value for key, value in wanted.items() if key != "Id"
    }  # a pipeline's stack gives another
    return any(contains(target, settings) for target in _targets(patient, name))


def _invocation_is_set(patient: Patient, name: str) -> bool:
    found = patient.find(
        "lambda", "get_function_event_invoke_config", FunctionName=patient.stage.function(name)
    )
    wanted = patient.expected.invocation(name, patient.queue_arn)
    return found is not None and contains(found, wanted)

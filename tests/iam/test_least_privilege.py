"""Least privilege, both ways: the policies allow all that was seen to be asked for, and nothing
that was not.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from localaws.iam import PermissionRequest, evaluate, wildcards

from aurora_restore.policies import fill_text
from aurora_restore.stages import CHECKOUT, FUNCTIONS
from chalicelib.flow.choreography import State
from tests.iam.nights import CANCELLED_STEPS, NIGHTS, Night, nights
from tests.refusals.calls import EVERY_CALL

CHANGING = (
    "rds:Add",
    "rds:Copy",
    "rds:Create",
    "rds:Delete",
    "rds:Modify",
    "rds:Restore",
    "rds:Start",
)


def statements(effect: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the statements of all templates with their functions."""
    for function in FUNCTIONS:
        template = json.loads((CHECKOUT / ".chalice" / f"policy-{function}.json").read_text())
        for statement in template["Statement"]:
            if statement["Effect"] == effect:
                yield function, statement


ALLOWED = [pytest.param(*case, id=f"{case[0]} {case[1]['Sid']}") for case in statements("Allow")]


def needed(function: str, sid: str) -> Iterator[tuple[Night, PermissionRequest]]:
    """List what a function asked for, in any night, that its policy allows by one of its statements
    alone.

    A statement about places that a stage has not is not in its policy.
    """
    for night in nights():
        policy = night.policies[function]
        without = policy.without(sid)
        for asker, ask in night.asked:
            if (
                asker == function
                and not evaluate([without], ask.action, ask.resource, ask.context).allowed
            ):
                yield night, ask


def covers(night: Night, resource: str, arn: str) -> bool:
    """Tell whether a resource of a template, filled in as it was for a night, speaks of an ARN."""
    return any(wildcards.matches(pattern, arn) for pattern in fill_text(resource, night.values))


@pytest.mark.parametrize("night", range(len(NIGHTS)), ids=[night.__name__ for night in NIGHTS])
def test_nothing_is_missing(night: int) -> None:
    """The policies allow each call that a function made in any of the nights, and each that Lambda
    made for it.
    """
    lived: Night = nights()[night]
    refused = [
        f"{function}: {ask.action} on {ask.resource} {decision.why}"
        for function, ask in lived.asked
        if not (
            decision := evaluate([lived.policies[function]], ask.action, ask.resource, ask.context)
        ).allowed
    ]

    assert [] == [*lived.denied, *refused]


def test_the_nights_are_what_they_are_called() -> None:
    """The nights end as they were meant to, and make each call that the tests of denied calls
    know.
    """
    ends = {night.name: night.states for night in nights()}
    made = {
        (function, ask.action.partition(":")[2])
        for night in nights()
        for function, ask in night.asked
    }

    others = {
        "interrupted",
        "swapped",
        "swapped_again",
        "rolled_back",
        "swapped_in_vain",
        "like_the_one_before",
        "pointed",
        "taking_turns",
        "pointed_before",
        "swapped_before",
    }
    assert (State.SUCCEEDED, State.RETIRED) == ends["like_the_one_before"]
    assert {State.SUCCEEDED} == {ends[name][-1] for name in ends if name not in others}
    assert (State.FAILED, State.SUCCEEDED, State.RETIRED) == ends["swapped"]
    assert {State.SUCCEEDED, State.RETIRED} == {*ends["swapped_again"]}
    both = (State.SUCCEEDED, State.CANCELLED, State.SUCCEEDED, State.RETIRED)
    assert both == ends["rolled_back"] == ends["swapped_before"]
    assert (State.FAILED,) == ends["swapped_in_vain"]
    assert {State.SUCCEEDED, State.RETIRED} == {*ends["pointed_before"]}
    cancelled = (State.CANCELLED,) * len(CANCELLED_STEPS)
    assert (*cancelled, State.FAILED) == ends["interrupted"]
    assert (State.CANCELLED, State.FAILED, State.SUCCEEDED) == ends["people"]
    assert [] == [
        str(call) for call in EVERY_CALL if (call.step, call.action.partition(":")[2]) not in made
    ]


@pytest.mark.parametrize(("function", "statement"), ALLOWED)
def test_nothing_is_unused(function: str, statement: dict[str, Any]) -> None:
    """Each action and resource of each statement is needed: without it, one of the nights is
    denied.
    """
    found = list(needed(function, statement["Sid"]))
    actions = [
        action
        for action in statement["Action"]
        if not any(wildcards.matches_action(action, ask.action) for _, ask in found)
    ]
    resources = [
        resource
        for resource in statement["Resource"]
        if not any(covers(night, resource, ask.resource) for night, ask in found)
    ]

    assert ([], []) == (actions, resources)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_do_everything_of_a_service(function: str) -> None:
    """No allowed action is a pattern but KMS's data keys, which SNS and RDS ask for by that
    pattern.
    """
    allowed = {
        action
        for name, statement in statements("Allow")
        for action in statement["Action"]
        if name == function
    }

    assert {action for action in allowed if "*" in action} <= {"kms:GenerateDataKey*"}


def test_wildcards_are_for_reading_only() -> None:
    """The resource `*` stands only in a statement that describes, or that denies."""
    everywhere = {
        action
        for _, statement in statements("Allow")
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }

    assert {True} == {action.partition(":")[2].startswith("Describe") for action in everywhere}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_may_change_rds_is_denied_everything_else(function: str) -> None:
    """Each role that may change RDS is denied it in other regions and on other names, whatever else
    is allowed.
    """
    changes = any(
        action.startswith(CHANGING)
        for name, statement in statements("Allow")
        if name == function
        for action in statement["Action"]
    )
    denied = {statement["Sid"] for name, statement in statements("Deny") if name == function}

    assert not changes or {"NeverElsewhere", "NeverOthers"} <= denied

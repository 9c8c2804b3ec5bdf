"""What each function may do, read from the template of its policy."""

import json
from pathlib import Path
from typing import Any

from chalicelib.flow.choreography import STEPS
from tools.reference.tables import code, table

_SHARED = frozenset({"Logs", "Failures", "Records", "Trail", "Announce"})
"""What every function may do: the page says it once."""

_LISTED_MAX = (
    9  # denied actions: the families of all that changes anything are not listed for every function
)
_ABBREVIATED = (("arn:${PARTITION}:", ""), (":${ACCOUNT}:", "::"))
_SAID = {
    "StringEquals": "is",
    "StringNotEquals": "is not",
    "StringLike": "is like",
    "StringNotLike": "is not like",
    "ForAllValues:StringEquals": "has no other values than",
    "ArnEquals": "is",
    "Bool": "is",
    "BoolIfExists": "is, where given,",
    "StringLikeIfExists": "is, where given, like",
}


def of_functions(folder: Path) -> str:
    """List what each function's policy allows beyond what every function may do.

    Then, once, what is denied to whom.
    """
    files = sorted(folder.glob("policy-*.json"), key=_place_in_flow)
    denials: dict[str, list[str]] = {}
    rows = []
    for file in files:
        for statement in _statements(file):
            if statement["Effect"] == "Allow":
                rows.append([code(_function(file)), _actions(statement), _resources(statement)])
            else:
                denials.setdefault(f"{_actions(statement)} on {_resources(statement)}", []).append(
                    _function(file)
                )
    never = [
        f"- Denied to {', '.join(map(code, functions))}: {what}."
        for what, functions in denials.items()
    ]
    return f"{table(['function', 'may', 'on'], rows)}\n\n" + "\n".join(never)


def _place_in_flow(file: Path) -> tuple[int, str]:
    step = _function(file)
    return (STEPS.index(step) if step in STEPS else len(STEPS), step)


def _function(file: Path) -> str:
    return file.stem.removeprefix("policy-")


def _statements(file: Path) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["Statement"]
    return [statement for statement in statements if statement["Sid"] not in _SHARED]


def _actions(statement: dict[str, Any]) -> str:
    if "NotAction" in statement:
        return f"all but {_named(statement['NotAction'])}"
    actions = statement["Action"]
    if statement["Effect"] == "Deny" and len(actions) > _LISTED_MAX:
        return f"every change, from {code(actions[0])} to {code(actions[-1])},"
    return _named(actions)


def _resources(statement: dict[str, Any]) -> str:
    if "NotResource" in statement:
        where = f"all but {_named(statement['NotResource'])}"
    else:
        where = "everything" if statement["Resource"] == ["*"] else _named(statement["Resource"])
    conditions = [
        f"if {_condition(operator, key, values)}"
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    ]
    return "; ".join([where, *conditions])


def _condition(operator: str, key: str, values: list[str]) -> str:
    if operator == "Null":
        return f"{code(key)} is {'missing' if values == ['true'] else 'given'}"
    return f"{code(key)} {_SAID[operator]} {' or '.join(map(code, values))}"


def _named(texts: list[str]) -> str:
    return ", ".join(map(code, map(_short, texts)))


def _short(text: str) -> str:
    for long, short in _ABBREVIATED:
        text = text.replace(long, short)
    return text

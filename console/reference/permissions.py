"""What each function may do, read from its policy."""

import json
from pathlib import Path
from typing import Any

from chalicelib.choreography import STEPS
from console.reference.tables import code, table

_SHARED = frozenset({"Logs", "Records", "Announce"})  # what every function may do: the page says it once


def of_functions(folder: Path) -> str:
    """List what each function's policy allows beyond what every function may do; then, once, what is denied to whom."""
    files = sorted(folder.glob("policy-*.json"), key=_place_in_flow)
    denials: dict[str, list[str]] = {}
    rows = []
    for file in files:
        for statement in _statements(file):
            if statement["Effect"] == "Allow":
                rows.append([code(_function(file)), _actions(statement), _resources(statement)])
            else:
                denials.setdefault(f"{_actions(statement)} on {_resources(statement)}", []).append(_function(file))
    never = [f"Denied to {', '.join(map(code, functions))}: {what}." for what, functions in denials.items()]
    return "\n\n".join([table(["function", "may", "on"], rows), *never])


def _place_in_flow(file: Path) -> tuple[int, str]:
    step = _function(file)
    return (STEPS.index(step) if step in STEPS else len(STEPS), step)


def _function(file: Path) -> str:
    return file.stem.removeprefix("policy-")


def _statements(file: Path) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["Statement"]
    return [statement for statement in statements if statement.get("Sid") not in _SHARED]


def _actions(statement: dict[str, Any]) -> str:
    return ", ".join(map(code, _listed(statement["Action"])))


def _resources(statement: dict[str, Any]) -> str:
    named = ", ".join(code(arn.removeprefix("arn:aws:")) for arn in _listed(statement["Resource"]) if arn != "*")
    conditions = [
        f"if {code(key)} is {' or '.join(map(code, _listed(values)))}"
        for tests in statement.get("Condition", {}).values()
        for key, values in tests.items()
    ]
    return "; ".join([named or "everything", *conditions])


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value

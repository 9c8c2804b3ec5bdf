"""localaws in the docs: the calls that it supports, its durations, and what it refuses."""

from dataclasses import fields

from localaws.aurora import Durations
from localaws.aurora.modelled_actions import ACTIONS
from localaws.modelled import CALLS, PARAMETERS, REASONS, SERVICES

from tools.reference.tables import code, table


def actions() -> str:
    """List the actions of RDS that are modelled, with the parameters that each understands."""
    rows = [
        [code(name), ", ".join(map(code, sorted(action.parameters)))]
        for name, action in sorted(ACTIONS.items())
    ]
    return table(["action", "parameters"], rows)


def durations() -> str:
    """List how long Aurora takes at its own pace."""
    usual = Durations()
    rows = [
        [field.name.replace("_", " "), f"{getattr(usual, field.name):g}"] for field in fields(usual)
    ]
    return table(["what", "seconds"], rows)


def calls() -> str:
    """List the calls of each service that are answered."""
    rows = [[code(name), _listed(sorted(names))] for name, names in sorted(CALLS.items())]
    return table(["service", "calls"], rows)


def _listed(names: list[str]) -> str:
    return ", ".join(map(code, names)) if names != ["*"] else "see above"


def refusals() -> str:
    """List what is refused that people may expect, and why."""
    services = [[code(name), why] for name, why in SERVICES.items()]
    calls = [[f"{code(service)} {code(call)}", why] for (service, call), why in REASONS.items()]
    parameters = [
        [f"{code(name)} of {code(service)} {code(call)}", why]
        for (service, call), names in PARAMETERS.items()
        for name, why in names.items()
    ]
    return table(
        ["service, call or parameter", "why, or what to use"], services + calls + parameters
    )

"""The local AWS in the docs: what its model of Aurora answers, how long things take there, and what is refused."""

from dataclasses import fields

from console.reference.tables import code, table
from localaws.aurora import Durations
from localaws.aurora.actions import ACTIONS
from localaws.eventbridge import EventBridge
from localaws.lambda_http import Lambda


def actions() -> str:
    """List the actions of RDS that are modelled, with the parameters that each understands."""
    rows = [[code(name), ", ".join(map(code, sorted(action.parameters)))] for name, action in sorted(ACTIONS.items())]
    return table(["action", "parameters"], rows)


def durations() -> str:
    """List how long Aurora takes at its own pace."""
    usual = Durations()
    rows = [[field.name.replace("_", " "), f"{getattr(usual, field.name):g}"] for field in fields(usual)]
    return table(["what", "seconds"], rows)


def refusals() -> str:
    """List the actions that are refused by name where moto would accept them and mean nothing by it."""
    services = (("events", EventBridge.refused), ("lambda", Lambda.refused))
    rows = [[f"`{name}` `{action}`", why] for name, refused in services for action, why in refused.items()]
    return table(["action", "why"], rows)

"""The SSM parameters of a stage, and the plans that they and the environment make."""

from collections.abc import Mapping

from chalicelib.plan import Plan
from chalicelib.ports import Ports
from chalicelib.settings import DEFAULT_PLAN, plan_names, resolve_plan


def parameters(ports: Ports) -> Mapping[str, str]:
    """Read every parameter below the stage's path, by the name that follows it; raises what `Service.pages` does."""
    path = ports.settings.parameter_path
    found = ports.service("ssm").pages("get_parameters_by_path", "Parameters", Path=path, Recursive=True)
    return {parameter["Name"].removeprefix(path): parameter["Value"] for parameter in found}


def plans(ports: Ports) -> list[Plan]:
    """Resolve every plan of the stage; raises SettingsError."""
    given = parameters(ports)
    return [
        resolve_plan(ports.settings, name, given, account=ports.account, partition=ports.partition)
        for name in plan_names(given)
    ]


def plan(ports: Ports, name: str = DEFAULT_PLAN) -> Plan | None:
    """Resolve one plan, None if the stage has no such plan; raises SettingsError."""
    given = parameters(ports)
    if name not in plan_names(given):
        return None
    return resolve_plan(ports.settings, name, given, account=ports.account, partition=ports.partition)

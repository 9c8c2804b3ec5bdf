"""The SSM parameters of a stage, and the plans that they and the environment make."""

from collections.abc import Mapping

from chalicelib import observability
from chalicelib.errors import SettingsError
from chalicelib.observability import logger
from chalicelib.plan import Plan
from chalicelib.ports import Ports
from chalicelib.settings import DEFAULT_PLAN, plan_names, resolve_plan


def parameters(ports: Ports) -> Mapping[str, str]:
    """Read every parameter below the stage's path, by the name that follows it; raises what `Service.pages` does."""
    path = ports.settings.parameter_path
    found = ports.service("ssm").pages("get_parameters_by_path", "Parameters", Path=path, Recursive=True)
    return {parameter["Name"].removeprefix(path): parameter["Value"] for parameter in found}


def plans(ports: Ports) -> list[Plan]:
    """Resolve every plan of the stage; one that cannot be resolved stops no other. Raises SettingsError if none can."""
    given = parameters(ports)
    good: list[Plan] = []
    bad: list[SettingsError] = []
    for name in plan_names(given):
        try:
            good.append(_resolve(ports, name, given))
        except SettingsError as error:
            bad.append(error)
            logger.error(str(error))  # the sentences say it all
            observability.count("PlanUnusable", ports.settings.stage, plan=name)
    if bad and not good:
        raise bad[0]
    return good


def plan(ports: Ports, name: str = DEFAULT_PLAN) -> Plan | None:
    """Resolve one plan, None if the stage has no such plan; raises SettingsError."""
    given = parameters(ports)
    return _resolve(ports, name, given) if name in plan_names(given) else None


def _resolve(ports: Ports, name: str, given: Mapping[str, str]) -> Plan:
    return resolve_plan(ports.settings, name, given, account=ports.account, partition=ports.partition)

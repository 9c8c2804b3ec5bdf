"""Reads the SSM parameters of a stage and resolves its plans."""

from collections.abc import Mapping

from chalicelib import observability
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import Plan
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.settings import DEFAULT_PLAN, resolve_plans, unknown_parameters


def parameters(ports: Ports) -> Mapping[str, str]:
    """Read every parameter below the stage's path, by the name that follows it.

    Raises what `Service.pages` does.
    """
    path = ports.settings.parameter_path
    found = ports.service("ssm").pages(
        "get_parameters_by_path", "Parameters", Path=path, Recursive=True
    )
    return {parameter["Name"].removeprefix(path): parameter["Value"] for parameter in found}


def plans(ports: Ports) -> list[Plan]:
    """Resolve every plan of the stage as `valid_plans` does; raises SettingsError if none is."""
    valid, errors = _resolved(ports)
    if errors and not valid:
        raise errors[0]
    return valid


def valid_plans(ports: Ports) -> list[Plan]:
    """Resolve every plan of the stage; an invalid plan stops nothing else.

    Invalid plans, and parameters that nothing reads, are logged and counted.
    """
    return _resolved(ports)[0]


def _resolved(ports: Ports) -> tuple[list[Plan], list[SettingsError]]:
    found = parameters(ports)
    resolved = resolve_plans(
        ports.settings, found, account=ports.account, partition=ports.partition
    )
    errors = [error for error in resolved.values() if isinstance(error, SettingsError)]
    for problem in (*map(str, errors), *unknown_parameters(ports.settings, found)):
        logger.error(problem)
        observability.count("PlanUnusable", ports.settings.stage)
    return [plan for plan in resolved.values() if isinstance(plan, Plan)], errors


def plan(ports: Ports, name: str = DEFAULT_PLAN) -> Plan | None:
    """Resolve one plan, None if the stage has no such plan; raises SettingsError."""
    resolved = resolve_plans(
        ports.settings, parameters(ports), account=ports.account, partition=ports.partition
    )
    found = resolved.get(name)
    if isinstance(found, SettingsError):
        raise found
    return found

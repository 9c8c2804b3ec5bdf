"""The parameters of parameter groups: which can be set, which are, and when they apply."""

from collections.abc import Iterable
from dataclasses import dataclass

from localaws.aurora import servers
from localaws.aurora.arns import CLUSTER_PARAMETER_GROUP
from localaws.aurora.errors import RdsError, invalid_combination, invalid_value, not_modelled
from localaws.aurora.listing import page, read_filters
from localaws.aurora.names import one_of
from localaws.aurora.records import ParameterGroup
from localaws.aurora.state import Answer, Request

SOURCES = frozenset({"user", "system", "engine-default"})
_METHODS = frozenset({"immediate", "pending-reboot"})
_BOOLEAN = "0,1"


@dataclass(frozen=True)
class Parameter:
    """One parameter. `static` ones wait for a reboot.

    `default` None means that the engine chooses.
    """

    name: str
    kind: str
    allowed: str | None
    default: str | None = None
    static: bool = False

    @property
    def apply_type(self) -> str:
        """The word for when a change comes into force."""
        return "static" if self.static else "dynamic"


_OF_BOTH = (
    Parameter("autovacuum_naptime", "integer", "1-2147483"),
    Parameter("client_encoding", "string", None, "UTF8"),
    Parameter("idle_in_transaction_session_timeout", "integer", "0-2147483647", "86400000"),
    Parameter("lock_timeout", "integer", "0-2147483647"),
    Parameter("log_connections", "boolean", _BOOLEAN),
    Parameter("log_disconnections", "boolean", _BOOLEAN),
    Parameter("log_lock_waits", "boolean", _BOOLEAN),
    Parameter("log_min_duration_statement", "integer", "-1-2147483647"),
    Parameter("log_statement", "string", "none,ddl,mod,all"),
    Parameter("max_connections", "integer", "6-262143", static=True),
    Parameter("pg_stat_statements.track", "string", "TOP,ALL,NONE", "TOP"),
    Parameter("random_page_cost", "float", "0-1.79769e+308"),
    Parameter("shared_preload_libraries", "list", None, "pg_stat_statements", static=True),
    Parameter("statement_timeout", "integer", "0-2147483647"),
    Parameter("work_mem", "integer", "64-2147483647"),
)
_OF_CLUSTERS = (
    Parameter("rds.force_ssl", "boolean", _BOOLEAN),
    Parameter("rds.logical_replication", "boolean", _BOOLEAN, "0", static=True),
    Parameter("timezone", "string", None, "UTC"),
)


def parameters_of(group: ParameterGroup) -> dict[str, Parameter]:
    """Return what can be set in a group, by name."""
    more = _OF_CLUSTERS if group.arn.kind == CLUSTER_PARAMETER_GROUP else ()
    return {parameter.name: parameter for parameter in (*_OF_BOTH, *more)}


def describe(request: Request, group: ParameterGroup) -> Answer:
    """List a group's parameters, or those whose value comes from one source."""
    read_filters(request, modelled=set())
    source = request.get("Source")
    if source is not None:
        one_of(request, "Source", SOURCES, source)
    shown = [_show(group, parameter) for parameter in parameters_of(group).values()]
    chosen = [parameter for parameter in shown if source in {None, parameter["Source"]}]
    return page(
        request,
        "Parameters",
        chosen,
        lambda parameter: str(parameter["ParameterName"]),
        lambda parameter: parameter,
    )


def _show(group: ParameterGroup, parameter: Parameter) -> Answer:
    set_by_user = parameter.name in group.values
    value, method = group.values.get(parameter.name, (parameter.default, "pending-reboot"))
    source = "user" if set_by_user else "engine-default" if value is None else "system"
    answer = {
        "ParameterName": parameter.name,
        "ParameterValue": value,
        "Source": source,
        "ApplyType": parameter.apply_type,
        "DataType": parameter.kind,
        "AllowedValues": parameter.allowed,
        "IsModifiable": True,
        "ApplyMethod": method,
    }
    return {name: member for name, member in answer.items() if member is not None}


def modify(request: Request, group: ParameterGroup) -> None:
    """Set parameters of a group, all of them or none."""
    _refuse_default(group)
    known = parameters_of(group)
    changes = {
        str(parameter.get("ParameterName")): _checked(parameter, known)
        for parameter in request["Parameters"]
    }
    group.values |= changes
    _await_reboot(request, group, known, changes)


def reset(request: Request, group: ParameterGroup) -> None:
    """Take parameters of a group back to their defaults: all of them, or those that are named."""
    _refuse_default(group)
    everything = request.get("ResetAllParameters", False)
    if everything == ("Parameters" in request):
        raise invalid_combination("Either ResetAllParameters or Parameters must be given.")
    known = parameters_of(group)
    named = [str(parameter.get("ParameterName")) for parameter in request.get("Parameters", [])]
    for name in named:
        _known(name, known)
    taken_back = [name for name in group.values if everything or name in named]
    for name in taken_back:
        del group.values[name]
    _await_reboot(request, group, known, taken_back)


def _checked(change: Answer, known: dict[str, Parameter]) -> tuple[str, str]:
    name, value = str(change.get("ParameterName")), change.get("ParameterValue")
    method = str(change.get("ApplyMethod", "pending-reboot"))
    parameter = _known(name, known)
    if value is None or method not in _METHODS:
        raise invalid_value(
            f"{name} needs a ParameterValue, and an ApplyMethod of {' or '.join(sorted(_METHODS))}."
        )
    if parameter.static and method == "immediate":
        raise invalid_combination(f"cannot use immediate apply method for static parameter {name}")
    if not _is_allowed(str(value), parameter):
        raise invalid_value(f"{value!r} is no value of {name}: it can be {parameter.allowed}.")
    return str(value), method


def _known(name: str, known: dict[str, Parameter]) -> Parameter:
    if name not in known:
        raise not_modelled(f"The parameter {name} of a parameter group")
    return known[name]


def _is_allowed(value: str, parameter: Parameter) -> bool:
    """Tell whether a value is one of a list or lies in a range of whole numbers.

    Formulas are taken as they are.
    """
    if parameter.allowed is None or "{" in value or parameter.kind == "float":
        return True
    if parameter.kind != "integer":
        return value in parameter.allowed.split(",")
    least, _, most = parameter.allowed.rpartition("-")
    return value.lstrip("-").isdigit() and int(least) <= int(value) <= int(most)


def _refuse_default(group: ParameterGroup) -> None:
    if group.arn.identifier.startswith("default."):
        raise RdsError(
            "InvalidDBParameterGroupState",
            f"{group.arn.identifier} is a default group, which cannot be modified.",
        )


def _await_reboot(
    request: Request, group: ParameterGroup, known: dict[str, Parameter], changed: Iterable[str]
) -> None:
    """Let the instances that a group governs show that they wait for a reboot."""
    methods = {name: group.values[name][1] for name in changed if name in group.values}
    if not any(known[name].static or methods.get(name) == "pending-reboot" for name in changed):
        return
    name, region = group.arn.identifier, request.region
    if group.arn.kind != CLUSTER_PARAMETER_GROUP:
        for instance in region.instances.values():
            if instance.parameter_group == name:
                instance.own_parameters_in_sync = False
        return
    for cluster in region.clusters.values():
        if cluster.options.parameter_group == name:
            for instance in servers.members(request.state, cluster):
                instance.parameters_in_sync = False

"""Reads the stage's settings from the environment, and resolves its plans from SSM and environment.

All problems of a stage or a plan are reported in one message.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chalicelib.flow import parameter_paths, setting_problems
from chalicelib.flow.choreography import event_source
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.parameter_paths import PLANS, POINTERS
from chalicelib.flow.plan import SETTINGS, Plan, contradictions, setting_name

DEFAULT_PLAN = "default"
LISTS = frozenset(
    {
        "vpc_security_group_ids",
        "log_exports",
        "extra_tags",
        "keep_login_roles",
        "trust_definer_functions",
        "quiesce",
        "refresh_days",
    }
)
PLAN_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
PLAN_PARAMETERS = frozenset(field.replace("_", "-") for field in SETTINGS)
# Made by the guide that users come from; nothing reads it.
GUIDE_PARAMETERS = frozenset({"cross-account-role-arn"})


class Settings(BaseModel):
    """The settings that the environment alone holds: the stage, its tables, its intervals."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: str = Field(pattern=r"^[a-z][a-z0-9]{0,15}$")
    state_table_name: str
    audit_table_name: str
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    # For requests that are refused before there is a plan.
    sns_topic_arn: str | None = None
    # Seconds between two ticks: the rate of the schedule.
    heartbeat_interval: int = Field(default=60, ge=1)
    # Seconds between two searches for a snapshot whose event never came.
    catch_up_interval: int = Field(default=300, ge=1)
    # Seconds that an event may be late before it counts as lost.
    catch_up_grace: int = Field(default=900, ge=0)
    variables: Mapping[str, str] = Field(default_factory=dict, repr=False)
    # Where people wrote the variables, as messages say it.
    variables_place: str = "the environment"

    @property
    def stage(self) -> str:
        """The name of the stage."""
        return self.environment

    @property
    def event_source(self) -> str:
        """The source of this stage's own events."""
        return event_source(self.environment)

    @property
    def parameter_path(self) -> str:
        """The path of this stage's SSM parameters."""
        return parameter_paths.of_stage(self.environment)

    def pointer_path(self, plan: str) -> str:
        """Give the path of the parameters that say where a plan's target is."""
        return parameter_paths.of_pointers(self.environment, plan)

    @classmethod
    def to_tell_of_problems(cls, environ: Mapping[str, str]) -> "Settings":
        """Read only the stage's name and topic, unchecked, to notify people of invalid settings."""
        return cls.model_construct(
            environment=environ.get("ENVIRONMENT", "unknown"),
            state_table_name="",
            audit_table_name="",
            sns_topic_arn=environ.get("SNS_TOPIC_ARN") or None,
        )

    @classmethod
    def of_environment(
        cls, environ: Mapping[str, str], place: str = "the environment"
    ) -> "Settings":
        """Read the stage's settings; raises SettingsError with every problem.

        `place` is where people wrote these variables, as messages are to say it.
        """
        given = {name.lower(): value for name, value in environ.items() if value != ""}
        try:
            return cls.model_validate({**given, "variables": given, "variables_place": place})
        except ValidationError as error:
            problems = setting_problems.of_validation(error, {}, place)
            raise SettingsError("The stage's settings cannot be used:", problems) from error


STAGE_SETTINGS = frozenset(Settings.model_fields.keys() - {"variables", "variables_place"})


def resolve_plan(
    settings: Settings, name: str, parameters: Mapping[str, str], *, account: str, partition: str
) -> Plan:
    """Make a plan of SSM parameters, the environment, and defaults, in this order.

    `parameters` are named below the stage's path. A plan other than `default` has parameters of its
    own under `plans/<name>/`, which come before the stage's. Raises SettingsError with every
    problem; a parameter under `plans/<name>/` that nothing reads is one of them.
    """
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for field in SETTINGS:
        if found := _first(settings, parameters, name, field):
            value, places[field] = found
            parts = [part.strip() for part in value.split(",") if part.strip()]
            values[field] = parts if field in LISTS else value
    identity = {"name": name, "stage": settings.stage, "account": account, "partition": partition}
    problems = _unknown_of_plan(settings, name, parameters)
    try:
        plan = Plan.of_settings(**values, **identity)
    except ValidationError as error:
        anywhere = f"{settings.variables_place} or in SSM below {settings.parameter_path}"
        problems += setting_problems.of_validation(error, places, anywhere)
        problems += _contradictions_beside(error, values)
    if problems:
        raise SettingsError(f"The settings of plan {name} cannot be used:", problems)
    return plan


def _contradictions_beside(error: ValidationError, values: Mapping[str, Any]) -> list[str]:
    """Find contradictions among the valid fields.

    Pydantic looks for contradictions only where every field is valid.
    """
    wrong = {setting_name(problem["loc"]) for problem in error.errors() if problem["loc"]}
    if not wrong:
        return []
    return contradictions({field: value for field, value in values.items() if field not in wrong})


def resolve_plans(
    settings: Settings, parameters: Mapping[str, str], *, account: str, partition: str
) -> dict[str, Plan | SettingsError]:
    """Resolve every plan of a stage, each to a plan or to the reason why it is invalid.

    A plan is invalid where its target is another plan's source, or another plan's target.
    """
    resolved: dict[str, Plan | SettingsError] = {}
    for name in plan_names(parameters):
        try:
            resolved[name] = resolve_plan(
                settings, name, parameters, account=account, partition=partition
            )
        except SettingsError as error:
            resolved[name] = error
    plans = [plan for plan in resolved.values() if isinstance(plan, Plan)]
    return (
        resolved
        | _sharing_pointers(plans)
        | _over_sources(plans)
        | _sharing_targets(plans, settings)
    )


def _over_sources(plans: Sequence[Plan]) -> dict[str, SettingsError]:
    sources = {plan.source_cluster_arn for plan in plans}
    return {
        plan.name: SettingsError(
            f"{_part_of(arn, plan)}, {arn}, is the source of another plan: TARGET_CLUSTER_ID "
            "should name a cluster that nobody restores from."
        )
        for plan in plans
        for arn in reversed(plan.target_cluster_arns)
        if arn in sources
    }


def _part_of(arn: str, plan: Plan) -> str:
    if arn == plan.target_cluster_arn:
        return f"The target of plan {plan.name}"
    return f"A cluster that plan {plan.name} makes"


def _sharing_targets(plans: Sequence[Plan], settings: Settings) -> dict[str, SettingsError]:
    sharing: dict[str, list[str]] = defaultdict(list)
    for plan in plans:
        for arn in plan.target_cluster_arns:
            sharing[arn].append(plan.name)
    return {
        name: SettingsError(_shared_target(target, names, settings))
        for target, names in sharing.items()
        if len(names) > 1
        for name in names
    }


def _sharing_pointers(plans: Sequence[Plan]) -> dict[str, SettingsError]:
    """Find plans that would each write where another's target is found."""
    places: dict[str, list[str]] = defaultdict(list)
    for plan in plans:
        if plan.target.points:
            places[f"APP_CREDENTIALS_SECRET_ID, {plan.users.app_credentials_secret_id}"].append(
                plan.name
            )
            if name := plan.target.target_dns_name:
                places[f"TARGET_DNS_NAME, {name}"].append(plan.name)
    return {
        name: SettingsError(
            f"The plans {' and '.join(names)} have the same {place}, and with REPLACEMENT=pointer "
            "each would write there where its target is: none of them is used. Give each its own."
        )
        for place, names in places.items()
        if len(names) > 1
        for name in names
    }


def _shared_target(target: str, names: Sequence[str], settings: Settings) -> str:
    named = [name for name in names if name != DEFAULT_PLAN]
    own = ", ".join(f"{settings.parameter_path}{PLANS}/{name}/target-cluster-id" for name in named)
    return (
        f"The plans {' and '.join(names)} have the same target, {target}, and each would replace "
        "what the other made: none of them is used. Give each its own target in the SSM parameter "
        f"{own}."
    )


_SLASHES = 2  # of `plans/<name>/<setting>`


def plan_names(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """List the plans of a stage: its own, and those that have SSM parameters."""
    named = {
        path.split("/")[1]
        for path in parameters
        if path.startswith(f"{PLANS}/") and path.count("/") == _SLASHES
    }
    others = sorted(plan for plan in named - {DEFAULT_PLAN} if PLAN_NAME.fullmatch(plan))
    return (DEFAULT_PLAN, *others)


def unknown_parameters(settings: Settings, parameters: Mapping[str, str]) -> list[str]:
    """List the SSM parameters of the stage that nothing reads, as sentences.

    Those of a plan are reported when it is resolved.
    """
    path = settings.parameter_path
    found: list[str] = []
    for name in sorted(parameters):
        first, *rest = name.split("/")
        if not rest:
            found += setting_problems.unknown_parameters(
                path, [name], PLAN_PARAMETERS | GUIDE_PARAMETERS
            )
        elif first == POINTERS:
            continue
        elif first != PLANS and not _is_of_another_stage(settings, first):
            found.append(
                f"Nothing reads the SSM parameter {path}{name}: plans are below {path}{PLANS}/."
            )
        elif first == PLANS and len(rest) != 2:  # noqa: PLR2004
            found.append(
                f"Nothing reads the SSM parameter {path}{name}: it should be "
                f"{path}{PLANS}/<plan>/<setting>."
            )
        elif first == PLANS and not PLAN_NAME.fullmatch(rest[0]):
            found.append(
                f"Nothing reads the SSM parameter {path}{name}: {rest[0]!r} is no name of a plan, "
                "which has lower case letters, digits and hyphens."
            )
    return found


def _is_of_another_stage(settings: Settings, first: str) -> bool:
    """Tell whether `first` may be another stage's name: their paths are below prod's.

    What resembles `plans`, such as `plan`, is a misspelling.
    """
    could_be_stage = first.isalnum() and not setting_problems.nearest(first, [PLANS])
    return settings.environment == "prod" and could_be_stage


def _unknown_of_plan(settings: Settings, name: str, parameters: Mapping[str, str]) -> list[str]:
    below = f"{PLANS}/{name}/"
    own = {
        path.removeprefix(below)
        for path in parameters
        if path.startswith(below) and path.count("/") == _SLASHES
    }
    path = settings.parameter_path + below
    return [*setting_problems.unknown_parameters(path, own, PLAN_PARAMETERS)]


def _first(
    settings: Settings, parameters: Mapping[str, str], plan: str, field: str
) -> tuple[str, str] | None:
    """Find the value of a setting, and where it is set."""
    path = field.replace("_", "-")
    for parameter in (f"{PLANS}/{plan}/{path}", path):
        if value := parameters.get(parameter):
            return value, f"the SSM parameter {settings.parameter_path}{parameter}"
    value = settings.variables.get(field)
    return (value, settings.variables_place) if value else None

"""Settings: the stage's environment, and SSM and environment resolved to a `Plan`; every problem in one message."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chalicelib.choreography import event_source
from chalicelib.errors import SettingsError
from chalicelib.plan import Plan, contradictions

DEFAULT_PLAN = "default"
NOT_SETTINGS = frozenset({"name", "stage", "account", "partition"})  # of a plan: given by the world, not by people
LISTS = frozenset({"vpc_security_group_ids", "log_exports", "keep_login_roles"})
PLAN_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Settings(BaseModel):
    """What the environment alone says: the stage, its tables, its pace."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: str = Field(pattern=r"^[a-z][a-z0-9]{0,15}$")
    state_table_name: str
    audit_table_name: str
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")
    sns_topic_arn: str | None = None  # for what is refused before there is a plan
    heartbeat_interval: int = Field(default=60, ge=1)  # seconds between ticks: the schedule's own rate
    catch_up_interval: int = Field(default=300, ge=1)  # seconds between looks for a snapshot whose event never came
    catch_up_grace: int = Field(default=900, ge=0)  # seconds that an event may be late before it is thought lost
    variables: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @property
    def stage(self) -> str:
        """The stage, under the name that people know it by."""
        return self.environment

    @property
    def event_source(self) -> str:
        """The source of this stage's own events."""
        return event_source(self.environment)

    @property
    def parameter_path(self) -> str:
        """Where this stage's SSM parameters live; prod's have no stage in their name."""
        return "/aurora-restore/" if self.environment == "prod" else f"/aurora-restore/{self.environment}/"

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the stage's settings; raises SettingsError with every problem."""
        given = {name.lower(): value for name, value in environ.items() if value != ""}
        try:
            return cls.model_validate({**given, "variables": given})
        except ValidationError as error:
            raise SettingsError(_sentences(error, "The stage's settings cannot be used")) from error


def resolve_plan(settings: Settings, name: str, parameters: Mapping[str, str], *, account: str, partition: str) -> Plan:
    """Make a plan of what SSM says (`parameters`: names below the stage's path), else the environment, else defaults.

    A plan other than `default` has parameters of its own under `plans/<name>/`, which come before the stage's.
    Raises SettingsError with every problem.
    """
    given: dict[str, Any] = {}
    for field in Plan.model_fields.keys() - NOT_SETTINGS:
        value = _first(parameters, settings.variables, name, field)
        if value is not None:
            given[field] = [part.strip() for part in value.split(",") if part.strip()] if field in LISTS else value
    world = {"name": name, "stage": settings.stage, "account": account, "partition": partition}
    try:
        return Plan.model_validate({**given, **world})
    except ValidationError as error:
        wrong = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
        fine = {field: value for field, value in given.items() if field not in wrong}
        further = contradictions(fine) if wrong else []  # pydantic asks for them only when each field is fine
        beginning = f"The settings of plan {name} cannot be used"
        raise SettingsError(" ".join([_sentences(error, beginning), *further])) from error


def resolve_plans(
    settings: Settings, parameters: Mapping[str, str], *, account: str, partition: str
) -> dict[str, Plan | SettingsError]:
    """Make every plan of a stage, or say why it is none: one whose target is another's source is none, either."""
    resolved: dict[str, Plan | SettingsError] = {}
    for name in plan_names(parameters):
        try:
            resolved[name] = resolve_plan(settings, name, parameters, account=account, partition=partition)
        except SettingsError as error:
            resolved[name] = error
    sources = {plan.source_cluster_arn for plan in resolved.values() if isinstance(plan, Plan)}
    for name, plan in resolved.items():
        if isinstance(plan, Plan) and plan.target_cluster_arn in sources:
            resolved[name] = SettingsError(
                f"The target of plan {name}, {plan.target_cluster_arn}, is the source of another plan: "
                "TARGET_CLUSTER_ID should name a cluster that nobody restores from."
            )
    return resolved


def plan_names(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """List the plans of a stage: its own, and those that have SSM parameters."""
    named = {path.split("/")[1] for path in parameters if path.startswith("plans/") and path.count("/") == 2}  # noqa: PLR2004
    return (DEFAULT_PLAN, *sorted(plan for plan in named if PLAN_NAME.fullmatch(plan) and plan != DEFAULT_PLAN))


def _first(parameters: Mapping[str, str], variables: Mapping[str, str], plan: str, field: str) -> str | None:
    path = field.replace("_", "-")
    places = (parameters.get(f"plans/{plan}/{path}"), parameters.get(path), variables.get(field))
    return next((value for value in places if value not in (None, "")), None)


def _sentences(error: ValidationError, beginning: str) -> str:
    return f"{beginning}. " + " ".join(map(_sentence, error.errors()))


def _sentence(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    variable = str(problem["loc"][0]).upper() if problem["loc"] else ""
    if not variable:
        return f"{message}."
    if problem["type"] == "missing":
        return f"{variable} is not set: it should name the {variable.lower().replace('_', ' ')}."
    return f"{variable} is {problem['input']!r}: {message[0].lower()}{message[1:]}."

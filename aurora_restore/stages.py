"""A stage as `.chalice/config.json` describes it, and the names of everything that is its own.

The one place where names are made; the templates under `infra/` spell the same ones, and a test
holds them together.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from aurora_restore.setting_bounds import FRESHNESS_HOURS
from chalicelib.flow.choreography import STEPS, event_source


def _checkout() -> Path:
    """Name the folder that this code lies in, or the current one where pip has installed it."""
    code = Path(__file__).resolve().parents[1]
    return code if (code / ".chalice").is_dir() else Path.cwd()


CHECKOUT: Final = _checkout()
APP: Final = "aurora-restore"
PROD: Final = "prod"
OF_MAKE_UP: Final = (
    "local"  # make looks for its checkout in the data folder unless CHECKOUT is given
)
PROJECT: Final = "AuroraRestore"  # the guide's tag of that name
STAGE_TAG: Final = "aurora-restore:stage"
HOME_TAG: Final = "aurora-restore:home"  # account/region, which the stage is deployed in
SOURCE_TAG: Final = (
    "aurora-restore:source"  # on a forwarding role: the region that it forwards from
)
NOT_OURS_ADVICE: Final = "Remove or rename it if it is yours; else name the stage otherwise."
FUNCTIONS: Final = (*STEPS, "heartbeat", "cancel-restore")
DEPLOYMENT_ONLY: Final = {
    "ACCOUNT_ID": "**Required.** The 12-digit ID of the account to deploy to. Credentials of any "
    "other account are refused.",
    "SOURCE_ACCOUNT_ID": "The account of the source, if different. Refused, because restores from "
    "other accounts are not implemented.",
    "CROSS_ACCOUNT_ROLE_ARN": "The role that `infra/cross-account-role.yaml` creates in that "
    "account.",
    "NOTIFICATION_EMAIL": "An e-mail address to subscribe to the topic. Confirm the subscription "
    "in the e-mail from AWS.",
    "FORWARDING_ALARM_TOPIC_ARN": "A topic in the source region for the alarm about events that "
    "cannot be forwarded.",
    "PROTECT_TABLES": "`true` enables DynamoDB's deletion protection on both tables. Default: "
    "`false`.",
    "FRESHNESS_HOURS": (
        "Hours without a successful restore before the alarm `no-fresh-restore` goes off. Default: "
        f"{FRESHNESS_HOURS.default}."
    ),
}
"""Variables of a stage that its deployment reads and no function is given, with what they mean."""
ALARMS: Final = (
    "failure-queue-not-empty",
    "no-fresh-restore",
    "heartbeat-silent",
    "operation-failed",
    "notification-lost",
    "plan-or-record-unusable",
    "function-errors",
    "function-throttles",
)
FORWARDING_ALARM: Final = "forwarding-queue-not-empty"  # in the source's region
VARIABLES: Final = "environment_variables"
CONFIG: Final = ".chalice/config.json"
LOCAL_ENDPOINT: Final = ".chalice/local-endpoint"  # of the local AWS that a checkout was made for
BUCKET_CHARACTERS_MAX: Final = 63  # S3 user guide, bucket naming rules


class StageError(LookupError):
    """No stage of that name is configured, or nobody can read how. The text is sentences."""


def make_command(target: str, stage: str, checkout: Path) -> str:
    """Write the make command for a stage of a checkout, to be pasted into the same shell."""
    is_default = checkout.resolve() == CHECKOUT and stage != OF_MAKE_UP
    where = "" if is_default else f" CHECKOUT={shlex.quote(str(checkout))}"
    return f"make {target} STAGE={stage}{where}"


def variables_place(stage: "Stage") -> str:
    """Say where people write the variables of a stage."""
    return f"{CONFIG} (environment_variables of stage {stage.name})"


def _unknown(name: str, known: list[str], command: str) -> str:
    stages = ", ".join(known)
    if not name:
        example = known[0] if known else "<stage>"
        return (
            f"The stage is missing: .chalice/config.json has {stages}. Name one of them, for "
            f"example: aurora-restore {command} --stage {example}, or make {command} "
            f"STAGE={example}"
        )
    near = "".join(
        f" Did you mean '{get_close_match}'?"
        for get_close_match in get_close_matches(name, known, n=1)
    )
    return (
        f"There is no stage '{name}': .chalice/config.json has {stages}.{near} Name one of them, "
        "or add yours there."
    )


def _check_variables(variables: Any, stage: str, file: Path) -> None:
    if not isinstance(variables, dict):
        raise StageError(
            f"{file}: environment_variables is no object of names and texts. Correct it."
        )
    for variable, value in variables.items():
        if not isinstance(value, str):
            raise StageError(
                f"{variable} of stage '{stage}' is {json.dumps(value)}, and variables are text: "
                f"write it in quotes in {file}."
            )


@dataclass(frozen=True)
class Stage:
    """One stage: its configuration, with the names that follow from its own name filled in."""

    name: str
    config: Mapping[str, Any]
    """The whole of `config.json`."""

    @classmethod
    def read(cls, name: str, checkout: Path = CHECKOUT, *, command: str = "doctor") -> "Stage":
        """Read a stage from the configuration.

        Raises StageError, which names the make `command` that was meant.
        """
        file = checkout / ".chalice" / "config.json"
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StageError(
                f"There is no {file}. Name the app's folder with --checkout (CHECKOUT= for make). "
                "The stage `local` has its own in the data folder while `make up` runs."
            ) from error
        except (OSError, ValueError) as error:
            raise StageError(f"{file} cannot be read: {error}. Correct it.") from error
        stages = config.get("stages") if isinstance(config, dict) else None
        if not isinstance(stages, dict) or not all(
            isinstance(stage, dict) for stage in stages.values()
        ):
            raise StageError(
                f"{file} has no stages: an object `stages` with an object for each. Correct it."
            )
        if name not in stages:
            raise StageError(_unknown(name, sorted(stages), command))
        for place in (config, stages[name]):
            _check_variables(place.get("environment_variables", {}), name, file)
        return cls(name, config)

    # --- settings ---

    @property
    def variables(self) -> dict[str, str]:
        """All environment variables of the stage.

        The names that follow from the stage's stand in where none is set.
        """
        derived = {
            "ENVIRONMENT": self.name,
            "STATE_TABLE_NAME": self.state_table,
            "AUDIT_TABLE_NAME": self.audit_table,
            "MASTER_CREDENTIALS_SECRET_ID": self.master_secret,
            "APP_CREDENTIALS_SECRET_ID": self.app_secret,
        }
        given: dict[str, str] = {
            **self.config.get("environment_variables", {}),
            **self.config["stages"][self.name].get("environment_variables", {}),
        }
        return derived | {name: value for name, value in given.items() if value != ""}

    @property
    def variables_by_place(self) -> dict[str, Mapping[str, str]]:
        """The environment variables that people wrote, by their key in the configuration."""
        stage = f"stages.{self.name}"
        places: dict[str, Mapping[str, Any]] = {
            "": self.config,
            f"{stage}.": self.config["stages"][self.name],
        }
        for above, place in [*places.items()]:
            for function, settings in place.get("lambda_functions", {}).items():
                places[f"{above}lambda_functions.{function}."] = settings
        return {
            f"{key}{VARIABLES}": place[VARIABLES]
            for key, place in places.items()
            if VARIABLES in place
        }

    @property
    def region(self) -> str:
        """Where the app lives: where the target is, because that is where RDS tells of it.

        Empty if not set.
        """
        return self.variables.get("TARGET_REGION", "")

    @property
    def source_region(self) -> str:
        """Where the source is. Empty if not set."""
        return self.variables.get("SOURCE_REGION", "")

    def function_setting(self, function: str, setting: str) -> Any:
        """Give a setting of one function as Chalice would: the most specific one."""
        stage = self.config["stages"][self.name]
        places = (
            stage.get("lambda_functions", {}).get(function, {}),
            stage,
            self.config.get("lambda_functions", {}).get(function, {}),
            self.config,
        )
        return next((place[setting] for place in places if place.get(setting) is not None), None)

    @property
    def freshness_hours(self) -> int | None:
        """FRESHNESS_HOURS as a number; None where it is none, or out of bounds."""
        return FRESHNESS_HOURS.parse(self.variables.get("FRESHNESS_HOURS", ""))

    def topic_arn(self, account: str, partition: str) -> str:
        """Give the functions' topic: the stage's own in its account, unless it names another."""
        own = f"arn:{partition}:sns:{self.region}:{account}:{self.topic}"
        return self.variables.get("SNS_TOPIC_ARN", own)

    # --- names ---

    def _named(self, rest: str) -> str:
        return f"{APP}-{rest}" if self.name == PROD else f"{APP}-{self.name}-{rest}"

    @property
    def state_table(self) -> str:
        """The table of operations."""
        return self._named("state")

    @property
    def audit_table(self) -> str:
        """The table of the audit trail."""
        return self._named("audit")

    @property
    def topic(self) -> str:
        """The topic that people subscribe to."""
        return self._named("notifications")

    @property
    def failure_queue(self) -> str:
        """The queue of what could not be delivered or done."""
        return self._named("failures")

    @property
    def forwarding_queue(self) -> str:
        """The queue, in the source's region, of what could not be forwarded."""
        return self._named("forwarding-failures")

    @property
    def forwarding_rule(self) -> str:
        """The rule, in the source's region, that forwards."""
        return self._named("forwarding")

    @property
    def key_alias(self) -> str:
        """The alias of the key that encrypts the topic."""
        return f"alias/{self._named('notifications')}"

    @property
    def dashboard(self) -> str:
        """The dashboard."""
        return self._named("dashboard")

    def alarm(self, what: str) -> str:
        """Name an alarm, such as `heartbeat-silent`."""
        return self._named(what)

    def bucket(self, account: str) -> str:
        """Name the bucket for pipelines' packages; its name has to be unique in all AWS."""
        return f"{self._named('deployment')}-{account}-{self.region}"

    @property
    def parameter_path(self) -> str:
        """Where the stage's SSM parameters are."""
        return f"/{APP}/" if self.name == PROD else f"/{APP}/{self.name}/"

    @property
    def master_secret(self) -> str:
        """The secret with the master user's credentials, unless the stage names another."""
        return f"{self.parameter_path[1:]}master-db-credentials"

    @property
    def app_secret(self) -> str:
        """The secret of the application's and reader's users, unless the stage names another."""
        return f"{self.parameter_path[1:]}app-db-credentials"

    @property
    def records_stack(self) -> str:
        """The stack of what outlives a deployment: the tables and the secrets."""
        return self._named("records")

    @property
    def foundation_stack(self) -> str:
        """The stack of everything else that Chalice does not make."""
        return self._named("foundation")

    @property
    def forwarding_stack(self) -> str:
        """The stack in the source's region that forwards its snapshot events."""
        return self._named("forwarding")

    def function(self, name: str) -> str:
        """Name a function as Chalice does: every stage's name is in it, prod's too."""
        return f"{APP}-{self.name}-{name}"

    def rule(self, function: str) -> str:
        """Name the rule that wakes a function as Chalice does."""
        return f"{self.function(function)}-event"

    @property
    def event_source(self) -> str:
        """The source of the stage's own events."""
        return event_source(self.name)

    @property
    def environment_tag(self) -> str:
        """The value of the guide's tag `Environment`."""
        return "Production" if self.name == PROD else self.name

    def home_tags(self, account: str) -> dict[str, str]:
        """Give the tags that say which stage something is of, and where that is deployed."""
        return {STAGE_TAG: self.name, HOME_TAG: f"{account}/{self.region}"}

"""The functions' policies: `.chalice/policy-<function>.json`, filled in for a stage and its plans.

A template names no stage, account or cluster. `${NAME}` stands for a value of the stage; a string
of a list that speaks of a plan (`${TARGET_CLUSTER_ID}`) is repeated for every plan of the stage.
The names are those of `Values.of`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora_restore.stages import CHECKOUT, FUNCTIONS, Stage
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.identifiers import resource_name
from chalicelib.flow.plan import Plan
from chalicelib.settings import Settings, resolve_plans

CHARACTERS_MAX: Final = 10_240
"""What a role's inline policies may have in all, white space left out (IAM user guide, quotas)."""

_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
# Secrets Manager ends every ARN with a hyphen and six characters of its own (user guide).
_WHOLE_SECRET: Final = re.compile(r"arn:.+-[A-Za-z0-9]{6}")


class TemplateError(ValueError):
    """A template cannot be filled in. The text says which, and why."""


@dataclass(frozen=True)
class Values:
    """What the placeholders stand for: values of the stage, and values of each of its plans."""

    stage: Mapping[str, str]
    plans: tuple[Mapping[str, str], ...]

    @classmethod
    def of(
        cls, stage: Stage, plans: Sequence[Plan], *, account: str, partition: str = "aws"
    ) -> "Values":
        """Gather the values of a stage in an account (twelve digits) and its plans."""
        topic = stage.topic_arn(account, partition)
        of_stage = {
            "PARTITION": partition,
            "ACCOUNT": account,
            "REGION": stage.region,
            "STAGE": stage.name,
            "STATE_TABLE": stage.variables["STATE_TABLE_NAME"],
            "AUDIT_TABLE": stage.variables["AUDIT_TABLE_NAME"],
            "TOPIC_ARN": topic,
            "TOPIC_REGION": topic.split(":")[3],
            "FAILURE_QUEUE": stage.failure_queue,
            "PARAMETER_PATH": stage.parameter_path,
            "EVENT_SOURCE": stage.event_source,
            "COPIES": resource_name(stage.name, ""),
            "FUNCTION_PREFIX": stage.function(""),
        }
        secrets = f"arn:{partition}:secretsmanager:{stage.region}:{account}:secret:"
        return cls(of_stage, tuple(_of_plan(plan, secrets) for plan in plans))

    @property
    def names(self) -> frozenset[str]:
        """All names that have a value."""
        return frozenset(self.stage).union(*self.plans)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def is_of_plans(self, name: str) -> bool:
        """Tell whether a name has a value for each plan."""
        return any(name in plan for plan in self.plans)


def plans_of(
    stage: Stage,
    parameters: Mapping[str, str] | None = None,
    *,
    account: str,
    partition: str = "aws",
) -> tuple[Plan, ...]:
    """Resolve the plans of a stage from its variables and its SSM parameters.

    Raises SettingsError for a plan with unusable settings, or whose target is another's source.
    """
    settings = Settings.of_environment(stage.variables)
    resolved = resolve_plans(settings, parameters or {}, account=account, partition=partition)
    plans = []
    for plan in resolved.values():
        if isinstance(plan, SettingsError):
            raise plan
        plans.append(plan)
    return tuple(plans)


def fill_policy(
    function: str, values: Values, templates: Path = CHECKOUT / ".chalice"
) -> dict[str, Any]:
    """Fill in a function's policy; raises TemplateError, also where it exceeds AWS's limit."""
    file = templates / f"policy-{function}.json"
    template = json.loads(file.read_text(encoding="utf-8"))
    policy: dict[str, Any] = _Filling(values, file.name).fill(template)
    characters = len("".join(json.dumps(policy).split()))
    if characters > CHARACTERS_MAX:
        raise TemplateError(
            f"{file.name} has {characters} characters for {len(values.plans)} plans, and AWS takes "
            f"{CHARACTERS_MAX}: give some of the plans a stage of their own."
        )
    return policy


def fill_text(text: str, values: Values, place: str = "a text") -> list[str]:
    """Fill in one string of a list: once, or once for each plan that makes a difference.

    Raises TemplateError.
    """
    texts: list[str] = _Filling(values, place).fill([text])
    return texts


def write(values: Values, folder: Path, templates: Path = CHECKOUT / ".chalice") -> None:
    """Write every function's policy into a folder, under the name of its template.

    Raises TemplateError.
    """
    policies = {function: fill_policy(function, values, templates) for function in FUNCTIONS}
    for function, policy in policies.items():
        text = json.dumps(policy, indent=2) + "\n"
        (folder / f"policy-{function}.json").write_text(text, encoding="utf-8")


def _of_plan(plan: Plan, secrets: str) -> Mapping[str, str]:
    return {
        "SOURCE_REGION": plan.source.region,
        "SOURCE_CLUSTER_ID": plan.source.cluster_id,
        "TARGET_REGION": plan.target.region,
        "TARGET_CLUSTER_ID": plan.target.cluster_id,
        "SNS_TOPIC_ARN": plan.reports.sns_topic_arn,
        "SNS_TOPIC_REGION": plan.reports.sns_topic_arn.split(":")[3],
        "MASTER_SECRET_ARN": _secret(plan.users.master_credentials_secret_id, secrets),
        "APP_SECRET_ARN": _secret(plan.users.app_credentials_secret_id, secrets),
    }


def _secret(reference: str, beginning: str) -> str:
    """Name a secret's ARN, with `?` for the six characters that only its creation decides."""
    if _WHOLE_SECRET.fullmatch(reference):
        return reference
    arn = reference if reference.startswith("arn:") else f"{beginning}{reference}"
    return f"{arn}-??????"


class _Filling:
    """Fills in one template."""

    def __init__(self, values: Values, file: str) -> None:
        self._values, self._file = values, file

    def fill(self, template: Any) -> Any:
        """Fill in whatever stands in a template: objects, lists, strings."""
        if isinstance(template, dict):
            return {key: self.fill(value) for key, value in template.items()}
        if isinstance(template, list):
            items = (filled for item in template for filled in self._items(item))
            return list(_without_repetitions(items))
        return self._text(template, {}) if isinstance(template, str) else template

    def _items(self, item: Any) -> Iterator[Any]:
        """Fill in one item of a list: once, or once for each plan."""
        if isinstance(item, str) and any(map(self._values.is_of_plans, _PLACEHOLDER.findall(item))):
            yield from (self._text(item, plan) for plan in self._values.plans)
        else:
            yield self.fill(item)

    def _text(self, text: str, plan: Mapping[str, str]) -> str:
        return _PLACEHOLDER.sub(lambda found: self._value(found[1], plan), text)

    def _value(self, name: str, plan: Mapping[str, str]) -> str:
        if name not in self._values:
            known = ", ".join(sorted(self._values.names))
            raise TemplateError(
                f"{self._file} asks for ${{{name}}}, which nobody fills in: there are {known}."
            )
        value = self._values.stage.get(name) or plan.get(name)
        if not value:
            of_stage = f"for the stage {self._values.stage['STAGE']}"
            where = "outside a list" if self._values.is_of_plans(name) else of_stage
            raise TemplateError(f"{self._file} asks for ${{{name}}}, which has no value {where}.")
        return value


def _without_repetitions(items: Iterator[Any]) -> Iterator[Any]:
    """Leave out repeated items: plans share many values, and a policy's length is limited."""
    seen: list[Any] = []
    for item in items:
        if item not in seen:
            seen.append(item)
            yield item

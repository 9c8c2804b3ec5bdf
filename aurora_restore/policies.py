"""The functions' policies: `.chalice/policy-<function>.json`, filled in for a stage and its plans.

A template names no stage, account or cluster. `${NAME}` stands for a value of the stage; a string
of a list that speaks of a plan (`${TARGET_CLUSTER_ID}`) is repeated for every plan of the stage.
The names are those of `Values.of`. A permission that a plan does not use (`UNUSED`) is left out,
and with the last string of a list the whole statement.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora_restore.stages import CHECKOUT, FUNCTIONS, Stage
from chalicelib.flow.cluster_names import pointed_names, swap_names
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.identifiers import resource_name
from chalicelib.flow.parameter_paths import POINTERS
from chalicelib.flow.plan import Plan, cluster_arn
from chalicelib.settings import Settings, resolve_plans

CHARACTERS_MAX: Final = 10_240
"""What a role's inline policies may have in all, white space left out (IAM user guide, quotas)."""

UNUSED: Final = "-"
"""The value of a plan's placeholder that none of its settings needs."""
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")
# Secrets Manager ends every ARN with a hyphen and six characters of its own (user guide).
_WHOLE_SECRET: Final = re.compile(r"arn:.+-[A-Za-z0-9]{6}")


class TemplateError(ValueError):
    """A template cannot be filled in. The text says which, and why."""


@dataclass(frozen=True)
class Values:
    """What the placeholders stand for: values of the stage, and values of each of its plans.

    A plan with several EXTRA_TAGS has a mapping for each of them.
    """

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
        sources = frozenset(plan.source_cluster_arn for plan in plans)
        adopting = _regions_of_adoption(plans)
        of_plans = (
            {
                **_of_plan(plan, sources, secrets),
                **_of_adoption(plan, adopting, sources),
                **_of_sources(plan, plans),
                **_of_pointers(plan, stage.parameter_path, secrets),
                "EXTRA_TAG_KEY": key,
            }
            for plan in plans
            for key in plan.target.tags or (UNUSED,)
        )
        return cls(of_stage, tuple(of_plans))

    @property
    def names(self) -> frozenset[str]:
        """All names that have a value."""
        return frozenset(self.stage).union(*self.plans)

    @property
    def count(self) -> int:
        """The number of plans."""
        return len({(plan["TARGET_REGION"], plan["TARGET_CLUSTER_ID"]) for plan in self.plans})

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
            f"{file.name} has {characters} characters for {values.count} plans, and AWS takes "
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


def _of_plan(plan: Plan, sources: Collection[str], secrets: str) -> Mapping[str, str]:
    names = _other_names(plan, sources)
    return {
        "SOURCE_REGION": plan.source.region,
        "SOURCE_CLUSTER_ID": plan.source.cluster_id,
        "TARGET_REGION": plan.target.region,
        "TARGET_CLUSTER_ID": plan.target.cluster_id,
        "NEXT_CLUSTER_ID": names[0],
        "PREVIOUS_CLUSTER_ID": names[1],
        "MONITORING_ROLE": (plan.target.monitoring_role_arn or UNUSED).partition(":role/")[2]
        or UNUSED,
        "ASSOCIATED_ROLES": "*" if plan.target.keep_associated_roles else UNUSED,
        "FIRST_CLUSTER_ID": names[2],
        "SECOND_CLUSTER_ID": names[3],
        "SNS_TOPIC_ARN": plan.reports.sns_topic_arn,
        "SNS_TOPIC_REGION": plan.reports.sns_topic_arn.split(":")[3],
        "MASTER_SECRET_ARN": _secret(plan.users.master_credentials_secret_id, secrets),
        "APP_SECRET_ARN": _secret(plan.users.app_credentials_secret_id, secrets),
    }


def _regions_of_adoption(plans: Sequence[Plan]) -> frozenset[str]:
    """Name the regions in which readers may be tagged whoever made them.

    Never a source's: nothing but the tags keeps its instances apart there.
    """
    adopting = {plan.target.region for plan in plans if plan.target.adopt_readers}
    return frozenset(adopting - {plan.source.region for plan in plans})


def _of_sources(plan: Plan, plans: Sequence[Plan]) -> Mapping[str, str]:
    """Say whether the target's region has a source of the stage, whose endpoints have any name."""
    region = plan.target.region
    has_source = region in {other.source.region for other in plans}
    return {
        "REGION_WITH_SOURCE": region if has_source else UNUSED,
        "REGION_WITHOUT_SOURCE": UNUSED if has_source else region,
    }


def _of_adoption(
    plan: Plan, regions: Collection[str], sources: Collection[str]
) -> Mapping[str, str]:
    """Say what ADOPT_READERS needs to tag."""
    target = plan.target
    names = _other_names(plan, sources)[2:]
    first, second = names if target.adopt_readers else (UNUSED, UNUSED)
    return {
        "ADOPTING_CLUSTER_ID": target.cluster_id if target.adopt_readers else UNUSED,
        "ADOPTING_FIRST_ID": first,
        "ADOPTING_SECOND_ID": second,
        "ADOPTING_REGION": target.region if target.region in regions else UNUSED,
        "UNADOPTED_REGION": UNUSED if target.region in regions else target.region,
    }


def _of_pointers(plan: Plan, path: str, secrets: str) -> Mapping[str, str]:
    """Give the places that a plan's pointers are in; those to write are unused where it has none.

    So only a stage with REPLACEMENT=pointer has a function that writes a secret. They are read
    whatever REPLACEMENT is: a previous target that was kept before a change of it is deleted only
    if no pointer names it.
    """
    target = plan.target
    folder, zone_id = f"{path}{POINTERS}/{plan.name}/", target.target_dns_zone_id or UNUSED
    written = {
        "POINTED_SECRET_ARN": _secret(plan.users.app_credentials_secret_id, secrets),
        "POINTERS": folder,
        "DNS_ZONE_ID": zone_id,
        "DNS_NAME": target.target_dns_name or UNUSED,
    }
    read = {"READ_POINTERS": folder, "READ_DNS_ZONE_ID": zone_id}
    return read | (written if target.points else dict.fromkeys(written, UNUSED))


def _other_names(plan: Plan, sources: Collection[str]) -> tuple[str, ...]:
    """Name the target's other clusters, whatever REPLACEMENT is.

    So a change of REPLACEMENT needs no deployment, and a cluster that was kept before it can still
    be deleted. A source that has one of the names is never named as a target's.
    """
    target = plan.target
    where = (plan.partition, target.region, plan.account)
    return tuple(
        target.cluster_id if cluster_arn(*where, name) in sources else name
        for name in (*swap_names(target.cluster_id), *pointed_names(target.cluster_id))
    )


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
        """Fill in one item of a list: once, or once for each plan that uses it."""
        if isinstance(item, dict):
            filled = self.fill(item)
            if not _is_unused(filled):
                yield filled
            return
        names = _PLACEHOLDER.findall(item) if isinstance(item, str) else []
        if not any(map(self._values.is_of_plans, names)):
            yield self.fill(item)
            return
        for plan in self._values.plans:
            if UNUSED not in (plan.get(name) for name in names):
                yield self._text(item, plan)

    def _text(self, text: str, plan: Mapping[str, str]) -> str:
        return _PLACEHOLDER.sub(lambda found: self._value(found[1], plan), text)

    def _value(self, name: str, plan: Mapping[str, str]) -> str:
        if name not in self._values:
            known = ", ".join(sorted(self._values.names))
            raise TemplateError(
                f"{self._file} has the placeholder ${{{name}}}, which is unknown: there are "
                f"{known}."
            )
        value = self._values.stage.get(name) or plan.get(name)
        if not value:
            of_stage = f"for the stage {self._values.stage['STAGE']}"
            where = "outside a list" if self._values.is_of_plans(name) else of_stage
            raise TemplateError(
                f"{self._file} has the placeholder ${{{name}}}, which has no value {where}."
            )
        return value


def _is_unused(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement applies to nothing, because no plan uses it.

    An empty list of anything but resources would be another condition, so a Deny has none.
    """
    if statement.get("Resource") == []:
        return True
    tests = statement.get("Condition", {}).values()
    return statement.get("Effect") == "Allow" and any([] in test.values() for test in tests)


def _without_repetitions(items: Iterator[Any]) -> Iterator[Any]:
    """Leave out repeated items: plans share many values, and a policy's length is limited."""
    seen: list[Any] = []
    for item in items:
        if item not in seen:
            seen.append(item)
            yield item

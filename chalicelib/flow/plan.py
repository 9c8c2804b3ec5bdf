"""A plan: what is restored to where, and how, by the phases of a restore.

Resolved once when an operation starts, then frozen in its record. `setting_definitions` has the
bounds and the default of each setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from chalicelib.flow.cluster_names import pointed_names, swap_names
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.setting_definitions import (
    HOUR,
    SERVERLESS,
    SWAPPED_ID_MAX,
    CopyPlan,
    ReportPlan,
    SchedulePlan,
    Seconds,
    SourcePlan,
    TargetPlan,
    UserPlan,
)

SIDES = ("source", "target")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every setting of one kind of restore. Durations are whole seconds.

    Identifiers are lower case, as RDS keeps them. A plan whose target is its source is an error
    (ValueError): identifiers are compared as whole ARNs.
    """

    name: str
    stage: str
    account: Annotated[str, Field(pattern=r"^\d{12}$")]
    partition: str = "aws"
    step_deadline: Seconds = HOUR
    source: SourcePlan
    copies: CopyPlan
    target: TargetPlan
    users: UserPlan
    schedule: SchedulePlan = field(default_factory=SchedulePlan)
    reports: ReportPlan

    def __post_init__(self) -> None:
        """Raise ValueError for settings that contradict each other."""
        if wrong := contradictions({name: self.setting(name) for name in SETTINGS}):
            raise ValueError("\n".join(wrong))

    @classmethod
    def of_settings(cls, **settings: Any) -> "Plan":
        """Make a plan of settings by their names; raises pydantic.ValidationError.

        A setting's name is its variable in lower case, such as `source_region`. Beside the settings
        there are `name`, `stage`, `account` and `partition`.
        """
        return _ADAPTER.validate_python(nested(settings))

    @classmethod
    def of_item(cls, item: Any) -> "Plan":
        """Read what `to_item` wrote; raises pydantic.ValidationError."""
        return _ADAPTER.validate_python(item)

    def to_settings(self) -> dict[str, Any]:
        """Write the plan as JSON with the settings by their names, as `of_settings` takes them."""
        item = self.to_item()
        settings = {
            name: (item[group] if group else item)[field]
            for name, (group, field) in SETTINGS.items()
        }
        return {**settings, **{name: item[name] for name in _NOT_SETTINGS}}

    def to_item(self) -> dict[str, Any]:
        """Write the plan as JSON knows it, as records and events have it."""
        item: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return item

    def setting(self, name: str) -> Any:
        """Read a setting by its name."""
        group, field = SETTINGS[name]
        return getattr(getattr(self, group) if group else self, field)

    @property
    def source_cluster_arn(self) -> str:
        """The one cluster that is never touched."""
        source = self.source
        return cluster_arn(self.partition, source.region, self.account, source.cluster_id)

    @property
    def target_cluster_arn(self) -> str:
        """The one cluster that is replaced."""
        return self._arn_in_target(self.target.cluster_id)

    @property
    def target_cluster_arns(self) -> tuple[str, ...]:
        """Every cluster that this plan may make, rename or delete."""
        return tuple(map(self._arn_in_target, self.target.cluster_ids))

    def target_snapshot_arn(self, identifier: str) -> str:
        """Give the ARN of a cluster snapshot in the target's region."""
        where = f"{self.target.region}:{self.account}"
        return f"arn:{self.partition}:rds:{where}:cluster-snapshot:{identifier}"

    def _arn_in_target(self, cluster_id: str) -> str:
        return cluster_arn(self.partition, self.target.region, self.account, cluster_id)

    @property
    def owner(self) -> str:
        """The value of the ownership tag."""
        return f"{self.stage}/{self.name}"

    def seconds(self, deadline: str) -> int:
        """Give a budget by its setting's name.

        The guide's attempts x interval, when set, is the budget instead.
        """
        copies, target = self.copies, self.target
        if deadline == "copy_deadline" and copies.max_copy_attempts:
            return copies.max_copy_attempts * copies.copy_check_interval
        if deadline in _OF_RESTORE and target.max_restore_attempts:
            return target.max_restore_attempts * target.restore_check_interval
        if deadline == "previous_deadline":
            return target.keep_previous_hours * HOUR + target.delete_deadline
        return int(self.setting(deadline))

    def setting_of(self, deadline: str) -> str:
        """Name the variable that makes a budget longer."""
        if deadline == "copy_deadline" and self.copies.max_copy_attempts:
            return "MAX_COPY_ATTEMPTS"
        if deadline in _OF_RESTORE and self.target.max_restore_attempts:
            return "MAX_RESTORE_ATTEMPTS"
        return "DELETE_DEADLINE" if deadline == "previous_deadline" else deadline.upper()

    def refuse_source(self, resource_id: str, source_resource_id: str | None) -> None:
        """Raise RefusedError when the cluster to replace is the source under another name."""
        if resource_id == source_resource_id:
            raise RefusedError(
                f"The target {self.target_cluster_arn} is the source cluster itself: both have the "
                f"resource id {resource_id}.",
                "Set TARGET_CLUSTER_ID and TARGET_REGION to the cluster that is to be replaced.",
                retry=Retry.NEW_REQUEST,
            )


_OF_RESTORE = ("restore_deadline", "instance_deadline")
_GROUPS: Mapping[str, type] = {
    "source": SourcePlan,
    "copies": CopyPlan,
    "target": TargetPlan,
    "users": UserPlan,
    "schedule": SchedulePlan,
    "reports": ReportPlan,
}
_NOT_SETTINGS = ("name", "stage", "account", "partition")
_OF_A_SIDE = ("region", "cluster_id")  # their settings say whose: source_region, target_region
SETTINGS: Mapping[str, tuple[str, str]] = {
    "step_deadline": ("", "step_deadline"),
    **{
        f"{group}_{known.name}" if known.name in _OF_A_SIDE else known.name: (group, known.name)
        for group, part in _GROUPS.items()
        for known in fields(part)
    },
}
"""The place of each setting in a plan: its group, "" for the plan itself, and its name there."""


def default_of(name: str) -> Any:
    """Give a setting's default by its name."""
    group, field = SETTINGS[name]
    part = _GROUPS[group] if group else Plan
    return next(known.default for known in fields(part) if known.name == field)


_ADAPTER = TypeAdapter(Plan)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Sort settings by their names into the groups of a plan; what is no setting stays on top."""
    plan: dict[str, Any] = {group: {} for group in _GROUPS}
    for name, value in values.items():
        group, field = SETTINGS.get(name, ("", name))
        (plan[group] if group else plan)[field] = value
    return plan


def setting_name(place: tuple[int | str, ...]) -> str:
    """Name the setting at a place of a plan, as pydantic gives the places of errors."""
    group, *rest = map(str, place)
    field = rest[0] if rest and group in _GROUPS else group
    found = (name for name, where in SETTINGS.items() if where in ((group, field), ("", field)))
    return next(found, field)


def plan_schemas() -> dict[str, Any]:
    """Describe each setting as JSON Schema does, by its name: type, bounds, default."""
    schema = _ADAPTER.json_schema()
    parts = {group: schema["$defs"][part.__name__] for group, part in _GROUPS.items()} | {
        "": schema
    }
    return {name: parts[group]["properties"][field] for name, (group, field) in SETTINGS.items()}


def cluster_arn(partition: str, region: str, account: str, cluster_id: str) -> str:
    """Give the ARN of a cluster, in lower case as RDS does."""
    return f"arn:{partition}:rds:{region}:{account}:cluster:{cluster_id}".lower()


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """List the contradictions between settings that are valid by themselves, as sentences.

    Missing settings are ignored.
    """
    wrong = []
    source, target = (
        tuple(str(values.get(f"{side}_{part}", side)).lower() for part in ("region", "cluster_id"))
        for side in SIDES
    )
    replacement = values.get("replacement", "swap")
    others = {"swap": swap_names, "pointer": pointed_names}.get(replacement)
    names = others(target[1]) if others else ()
    if source == target:
        wrong.append(
            "SOURCE_CLUSTER_ID, TARGET_CLUSTER_ID: the target is the source cluster itself; name "
            "another target, or another TARGET_REGION."
        )
    elif source[0] == target[0] and source[1] in names:
        wrong.append(
            f"SOURCE_CLUSTER_ID, TARGET_CLUSTER_ID: the source has the name {source[1]}, which "
            f"REPLACEMENT={replacement} needs; name another target, or set "
            "REPLACEMENT=delete-first."
        )
    if names and len(str(values.get("target_cluster_id", ""))) > SWAPPED_ID_MAX:
        wrong.append(
            f"TARGET_CLUSTER_ID: should have at most {SWAPPED_ID_MAX} characters, because the "
            "clusters that are swapped have longer names; or set REPLACEMENT=delete-first."
        )
    if (values.get("target_dns_name") is None) != (values.get("target_dns_zone_id") is None):
        wrong.append("TARGET_DNS_NAME, TARGET_DNS_ZONE_ID: set both, or neither.")
    notice, deadline = values.get("notice_minutes"), values.get("delete_deadline")
    if notice and deadline and float(notice) * 60 >= float(deadline):
        wrong.append("NOTICE_MINUTES: should be shorter than DELETE_DEADLINE, which includes it.")
    low, high = (values.get(f"serverless_{bound}_capacity") for bound in ("min", "max"))
    instance_class = values.get("instance_class")
    is_other_class = instance_class not in (None, SERVERLESS)
    if (low is None) != (high is None) or (is_other_class and low is not None):
        wrong.append(
            "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY: set both or neither, and neither "
            f"with another INSTANCE_CLASS than {SERVERLESS}."
        )
    if low is not None and high is not None and float(low) > float(high):
        wrong.append("SERVERLESS_MAX_CAPACITY: should be at least SERVERLESS_MIN_CAPACITY.")
    return wrong

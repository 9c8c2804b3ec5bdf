"""A plan: what is restored to where, and how, by the phases of a restore.

Resolved once when an operation starts, then frozen in its record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.quiesce_kinds import ALL, KINDS, chosen

HOUR = 3600
SIDES = ("source", "target")
OWNER_TAG = "aurora-restore"  # value: <stage>/<plan>, on everything that the plan makes
OPERATION_TAG = "aurora-restore-operation"  # value: the first operation of a chain of reruns
ARCHIVED_TAG = "aurora-restore-archived"  # value: when the copy was archived
CLUSTER_ID_MAX = 57  # an instance's name adds a dash and up to five digits, of 63 in all


def _rds_identifier(value: str) -> str:
    value = value.lower()
    letters = value.replace("-", "")
    legal = letters.isalnum() and letters.isascii() and value[0].isalpha()
    if not legal or "--" in value or value[-1] == "-":
        raise ValueError(
            "should be an RDS identifier: letters, digits and single hyphens, beginning with a "
            "letter"
        )
    return value


def _known_kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    chosen(value)
    return value


Identifier = Annotated[str, AfterValidator(_rds_identifier)]
Seconds = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """The production cluster, and which of its snapshots are restored."""

    region: str
    cluster_id: Identifier
    snapshot_prefix: str | None = None
    snapshot_age_max_hours: Annotated[int, Field(ge=1)] = 36
    snapshot_deadline: Seconds = 6 * HOUR


@dataclass(frozen=True, kw_only=True)
class CopyPlan:
    """How the snapshot is copied, and whether the copy is kept."""

    kms_key_id: str | None = None
    copy_check_interval: Seconds = 30
    max_copy_attempts: Annotated[int | None, Field(ge=1)] = None
    copy_queue_deadline: Seconds = 24 * HOUR
    copy_deadline: Seconds = 12 * HOUR
    archive_snapshot: bool = True
    archive_deadline: Seconds = HOUR // 2


@dataclass(frozen=True, kw_only=True)
class TargetPlan:
    """The cluster that is replaced, and what the new one is like."""

    region: str
    cluster_id: Annotated[str, Field(max_length=CLUSTER_ID_MAX), AfterValidator(_rds_identifier)]
    db_subnet_group_name: str
    vpc_security_group_ids: Annotated[tuple[str, ...], Field(min_length=1)]
    port: Annotated[int, Field(ge=1150, le=65535)] = 5432
    deletion_protection: bool = False
    db_cluster_parameter_group_name: str | None = None
    db_parameter_group_name: str | None = None
    log_exports: tuple[str, ...] = ("postgresql",)
    backup_retention_days: Annotated[int, Field(ge=1, le=35)] = 1
    instance_class: Annotated[str, Field(pattern=r"^db\.")]
    instance_count: Annotated[int, Field(ge=1, le=16)] = 1
    serverless_min_capacity: Annotated[float | None, Field(ge=0, le=256, multiple_of=0.5)] = None
    serverless_max_capacity: Annotated[float | None, Field(ge=1, le=256, multiple_of=0.5)] = None
    skip_final_snapshot: bool = True
    restore_check_interval: Seconds = 30
    max_restore_attempts: Annotated[int | None, Field(ge=1)] = None
    network_deadline: Seconds = HOUR // 6
    delete_deadline: Seconds = 2 * HOUR
    restore_deadline: Seconds = 3 * HOUR
    instance_deadline: Seconds = 2 * HOUR

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """The names of the instances, the same every night; the first becomes the writer."""
        return tuple(f"{self.cluster_id}-{number + 1}" for number in range(self.instance_count))


@dataclass(frozen=True, kw_only=True)
class UserPlan:
    """Who may log in to the new cluster, and what in it is stopped."""

    master_credentials_secret_id: str
    app_credentials_secret_id: str
    db_connection_timeout: Annotated[int, Field(ge=1, le=120)] = 30
    db_tls: Literal["verify-full", "off"] = "verify-full"
    keep_login_roles: tuple[str, ...] = ()
    trust_definer_functions: tuple[str, ...] = ()
    quiesce: Annotated[tuple[str, ...], AfterValidator(_known_kinds)] = (ALL,)
    users_deadline: Seconds = HOUR

    @property
    def quiet_kinds(self) -> tuple[str, ...]:
        """The kinds of `quiesce_kinds` that are stopped on the copy, in order."""
        return chosen(self.quiesce)

    @property
    def kinds_left(self) -> tuple[str, ...]:
        """The kinds of `quiesce_kinds` that QUIESCE excludes."""
        return tuple(kind for kind in KINDS if kind not in self.quiet_kinds)


@dataclass(frozen=True, kw_only=True)
class ReportPlan:
    """Who is notified of the end, and how long the audit trail is kept."""

    sns_topic_arn: Annotated[str, Field(pattern=r"^arn:[^:]+:sns:[^:]+:\d{12}:.+$")]
    audit_retention_days: Annotated[int, Field(ge=1)] = 400
    notification_deadline: Seconds = HOUR


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
        target = self.target
        return cluster_arn(self.partition, target.region, self.account, target.cluster_id)

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
        return int(self.setting(deadline))

    def setting_of(self, deadline: str) -> str:
        """Name the variable that makes a budget longer."""
        if deadline == "copy_deadline" and self.copies.max_copy_attempts:
            return "MAX_COPY_ATTEMPTS"
        if deadline in _OF_RESTORE and self.target.max_restore_attempts:
            return "MAX_RESTORE_ATTEMPTS"
        return deadline.upper()

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
    "reports": ReportPlan,
}
_NOT_SETTINGS = ("name", "stage", "account", "partition")
_OF_A_SIDE = ("region", "cluster_id")  # their settings say whose: source_region, target_region
SETTINGS: Mapping[str, tuple[str, str]] = {
    "step_deadline": ("", "step_deadline"),
    **{
        f"{group}_{field.name}" if field.name in _OF_A_SIDE else field.name: (group, field.name)
        for group, part in _GROUPS.items()
        for field in fields(part)
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
    sides = [
        [str(values.get(f"{side}_{part}", side)).lower() for part in ("region", "cluster_id")]
        for side in SIDES
    ]
    if sides[0] == sides[1]:
        wrong.append(
            "SOURCE_CLUSTER_ID, TARGET_CLUSTER_ID: the target is the source cluster itself; name "
            "another target, or another TARGET_REGION."
        )
    low, high = (values.get(f"serverless_{bound}_capacity") for bound in ("min", "max"))
    serverless = values.get("instance_class", "db.serverless" if low else "") == "db.serverless"
    if serverless != (low is not None) or serverless != (high is not None):
        wrong.append(
            "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY: set both with INSTANCE_CLASS "
            "db.serverless, and neither with any other class."
        )
    if low is not None and high is not None and float(low) > float(high):
        wrong.append("SERVERLESS_MAX_CAPACITY: should be at least SERVERLESS_MIN_CAPACITY.")
    return wrong

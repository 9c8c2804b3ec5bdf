"""The settings of a plan, by the phases of a restore: the type, bounds and default of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chalicelib.flow.cluster_names import pointed_names, swap_names
from chalicelib.flow.extra_tags import read_tags
from chalicelib.flow.identifiers import digest_of
from chalicelib.flow.quiesce_kinds import ALL, KINDS, chosen

HOUR = 3600
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_WINDOW = re.compile(f"{_TIME}-{_TIME}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
CLUSTER_ID_MAX = 57  # an instance's name adds a dash and up to five digits, of 63 in all
INSTANCE_COUNT = 1  # of a target that is the first of its name
INSTANCES_MAX = 16  # of a cluster: a writer and 15 readers (user guide)
_INSTANCE_DIGITS = 6
SERVERLESS = "db.serverless"
SWAPPED_ID_MAX = 53  # `-previous`, or `-` six digits of an operation `-` two of an instance


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


def _host_name(value: str | None) -> str | None:
    if value is None:
        return None
    value = value.lower().removesuffix(".")
    if not _HOST_NAME.fullmatch(value):
        raise ValueError("should be the name of a record, such as staging.db.example.com")
    return value


def _window(value: str | None) -> str | None:
    if value is not None and not (_WINDOW.fullmatch(value) and len({*value.split("-")}) > 1):
        raise ValueError("should be two different times of day in UTC, such as 22:00-05:00")
    return value


def _tags(value: tuple[str, ...]) -> tuple[str, ...]:
    read_tags(value)
    return value


def _known_kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    chosen(value)
    return value


LifecycleSupport = Literal[
    "open-source-rds-extended-support", "open-source-rds-extended-support-disabled"
]
EXTENDED_SUPPORT: LifecycleSupport = "open-source-rds-extended-support"
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
    """The cluster that is replaced, and what the new one is like.

    Where a setting is None, the new cluster is like the old one (`chalicelib.flow.target_spec`).
    """

    region: str
    cluster_id: Annotated[str, Field(max_length=CLUSTER_ID_MAX), AfterValidator(_rds_identifier)]
    db_subnet_group_name: str | None = None
    vpc_security_group_ids: Annotated[tuple[str, ...] | None, Field(min_length=1)] = None
    port: Annotated[int | None, Field(ge=1150, le=65535)] = None
    deletion_protection: bool | None = None
    db_cluster_parameter_group_name: str | None = None
    db_parameter_group_name: str | None = None
    log_exports: tuple[str, ...] | None = None
    backup_retention_days: Annotated[int | None, Field(ge=1, le=35)] = None
    monitoring_role_arn: Annotated[
        str | None, Field(pattern=r"^arn:[^:]+:iam::\d{12}:role/.+$")
    ] = None
    extra_tags: Annotated[tuple[str, ...], AfterValidator(_tags)] = ()
    instance_class: Annotated[str | None, Field(pattern=r"^db\.")] = None
    instance_count: Annotated[int | None, Field(ge=1, le=INSTANCES_MAX)] = None
    serverless_min_capacity: Annotated[float | None, Field(ge=0, le=256, multiple_of=0.5)] = None
    serverless_max_capacity: Annotated[float | None, Field(ge=1, le=256, multiple_of=0.5)] = None
    engine_version: Annotated[str | None, Field(pattern=r"^\d+\.\d+(\.\d+)?$")] = None
    keep_associated_roles: bool = False
    engine_lifecycle_support: LifecycleSupport = "open-source-rds-extended-support-disabled"
    replacement: Literal["swap", "pointer", "delete-first"] = "swap"
    target_dns_name: Annotated[str | None, AfterValidator(_host_name)] = None
    target_dns_zone_id: Annotated[str | None, Field(pattern=r"^[A-Z0-9]{1,32}$")] = None
    keep_previous_hours: Annotated[int, Field(ge=0, le=7 * 24)] = 12
    stop_previous: bool = False
    adopt_readers: bool = False
    restart_after_rename: bool = True
    skip_final_snapshot: bool = True
    restore_check_interval: Seconds = 30
    max_restore_attempts: Annotated[int | None, Field(ge=1)] = None
    network_deadline: Seconds = HOUR // 6
    delete_deadline: Seconds = 2 * HOUR
    restore_deadline: Seconds = 3 * HOUR
    instance_deadline: Seconds = 2 * HOUR
    swap_deadline: Seconds = HOUR // 2  # a stop and a start may take a quarter of an hour

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of everything that is made, beside our own."""
        return read_tags(self.extra_tags)

    @property
    def swaps(self) -> bool:
        """Tell whether the new cluster takes the name of the old one."""
        return self.replacement == "swap"

    @property
    def points(self) -> bool:
        """Tell whether people find the target by pointers, and no cluster is renamed."""
        return self.replacement == "pointer"

    @property
    def keeps_old(self) -> bool:
        """Tell whether the old cluster is there until the new one was proven."""
        return self.replacement != "delete-first"

    def next_id_beside(self, present_id: str | None) -> str:
        """Name the new cluster, which is made beside the present target where that is kept."""
        if self.points:
            first, second = pointed_names(self.cluster_id)
            return second if present_id == first else first
        return swap_names(self.cluster_id)[0] if self.swaps else self.cluster_id

    @property
    def previous_id(self) -> str:
        """The name under which the old cluster is kept after a swap."""
        return swap_names(self.cluster_id)[1]

    def parking_id(self, waiting: str) -> str:
        """Name the old cluster after a swap whose new one waits under another name before."""
        return self.next_id_beside(None) if waiting == self.previous_id else self.previous_id

    @property
    def cluster_ids(self) -> tuple[str, ...]:
        """The names of all clusters that the plan may make, rename or delete."""
        others = {"swap": swap_names, "pointer": pointed_names}.get(self.replacement)
        return (self.cluster_id, *(others(self.cluster_id) if others else ()))

    def instance_ids(self, root_id: str, count: int | None = None) -> tuple[str, ...]:
        """Name the instances that a chain of reruns makes; the first becomes the writer.

        Where the old cluster is kept, its instances still hold their names: digits of the chain's
        first operation tell them apart. Otherwise the names are the same every night.
        """
        digits = digest_of(root_id)[:_INSTANCE_DIGITS]
        stem = f"{self.cluster_id}-{digits}" if self.keeps_old else self.cluster_id
        numbers = range(count or self.instance_count or INSTANCE_COUNT)
        return tuple(f"{stem}-{number + 1}" for number in numbers)


@dataclass(frozen=True, kw_only=True)
class UserPlan:
    """Who may log in to the new cluster, and what in it is stopped."""

    master_credentials_secret_id: str
    app_credentials_secret_id: str
    db_connection_timeout: Annotated[int, Field(ge=1, le=120)] = 30
    db_tls: Literal["verify-full", "off"] = "verify-full"
    db_ca_file: str | None = None
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
class SchedulePlan:
    """When snapshots are restored by themselves; what people ask for is not held up by it."""

    paused: bool = False
    refresh_days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    refresh_window: Annotated[str | None, AfterValidator(_window)] = None
    notice_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 0

    def why_held(self, now: datetime) -> str | None:
        """Say why no restore begins by itself now; None when one may. Times are UTC."""
        if self.paused:
            return "Restores are paused (PAUSED=true)"
        today, time = DAYS[now.astimezone(UTC).weekday()], now.astimezone(UTC).strftime("%H:%M")
        if today not in self.refresh_days:
            return f"REFRESH_DAYS is {','.join(self.refresh_days)}, and today is {today} (UTC)"
        if self.refresh_window is None:
            return None
        begins, _, ends = self.refresh_window.partition("-")
        within = begins <= time < ends if begins < ends else time >= begins or time < ends
        return None if within else f"REFRESH_WINDOW is {self.refresh_window}, and it is {time} UTC"


@dataclass(frozen=True, kw_only=True)
class ReportPlan:
    """Who is notified of the end, and how long the audit trail is kept."""

    sns_topic_arn: Annotated[str, Field(pattern=r"^arn:[^:]+:sns:[^:]+:\d{12}:.+$")]
    audit_retention_days: Annotated[int, Field(ge=1)] = 400
    notification_deadline: Seconds = HOUR

"""What the old target was like: the settings that the new cluster has, too, unless told otherwise.

Captured before an operation has any effect. The record has it, and the target's permanent item, so
that it is still known when the old target is gone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, kw_only=True)
class InstanceBaseline:
    """One instance of the old target that carried our tag."""

    identifier: str
    instance_class: str
    promotion_tier: int | None = None
    availability_zone: str | None = None
    parameter_group_name: str | None = None
    auto_minor_version_upgrade: bool | None = None
    certificate_authority: str | None = None
    maintenance_window: str | None = None
    monitoring_interval: int = 0  # seconds; 0 without enhanced monitoring
    monitoring_role_arn: str | None = None
    insights: bool = False
    insights_key_arn: str | None = None
    insights_retention_days: int | None = None
    public: bool = False
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RoleBaseline:
    """An IAM role that the old target acted with, such as for exports to S3."""

    arn: str
    feature: str | None = None


@dataclass(frozen=True, kw_only=True)
class DomainBaseline:
    """An Active Directory domain that the old target was a member of, for logins by Kerberos."""

    domain: str
    role: str | None = None  # the IAM role's name


@dataclass(frozen=True, kw_only=True)
class EndpointBaseline:
    """A custom endpoint: some instances of a cluster, or all but some, under a name of its own."""

    identifier: str
    kind: str  # READER or ANY
    static_members: tuple[str, ...] = ()
    excluded_members: tuple[str, ...] = ()
    resource_id: str | None = None  # of the old one; None in records of before it was noted
    tags: dict[str, str] = field(default_factory=dict)  # its own; known once it is to be deleted

    @classmethod
    def of_items(cls, items: Any) -> "tuple[EndpointBaseline, ...]":
        """Read what `to_item` wrote of several; raises pydantic.ValidationError."""
        return _ENDPOINTS.validate_python(items)

    def to_item(self) -> Mapping[str, Any]:
        """Write it as JSON knows it."""
        (item,) = _ENDPOINTS.dump_python((self,), mode="json")
        found: Mapping[str, Any] = item
        return found


_ENDPOINTS = TypeAdapter(tuple[EndpointBaseline, ...])


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The old target, as it was when its replacement was decided; a pending change is made.

    None stands for what AWS did not show. `tags` are its own: neither AWS's nor ours.
    """

    resource_id: str
    engine_version: str | None = None
    kms_key_arn: str | None = None
    db_subnet_group_name: str | None = None
    security_group_ids: tuple[str, ...] = ()
    port: int | None = None
    parameter_group_name: str | None = None
    deletion_protection: bool | None = None
    log_exports: tuple[str, ...] = ()
    backup_retention_days: int | None = None
    backup_window: str | None = None
    maintenance_window: str | None = None
    capacity_min: float | None = None  # of Serverless v2
    capacity_max: float | None = None
    capacity_pause_seconds: int | None = None  # shown only where the minimum is 0
    iam_authentication: bool = False
    storage_type: str | None = None  # None for the standard one, which AWS may not show
    copy_tags_to_snapshot: bool = False
    data_api: bool = False
    insights_mode: str | None = None
    network_type: str | None = None  # IPV4 or DUAL
    write_forwarding: bool = False
    managed_secret: str | None = None  # the ARN, where RDS managed the master password
    activity_stream: str | None = None  # its mode; None without one
    domains: tuple[DomainBaseline, ...] = ()
    proxies: tuple[str, ...] = ()  # RDS Proxies that had it as their target
    tags: dict[str, str] = field(default_factory=dict)
    roles: tuple[RoleBaseline, ...] = ()
    endpoints: tuple[EndpointBaseline, ...] = ()
    instances: tuple[InstanceBaseline, ...] = ()  # the writer first, then the readers
    scaled: tuple[str, ...] = ()  # readers that Aurora Auto Scaling made

    def within(self, zones: Collection[str]) -> "Baseline":
        """Leave AWS the choice of the zone for each instance that was in none of these."""
        instances = (
            found if found.availability_zone in zones else replace(found, availability_zone=None)
            for found in self.instances
        )
        return replace(self, instances=tuple(instances))

    def monitored_like(self, before: "Baseline") -> "Baseline":
        """Give instances without enhanced monitoring that of the one before with their number."""
        numbers = range(len(before.instances))
        instances = (
            replace(
                found,
                monitoring_interval=before.instances[number].monitoring_interval,
                monitoring_role_arn=before.instances[number].monitoring_role_arn,
            )
            if number in numbers and not found.monitoring_interval
            else found
            for number, found in enumerate(self.instances)
        )
        return replace(self, instances=tuple(instances))

    @classmethod
    def of_item(cls, item: Any) -> "Baseline":
        """Read what `to_item` wrote; raises pydantic.ValidationError."""
        return _ADAPTER.validate_python(item)

    def to_item(self) -> Mapping[str, Any]:
        """Write it as JSON knows it."""
        item: Mapping[str, Any] = _ADAPTER.dump_python(self, mode="json", exclude_none=True)
        return item


_ADAPTER = TypeAdapter(Baseline)

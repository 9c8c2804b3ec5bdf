"""What the new cluster is like: the plan's settings, and what the old target was like for the rest.

The one place where the two meet. An explicit setting wins; without it, and without an old target,
a default holds, or the setting is needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.flow.baseline import Baseline, InstanceBaseline
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.setting_definitions import INSTANCE_COUNT, SERVERLESS, TargetPlan
from chalicelib.flow.setting_problems import EXPECTED

PORT, LOG_EXPORTS, BACKUP_RETENTION_DAYS = 5432, ("postgresql",), 1
"""What holds where neither a setting nor an old target says otherwise."""
STANDARD_STORAGE = "aurora"
STANDARD_INSIGHTS, ADVANCED_INSIGHTS = "standard", "advanced"
_DEFAULT_GROUP = "default."  # the prefix of AWS's own parameter groups, one for each major version


@dataclass(frozen=True, kw_only=True)
class TargetSpec:
    """The new cluster as it is requested; None leaves the choice to AWS."""

    db_subnet_group_name: str
    security_group_ids: tuple[str, ...]
    port: int
    deletion_protection: bool
    parameter_group_name: str | None
    log_exports: tuple[str, ...]
    backup_retention_days: int
    backup_window: str | None
    maintenance_window: str | None
    capacity: Mapping[str, float]  # of Serverless v2, as RDS has it; empty without
    iam_authentication: bool
    storage_type: str
    copy_tags_to_snapshot: bool
    data_api: bool
    insights_mode: str
    network_type: str | None
    instances: tuple[InstanceBaseline, ...]  # by their new names, the writer first
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The instance classes, each once."""
        return tuple(dict.fromkeys(found.instance_class for found in self.instances))

    def needs_a_new_cluster(self, made: "TargetSpec") -> bool:
        """Tell whether a cluster that was made by another plan cannot become like this one.

        A cluster or its instances take some settings only when they are created, or with a reboot.
        Missing instances are made.
        """
        pairs = zip(map(_fixed_of, self.instances), map(_fixed_of, made.instances), strict=False)
        of_clusters = _fixed_of_cluster(self), _fixed_of_cluster(made)
        return any(planned != found for planned, found in (of_clusters, *pairs))


def _fixed_of_cluster(spec: TargetSpec) -> tuple[Any, ...]:
    return spec.db_subnet_group_name, spec.port, spec.parameter_group_name


def _fixed_of(instance: InstanceBaseline) -> tuple[Any, ...]:
    return instance.instance_class, instance.parameter_group_name


def instance_count(plan: TargetPlan, baseline: Baseline | None) -> int:
    """Give how many instances the new cluster has."""
    known = len(baseline.instances) if baseline else 0
    return plan.instance_count or known or INSTANCE_COUNT


def resolve(plan: TargetPlan, baseline: Baseline | None, names: Sequence[str]) -> TargetSpec:
    """Resolve the settings of a plan; `names` are those of the new instances.

    Raises RefusedError for settings that neither the plan nor an old target has.
    """
    old = baseline or Baseline(resource_id="")
    subnet_group = plan.db_subnet_group_name or old.db_subnet_group_name
    security_groups = plan.vpc_security_group_ids or old.security_group_ids
    instance_class = plan.instance_class or next(map(_class_of, old.instances), None)
    if subnet_group is None or instance_class is None or not security_groups:
        raise _missing(subnet_group, security_groups, instance_class)
    protected = plan.deletion_protection
    logs, window = plan.log_exports, old.backup_window
    return TargetSpec(
        db_subnet_group_name=subnet_group,
        security_group_ids=security_groups,
        port=plan.port or old.port or PORT,
        deletion_protection=bool(old.deletion_protection if protected is None else protected),
        parameter_group_name=plan.db_cluster_parameter_group_name
        or _custom(old.parameter_group_name),
        log_exports=logs if logs is not None else old.log_exports if baseline else LOG_EXPORTS,
        backup_retention_days=plan.backup_retention_days
        or old.backup_retention_days
        or BACKUP_RETENTION_DAYS,
        backup_window=window,
        maintenance_window=old.maintenance_window,
        capacity=_capacity(plan, old),
        iam_authentication=old.iam_authentication,
        storage_type=old.storage_type or STANDARD_STORAGE,
        copy_tags_to_snapshot=old.copy_tags_to_snapshot,
        data_api=old.data_api,
        insights_mode=old.insights_mode or STANDARD_INSIGHTS,
        # Another subnet group may not support it.
        network_type=old.network_type if subnet_group == old.db_subnet_group_name else None,
        instances=tuple(_instances(plan, old, instance_class, subnet_group, names)),
        tags=old.tags,
    )


def _class_of(instance: InstanceBaseline) -> str:
    return instance.instance_class


def _missing(
    subnet_group: str | None, security_groups: tuple[str, ...], instance_class: str | None
) -> RefusedError:
    found = {
        "db_subnet_group_name": subnet_group,
        "vpc_security_group_ids": security_groups,
        "instance_class": instance_class,
    }
    names = [name for name, value in found.items() if not value]
    verb = "is" if len(names) == 1 else "are"
    return RefusedError(
        f"{', '.join(map(str.upper, names))} {verb} not set, and there was no target that the new "
        "one could be like.",
        "; ".join(f"Set {name.upper()} to {EXPECTED[name]}" for name in names) + ".",
    )


def _custom(group: str | None) -> str | None:
    """Leave out AWS's own group, which the new cluster gets for its own version."""
    return None if group is None or group.startswith(_DEFAULT_GROUP) else group


def _capacity(plan: TargetPlan, old: Baseline) -> dict[str, float]:
    low, high = plan.serverless_min_capacity, plan.serverless_max_capacity
    if low is None and plan.instance_class in (None, SERVERLESS):
        low, high = old.capacity_min, old.capacity_max
    if low is not None and high is not None:
        pause = None if low else old.capacity_pause_seconds  # of a range that begins at 0
        return {
            "MinCapacity": low,
            "MaxCapacity": high,
            **({"SecondsUntilAutoPause": pause} if pause else {}),
        }
    if plan.instance_class == SERVERLESS:
        raise RefusedError(
            "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY are not set, INSTANCE_CLASS is "
            f"{SERVERLESS}, and there was no target with a Serverless v2 range.",
            "Set both, such as 0.5 and 8.",
        )
    return {}


def _instances(
    plan: TargetPlan, old: Baseline, instance_class: str, subnet_group: str, names: Sequence[str]
) -> Iterator[InstanceBaseline]:
    """Give each new instance what the old one of its number had; further ones are like the last."""
    first = InstanceBaseline(identifier="", instance_class=instance_class)
    known = old.instances or (first,)
    for number, name in enumerate(names):
        like = known[min(number, len(known) - 1)]
        class_name = plan.instance_class or like.instance_class
        is_same = class_name == like.instance_class and subnet_group == old.db_subnet_group_name
        is_further = number >= len(known)
        group = plan.db_parameter_group_name or _custom(like.parameter_group_name)
        yield replace(
            like,
            identifier=name,
            instance_class=class_name,
            parameter_group_name=group,
            # Another class or subnet group may not be offered in the zone.
            availability_zone=like.availability_zone if is_same and not is_further else None,
            # No policy lets a function pass another role than the setting's.
            monitoring_interval=like.monitoring_interval if plan.monitoring_role_arn else 0,
            monitoring_role_arn=plan.monitoring_role_arn,
        )

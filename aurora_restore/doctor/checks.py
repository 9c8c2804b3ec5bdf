"""Every check of `make doctor`, in the order of its report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aurora_restore.doctor import (
    alerting,
    functions,
    kept,
    keys,
    liveness,
    network,
    operations,
    rules,
    settings,
    source,
    stacks,
    tables,
    target,
    trial,
)
from aurora_restore.doctor.stage_plan import StagePlan
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding


@dataclass(frozen=True)
class Check:
    """A check of the stage as a whole. What it raises becomes its finding."""

    name: str
    look: Callable[[StageView], Iterable[Finding]]


@dataclass(frozen=True)
class PlanCheck:
    """A check that is made of each plan."""

    name: str
    look: Callable[[StagePlan], Iterable[Finding]]


CHECKS: tuple[Check | PlanCheck, ...] = (
    Check("settings", settings.settings),
    Check("stacks", stacks.stacks),
    Check("foundation", stacks.foundation),
    Check("tables", tables.tables),
    Check("topic", alerting.topic),
    Check("subscribers", alerting.subscribers),
    Check("failure queue", alerting.failure_queue),
    Check("alarms", alerting.alarms),
    Check("functions", functions.functions),
    Check("code", functions.code),
    Check("configuration", functions.configuration),
    Check("roles", functions.roles),
    Check("rules", rules.rules),
    Check("retry settings", rules.retry_settings),
    Check("logs", alerting.logs),
    Check("heartbeat", liveness.heartbeat),
    Check("operations", operations.operations),
    Check("AWS connectivity", network.aws_connectivity),
    PlanCheck("forwarding", source.forwarding),
    PlanCheck("snapshot", source.snapshot),
    PlanCheck("copy", source.copy),
    PlanCheck("key", keys.key),
    PlanCheck("secrets", target.secrets),
    PlanCheck("users", target.users),
    PlanCheck("target", target.target),
    PlanCheck("kept clusters", kept.kept_clusters),
    PlanCheck("pointers", target.pointers),
    PlanCheck("network groups", target.network_groups),
    PlanCheck("orderable options", target.orderable_options),
    PlanCheck("monitoring role", target.monitoring_role),
    PlanCheck("quotas", target.quotas),
    PlanCheck("database connectivity", network.database_connectivity),
    PlanCheck("network", trial.trial),
    PlanCheck("lock", operations.lock),
    PlanCheck("last operation", operations.last),
    PlanCheck("freshness", liveness.freshness),
)
"""First come `region`, `credentials` and `account`, without which none of these can be made."""

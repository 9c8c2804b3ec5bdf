"""Reboots instances whose parameters take effect only then, before people get them."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.aws.rds import Cluster, Instance
from chalicelib.flow.facts import SwapFacts
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster

REBOOTS_MAX = 2  # of an instance: the first may have been lost
SHOWN_AFTER = timedelta(minutes=3)  # for so long it may still show what was before


def until_rebooted(
    operation: Operation,
    target: TargetCluster,
    cluster: Cluster,
    instances: list[Instance],
    ports: Ports,
) -> Wait | None:
    """Reboot the instances that need it one by one, the writer first; None when none needs it.

    Parameters of both groups may wait for a reboot (`pending-reboot`, API reference). What people
    already work on is never rebooted.
    """
    if operation.keeps_cluster:
        return None
    pending = pending_reboot(operation, cluster, instances)
    if not pending:
        return None
    swap, now = operation.facts.swap, ports.now()
    interval = operation.plan.target.restore_check_interval
    if _is_under_way(swap, pending, now):
        return Wait(f"The instance {swap.rebooted[-1]} is being rebooted.", interval)
    due = next((name for name in pending if swap.rebooted.count(name) < REBOOTS_MAX), None)
    if due is None:
        return None
    noted = replace(swap, rebooted=(*swap.rebooted, due), reboot_asked_at=now)
    operation = ports.operations.save_facts(operation, replace(operation.facts, swap=noted))
    target.reboot(due)
    reason = f"The instance {due} is rebooted, so that its parameters take effect."
    return Wait(reason, interval, facts=operation.facts)


def pending_reboot(operation: Operation, cluster: Cluster, instances: list[Instance]) -> list[str]:
    """Name the operation's instances with parameters that wait for a reboot, the writer first."""
    by_own_group = {found.identifier for found in instances if found.pending_reboot}
    waiting = cluster.pending_reboot | by_own_group
    return [name for name in operation.facts.target.instances if name in waiting]


def warnings_of_parameters(
    operation: Operation, cluster: Cluster, instances: list[Instance]
) -> tuple[str, ...]:
    """Warn of parameters that did not take effect, for all the reboots."""
    names = [] if operation.keeps_cluster else pending_reboot(operation, cluster, instances)
    if not names:
        return ()
    return (f"Parameters still wait for a reboot of {', '.join(names)}.",)


def _is_under_way(swap: SwapFacts, pending: list[str], now: datetime) -> bool:
    asked_at = swap.reboot_asked_at
    return bool(asked_at and swap.rebooted[-1] in pending and now - asked_at < SHOWN_AFTER)

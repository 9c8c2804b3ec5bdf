"""What keeps a previous target from being deleted, and for how long an answer of AWS is doubted."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.aws.rds import Cluster
from chalicelib.aws.stale_answers import ABSENT_FOR
from chalicelib.flow.errors import (
    NOTHING_TO_DO,
)
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import observe_cluster
from chalicelib.target.current_target import is_pointed_to, present_name
from chalicelib.target.endpoints import left_endpoints

KEPT_REMEDY = "Delete the cluster {} yourself if it is not needed and not the target."


@dataclass(frozen=True)
class Kept:
    """Why a previous target is not deleted after all, and what people may do about it.

    `is_certain` where records say so, and not an answer of AWS.
    """

    reason: str
    remedy: str
    is_certain: bool = False

    @classmethod
    def until_deleted_by_hand(cls, cluster: Cluster, reason: str) -> "Kept":
        """Leave the cluster to people, who may not need it."""
        return cls(reason, KEPT_REMEDY.format(cluster.identifier))


def why_kept(operation: Operation, previous: Cluster, ports: Ports) -> Kept | None:
    """Say why a previous target is not to be deleted after all; None where it may be.

    It is deleted only while the cluster that was proven there has the target's name.
    """
    plan, target = operation.plan, ports.operations.target(operation.plan.target_cluster_arn)
    it = previous.resource_id
    if younger := younger_retirement(operation, it, ports):
        reason = f"{it} is kept: {younger} decides about it."
        if ports.operations.read(younger):
            return Kept(reason, NOTHING_TO_DO, is_certain=True)
        gone = f"{reason} The record of that is gone."
        return replace(Kept.until_deleted_by_hand(previous, gone), is_certain=True)
    has_name = plan.target.swaps and previous.identifier == plan.target.cluster_id
    if has_name or it == target.opened_id:
        return Kept(f"{it} is the target again, so it is not deleted.", NOTHING_TO_DO)
    name, reason = present_name(plan, target), ""
    holder = observe_cluster(ports.service("rds", plan.target.region), name)
    if previous.identifier not in plan.target.cluster_ids:
        reason = f"people renamed it to {previous.identifier}"
    elif holder is None or holder.resource_id != target.opened_id:
        who = holder.resource_id if holder else "no cluster"
        reason = (
            f"{who} has the name {name}, and the cluster that was proven there is "
            f"{target.opened_id}"
        )
    elif is_pointed_to(plan, target, previous, ports):
        reason = "pointers still name it"
    return Kept.until_deleted_by_hand(previous, f"{it} is kept: {reason}.") if reason else None


def younger_retirement(operation: Operation, resource_id: str, ports: Ports) -> str | None:
    """Name the operation that decides about a previous target instead of this one.

    It was the target once more in between, and another retirement began when it was replaced again.
    What people made of that one holds for the cluster, so it decides even after its end, and
    without a record.
    """
    target = ports.operations.target(operation.plan.target_cluster_arn)
    noted = target.retirements.get(resource_id)
    decider = ports.operations.read(noted) if noted else None
    is_this = decider is not None and decider.root_id == operation.root_id
    return None if is_this else noted


def retirement_of_cluster(operation: Operation, resource_id: str, ports: Ports) -> Operation | None:
    """Find the operation that decides whether a replaced cluster of the target is deleted."""
    target = ports.operations.target(operation.plan.target_cluster_arn)
    noted = target.retirements.get(resource_id)
    return ports.operations.read(noted) if noted else None


def lost_endpoints(retirement: Operation | None, previous: Cluster, ports: Ports) -> str:
    """Say which custom endpoints a cluster still has, which it would take with it; "" for none."""
    rds = ports.service("rds", previous.arn.split(":")[3])
    known = retirement.facts.swap.endpoints if retirement else ()
    names = ", ".join(left_endpoints(rds, previous.identifier, known or ()))
    return f"its custom endpoints would be lost with it: {names}." if names else ""


def until_surely_gone(operation: Operation, ports: Ports) -> Wait | None:
    """Wait until a previous target was not found for minutes: one answer may be a stale one.

    An absence that was noted long ago was another one, after which the cluster was found again.
    """
    facts, now = operation.facts, ports.now()
    since = _seen_since(facts.target.absent_since, now)
    if now - since >= ABSENT_FOR:
        return None
    noted = replace(facts, target=replace(facts.target, absent_since=since))
    reason = "The previous target is not found; whether it is gone is asked again."
    return Wait(reason, _interval_of_doubt(operation), noted)


def until_surely_kept(operation: Operation, kept: Kept, ports: Ports) -> Wait | None:
    """Wait until AWS has shown for minutes what keeps a previous target, which ends something."""
    facts, now = operation.facts, ports.now()
    since = _seen_since(facts.target.kept_since, now)
    if kept.is_certain or now - since >= ABSENT_FOR:
        return None
    noted = replace(facts, target=replace(facts.target, kept_since=since))
    return Wait(f"{kept.reason} That is asked again.", _interval_of_doubt(operation), noted)


def _seen_since(noted: datetime | None, now: datetime) -> datetime:
    return now if noted is None or now - noted > 3 * ABSENT_FOR else noted


def _interval_of_doubt(operation: Operation) -> float:
    """Give the seconds until something is asked again, so soon that it counts as the same."""
    return min(operation.plan.target.restore_check_interval, ABSENT_FOR.total_seconds())

"""Rollbacks on request: the previous target gets its name back while it is kept."""

from dataclasses import replace

from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import RECOVERABLE, is_lost
from chalicelib.flow.choreography import TERMINAL, State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.facts import CopyFacts, Facts, SwapFacts, TargetFacts
from chalicelib.flow.identifiers import catch_up_id, requested_id, retire_id
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.ownership import OPERATION_TAG
from chalicelib.flow.plan import Plan
from chalicelib.flow.retirement import kept_until
from chalicelib.flow.text_limits import listed
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.flow.untrusted_text import quoted
from chalicelib.messages.commands import YOUR_SNAPSHOT, rollback_command, snapshot_command
from chalicelib.messages.requests import RollbackRequested
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.runtime import plans
from chalicelib.runtime.starting import create, made_before, new_operation
from chalicelib.target.attachments import refuse_attached
from chalicelib.target.by_hand import deleted_by_hand, named_by_hand
from chalicelib.target.cluster import TargetCluster, find_clusters, observe_cluster
from chalicelib.target.current_target import present_arn, present_name
from chalicelib.target.deletion import as_old_target
from chalicelib.target.previous_protection import retirement_of_cluster
from chalicelib.target.wholeness import still_half_deleted

_DELETING = State.PREVIOUS_DELETING


def roll_back(request: RollbackRequested, before: Operation, event_id: str, ports: Ports) -> None:
    """Create the operation that exchanges the target and the previous one; raises RefusedError."""
    request_id = request.request_id or event_id
    operation_id = requested_id(f"rollback-{request_id}")
    known = ports.operations.read(operation_id)
    while known and known.skipped_because_locked and known.requested_by_event != event_id:
        operation_id = catch_up_id(operation_id)  # nothing came of it, so this one asks again
        known = ports.operations.read(operation_id)
    if known:
        if event_id and known.requested_by_event == event_id:
            return
        raise made_before(request_id, known)
    _refuse_other_pointers(before, ports)
    present, previous = _clusters(before, ports)
    requester = f"request {quoted(request_id)}"
    state = State.SWAPPING if _is_parked(before, present) else State.TARGET_STARTING
    new = new_operation(operation_id, before.plan, ports.now(), requested_by=requester, state=state)
    operation = replace(
        new,
        kind=Kind.ROLLBACK,
        rolls_back=before.operation_id,
        automatic=False,
        request_reason=request.reason,
        requested_by_event=event_id or None,
        facts=_facts(before, present, previous, ports),
    )
    why = f", with the reason {quoted(request.reason)}" if request.reason else ""
    what = f"{requester}: {previous.identifier} replaces the target of {before.operation_id}{why}"
    create(operation, ports, what=what)


def _refuse_other_pointers(before: Operation, ports: Ports) -> None:
    """Raise RefusedError where the plan has other pointers by now than those that would be moved.

    The policies of a deployed stage name its own ones alone; renames they always allow.
    """
    if not before.plan.target.points:
        return
    then = _pointers(before.plan)
    present = [plan for plan in plans.valid_plans(ports) if plan.name == before.plan_name]
    changed = [
        f"{name}={value or ''}"
        for plan in present
        for name, value in then.items()
        if value != _pointers(plan)[name]
    ]
    if changed:
        raise RefusedError(
            f"The operation {before.operation_id} had {listed(changed)}, and the plan "
            f"{before.plan_name} has not: the functions may not move those pointers back. Nothing "
            "was changed.",
            f"Set {listed(changed)} again, deploy that, and ask again.",
        )


def _pointers(plan: Plan) -> dict[str, str | None]:
    """Give the settings that say where pointers are."""
    return {
        "REPLACEMENT": plan.target.replacement,
        "TARGET_DNS_NAME": plan.target.target_dns_name,
        "TARGET_DNS_ZONE_ID": plan.target.target_dns_zone_id,
        "APP_CREDENTIALS_SECRET_ID": plan.users.app_credentials_secret_id,
    }


def _clusters(before: Operation, ports: Ports) -> tuple[Cluster, Cluster]:
    """Find the present target and the previous one; raises RefusedError where either is gone."""
    old, made = before.facts.target.old, before.facts.target.cluster_resource_id or ""
    target = ports.operations.target(before.plan.target_cluster_arn)
    name = present_arn(before.plan, target)
    if old is None or not _replaced_last(before, target):
        raise RefusedError(
            f"The operation {before.operation_id} {_why_not(before, name)}, so it cannot be rolled "
            f"back.{_why_gone(before, ports)}",
            _way_back(before, target, ports),
        )
    moving = ports.operations.read(target.swapped_by) if target.swapped_by else None
    if moving and moving.state not in TERMINAL:  # what stands half-way is no state to judge
        raise RefusedError(
            f"The operation {moving.operation_id} replaces {name} now.",
            "Wait for its end. If the previous target is still wanted then, ask once more.",
        )
    retirement = retirement_of_cluster(before, old.resource_id, ports)
    if retirement and retirement.state is State.PREVIOUS_DELETING:
        raise RefusedError(
            f"The previous target {old.resource_id} is being deleted.", _no_way_back(before)
        )
    rds = ports.service("rds", before.plan.target.region)
    found = find_clusters(rds, [made, old.resource_id])
    present, previous = found.get(made), found.get(old.resource_id)
    if previous is None or is_lost(previous.status):
        state = previous.status if previous else "gone"
        gone = _why_gone(before, ports)
        raise RefusedError(
            f"The previous target {old.resource_id} is {state}.{gone}", _no_way_back(before)
        )
    _refuse_without_key(previous, "previous target")
    since = (retirement.ended_at or retirement.created_at) if retirement else before.created_at
    if still_half_deleted(before, previous, ports, had=_had(before), since=since):
        raise RefusedError(
            f"The previous target {previous.arn} was being deleted when that stopped, so it is no "
            "longer whole.",
            "Create its missing instances again, and ask once more when its writer is available. "
            "Or have its deletion finished, by the command of the last notification about it. "
            f"{_no_way_back(before)}",
        )
    _refuse_without_writer(before, previous, ports)
    place = present_name(before.plan, target)
    if present is None or not (
        present.identifier == place or _is_half_way(before, present, previous, ports)
    ):
        raise RefusedError(
            f"The cluster {made}, which {before.operation_id} restored, does not have the name "
            f"{place} any more.",
            f"Rename {previous.identifier} yourself if that name is free.",
        )
    _refuse_other_name(before, previous)
    _refuse_foreign(before, present, previous, ports)
    if before.plan.target.swaps:
        _refuse_without_key(present, "target")
        rds = ports.service("rds", before.plan.target.region)
        refuse_attached(rds, [present.arn, previous.arn])
    if before.plan.target.swaps and target.locked_by is None:
        _refuse_taken_name(before, previous, {made, old.resource_id}, ports)
    return present, previous


def _replaced_last(operation: Operation, target: TargetRecord) -> bool:
    """Tell whether an operation put the present target in the place of one that is kept."""
    made = operation.facts.target.cluster_resource_id
    return made is not None and made == target.opened_id and operation.keeps_previous


def _why_not(before: Operation, name: str) -> str:
    """Say why an operation is not the one that can be rolled back."""
    if not before.opened:
        return "replaced nothing"
    if not before.keeps_previous:
        return "kept no previous target"
    return f"is not the one that replaced {name} last"


def _way_back(before: Operation, target: TargetRecord, ports: Ports) -> str:
    """Name the operation that can be rolled back now, while its previous target is kept."""
    for known in (target.standing.operation, target.last_success_operation):
        last = _without_repetitions(known, ports)
        if last and _replaced_last(last, target) and (kept := _kept_by(last, ports)):
            return (
                f"{last.operation_id} can be rolled back: the target that it replaced, "
                f"{kept.identifier} ({kept.resource_id}), is kept. To go back to that: "
                f"{rollback_command(last)}"
            )
    return _no_way_back(before)


def _without_repetitions(operation_id: str | None, ports: Ports) -> Operation | None:
    """Give the operation that made a cluster, for one that only repeated a step on it."""
    found = ports.operations.read(operation_id) if operation_id else None
    while found and found.keeps_cluster and found.rerun_of:
        found = ports.operations.read(found.rerun_of)
    return found


def _kept_by(last: Operation, ports: Ports) -> Cluster | None:
    """Give the previous target of an operation, unless it is gone, lost or being deleted."""
    resource_id = last.facts.target.old.resource_id if last.facts.target.old else ""
    retirement = retirement_of_cluster(last, resource_id, ports)
    found = find_clusters(ports.service("rds", last.plan.target.region), [resource_id])
    kept = found.get(resource_id)
    is_going = retirement is not None and retirement.state is State.PREVIOUS_DELETING
    return None if kept is None or is_going or is_lost(kept.status) else kept


def _no_way_back(before: Operation) -> str:
    """Offer a snapshot, where no previous target is kept."""
    return (
        "Restore a snapshot of that time instead: put its name in place of "
        f"{YOUR_SNAPSHOT}. {snapshot_command(before)}"
    )


def _refuse_other_name(before: Operation, previous: Cluster) -> None:
    """Raise RefusedError for a previous target that people renamed.

    The policies of a deployed stage name the clusters that the functions may change.
    """
    plan, name = before.plan.target, previous.identifier
    if name in plan.cluster_ids:
        return
    command = named_by_hand(previous, before.previous_id, plan.region, holder=None, parking="")
    raise RefusedError(
        f"People renamed the previous target {previous.resource_id} to {name}, and the functions "
        f"may change only clusters that are called {', '.join(plan.cluster_ids)}. Nothing was "
        "changed.",
        f"Ask once more when its name is {before.previous_id}. To rename it: {command}",
    )


def _refuse_foreign(before: Operation, present: Cluster, previous: Cluster, ports: Ports) -> None:
    """Raise RefusedError where a cluster that is renamed, or pointed to, is not the plan's."""
    rds = ports.service("rds", before.plan.target.region)
    concerned = {"previous target": previous}
    if before.plan.target.swaps:
        concerned["target"] = present
    for role, cluster in concerned.items():
        TargetCluster(rds, before, cluster.identifier).refuse_unowned(cluster, [], role)


def _refuse_without_key(cluster: Cluster, which: str) -> None:
    """Raise RefusedError for a cluster that AWS neither renames nor opens without its key."""
    if cluster.status == RECOVERABLE:
        region, name = cluster.arn.split(":")[3], cluster.identifier
        raise RefusedError(
            f"The {which} {cluster.arn} is {cluster.status}: AWS cannot use its key. Nothing was "
            "changed.",
            f"Enable the key {cluster.settings.kms_key_arn}, start the cluster, and ask again when "
            "it is available. To start it: aws rds start-db-cluster --db-cluster-identifier "
            f"{name} --region {region}",
        )


def _refuse_without_writer(before: Operation, previous: Cluster, ports: Ports) -> None:
    """Raise RefusedError where nobody could log in to the previous target."""
    if previous.writer is None:
        raise RefusedError(
            f"The previous target {previous.resource_id} has no writer: nobody could log in to it.",
            _no_way_back(before),
        )
    rds = ports.service("rds", before.plan.target.region)
    writer = TargetCluster(rds, before, previous.identifier).observe_instance(previous.writer)
    if writer and is_lost(writer.status):
        raise RefusedError(
            f"The writer {writer.identifier} of the previous target {previous.arn} is "
            f"{writer.status}: nobody could log in to it. Nothing was changed.",
            "Correct what made it fail, or create another instance in that cluster and make it "
            f"the writer; then ask once more. {_no_way_back(before)}",
        )


def _had(before: Operation) -> int:
    """Give how many instances the previous target had."""
    old, known = before.facts.target.old, before.facts.target.baseline
    if known and old and known.resource_id == old.resource_id:
        return len(known.instances)
    return len(old.members) if old else 0


def _is_half_way(before: Operation, present: Cluster, previous: Cluster, ports: Ports) -> bool:
    """Tell whether a rollback that did not finish has moved these two: another one finishes it."""
    plan = before.plan.target
    parking = plan.parking_id(_waits_as(before, present, previous))
    if not plan.swaps or present.identifier != parking:
        return False
    holder = observe_cluster(ports.service("rds", plan.region), plan.cluster_id)
    return holder is None or holder.resource_id == previous.resource_id


def _is_parked(before: Operation, present: Cluster) -> bool:
    """Tell whether the name may be nobody's, so that the renames come before a proof."""
    plan = before.plan.target
    return plan.swaps and present.identifier != plan.cluster_id


def _waits_as(before: Operation, present: Cluster, previous: Cluster) -> str:
    """Name the previous target without the target's name, which it may have got already."""
    plan = before.plan.target
    if plan.swaps and previous.identifier == plan.cluster_id:
        return plan.parking_id(present.identifier)
    return previous.identifier


def _refuse_taken_name(before: Operation, previous: Cluster, moved: set[str], ports: Ports) -> None:
    """Raise RefusedError where a third cluster has the name that the present target would get."""
    plan = before.plan.target
    name = plan.parking_id(previous.identifier)
    found = observe_cluster(ports.service("rds", plan.region), name)
    if found and found.resource_id not in moved:
        raise RefusedError(
            f"The present target would be kept as {name}, and another cluster has that name: "
            f"{found.arn} ({found.resource_id}).",
            "Give that cluster another name, or delete it if it is not needed, and ask again. To "
            f"delete it: {deleted_by_hand(found, plan.region)}",
        )


def _why_gone(before: Operation, ports: Ports) -> str:
    """Say which operation deleted the cluster that another one replaced, when and why, if known."""
    retirement = ports.operations.read(retire_id(before.operation_id))
    if retirement is None or retirement.state is not State.RETIRED or retirement.ended_at is None:
        return ""
    who, at = retirement.operation_id, iso_timestamp(retirement.ended_at)
    begun = [left.started_at for left in retirement.durations if left.state is _DELETING]
    if not begun:
        return f" {who} found at {at} that the previous target was gone: others deleted it."
    why = "its time was over" if begun[0] >= kept_until(retirement) else "a restore needed its name"
    return f" {who} deleted the previous target at {at}, because {why}."


def _facts(before: Operation, present: Cluster, previous: Cluster, ports: Ports) -> Facts:
    """Give the facts of a swap with the two exchanged, and what is known of the previous data."""
    maker_id = previous.tags.get(OPERATION_TAG)
    maker = ports.operations.read(maker_id) if maker_id else None
    known = maker.facts if maker and maker.state in TERMINAL else Facts()
    if maker and maker.plan.target.keeps_old:  # else it had never been opened, whoever closed them
        known = replace(known, users=replace(known.users, production_logins_closed=True))
    return replace(
        known,
        copies=CopyFacts(),
        swap=SwapFacts(),
        target=TargetFacts(
            old=as_old_target(present, before),
            made_as=_waits_as(before, present, previous),
            cluster_id=previous.identifier,
            cluster_arn=previous.arn,
            cluster_resource_id=previous.resource_id,
            endpoint=previous.endpoint,
            reader_endpoint=previous.reader_endpoint,
            port=previous.port,
            instances=previous.members[::-1],
            data_api=before.facts.target.old.data_api if before.facts.target.old else None,
        ),
    )

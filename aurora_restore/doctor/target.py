"""The target: whose it is, the network and groups it needs, and the quotas."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from aurora_restore.doctor.kept import way_back
from aurora_restore.doctor.stage_plan import StagePlan, collect_refusals, unknown_version
from aurora_restore.documents import allows
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.flow.choreography import IN_VPC
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.not_carried import not_carried
from chalicelib.flow.plan import Plan
from chalicelib.flow.setting_definitions import DAYS, SchedulePlan
from chalicelib.flow.text_limits import counted
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import request_command, request_id_of
from chalicelib.runtime.present_cluster import refuse_replaced_of, refuse_unknown
from chalicelib.settings import DEFAULT_PLAN
from chalicelib.snapshots.copies import COPIES_MAX, copies_under_way
from chalicelib.target.pointers import Pointers, disagreements
from chalicelib.target.previous_name import refuse_lost, refuse_taken_name
from chalicelib.target.readers import adopted

NIGHTS_LEFT_MIN = 14
MONITORING = "monitoring.rds.amazonaws.com"
_COUNTED = frozenset({"DBClusters", "DBInstances", "ManualClusterSnapshots"})
NEXT_HAS_THEM = "The next restore has the new values."
KEEP = (
    "Delete old copies, set ARCHIVE_SNAPSHOT=false so that none is kept, or have the quota raised."
)


def target(view: StagePlan) -> Iterator[Finding]:
    """See whose the target is, by its tag: what is not ours is never replaced.

    Say what the next restore does with it.
    """
    cluster, schedule = view.cluster, view.plan.schedule
    if schedule.paused:
        yield warning(
            "Restores are paused (PAUSED=true): no snapshot is restored until that is changed.",
            "Set PAUSED=false when they are to go on. What you request is restored all the same.",
        )
    if cluster is None:
        missing = f"There is no {view.plan.target_cluster_arn} yet: it will be created."
        yield ok(f"{missing}{_limits(schedule)}")
        return
    yield from view.passes("target", "attachments")
    with collect_refusals() as refused:
        if view.plan.target.swaps:
            refuse_lost(cluster)
            refuse_taken_name(view.operation, cluster, view.ports)
    yield from refused
    yield ok(
        f"{cluster.arn} is ours, {cluster.status}, with "
        f"{counted(len(view.instances), 'instance')}. {_next(view, cluster.identifier)}"
        f"{way_back(view)}{_limits(schedule)}{_readers(view)}{_left(view)}"
    )


def _limits(schedule: SchedulePlan) -> str:
    """Say when snapshots are restored by themselves, where that is not at any time."""
    days = ", ".join(schedule.refresh_days) if {*schedule.refresh_days} != {*DAYS} else ""
    on = f" on {days}" if days else ""
    at = f" at {schedule.refresh_window}" if schedule.refresh_window else ""
    return f" Snapshots are restored by themselves only{on}{at} (UTC)." if on or at else ""


def _next(view: StagePlan, present_id: str) -> str:
    """Say what becomes of the target when a cluster is restored."""
    target, minutes = view.plan.target, view.plan.schedule.notice_minutes
    announced = f", announced {counted(minutes, 'minute')} before" if minutes else ""
    if not target.keeps_old:
        return f"The next restore deletes it first (REPLACEMENT=delete-first){announced}."
    hours = counted(target.keep_previous_hours, "hour")
    name = present_id if target.points else target.previous_id
    stopped = ", stopped," if target.stop_previous else ""
    kept = f"kept{stopped} as {name} for {hours}" if target.keep_previous_hours else "deleted"
    does = f"exchanges it for {view.next_id}"
    if target.points:
        does = f"makes {view.next_id} and points to that"
    return f"The next restore {does}{announced}; then it is {kept}."


def pointers(view: StagePlan) -> Iterator[Finding]:
    """See that the pointers can be moved, and that they name the cluster that people use."""
    plan = view.plan
    if not plan.target.points:
        yield ok(f"REPLACEMENT={plan.target.replacement} has none.")
        return
    yield from view.passes("pointers")
    opened = view.record.opened_as
    if view.cluster is None or view.cluster.identifier != opened:
        yield ok(f"They are written when the next restore has made {view.next_id}.")
        return
    with collect_refusals() as refused:
        seen = Pointers(plan, view.ports).read()
        if opened == plan.target.cluster_id and not (seen.secret.values or seen.parameters):
            yield ok("No restore has written the pointers yet; the next one writes them.")
            return
        for wrong in disagreements(plan, seen, view.cluster):
            yield failed(f"People should find {opened}. {wrong}", _point_again(view))
    yield from refused
    yield ok(f"All of them name {opened}.")


def _point_again(view: StagePlan) -> str:
    """Say how the pointers come to name the target again."""
    return (
        "Find out who changed it, and write it as docs/replacement.md#pointers says, or restore "
        f"once more: the next cluster, {view.next_id}, gets all of them."
    )


def _readers(view: StagePlan) -> str:
    """Name the readers of others that are deleted with the target."""
    found = adopted(view.cluster, view.instances, view.plan) if view.cluster else []
    names = ", ".join(reader.identifier for reader in found)
    return f" With it go readers that others made: {names}." if names else ""


def _left(view: StagePlan) -> str:
    """Name what the target has and the new one will not have."""
    found = "; ".join(not_carried(view.operation))
    return f" Not carried over: {found}." if found else ""


def network_groups(view: StagePlan) -> Iterator[Finding]:
    """See that subnet, security and parameter groups exist and fit each other."""
    if not view.version:
        yield unknown_version()
    yield from view.passes(
        "subnet group", "security groups", "cluster parameter group", "parameter group"
    )
    with collect_refusals() as refused:
        spec = view.operation.target_spec
        yield ok(f"{spec.db_subnet_group_name}, {', '.join(spec.security_group_ids)}.")
    yield from refused


def orderable_options(view: StagePlan) -> Iterator[Finding]:
    """See that the region offers engine version and instance class, and that the names are free."""
    if not view.version:
        yield unknown_version()
    yield from view.passes("engine version", "extended support", "instance class")
    yield from view.passes("instance names", "final snapshot")
    version, warnings = view.new_version
    for told in warnings:
        yield warning(told, "Upgrade production.")
    with collect_refusals() as refused:
        spec = view.operation.target_spec
        yield ok(f"{len(spec.instances)} of {', '.join(spec.classes)}, {version}.")
    yield from refused


def monitoring_role(view: StagePlan) -> Iterator[Finding]:
    """See that the role of enhanced monitoring exists and trusts RDS, which no function can ask."""
    arn = view.plan.target.monitoring_role_arn
    if arn is None:
        yield ok("MONITORING_ROLE_ARN is not set.")
        return
    found = view.stage_view.find("iam", "get_role", RoleName=arn.rpartition("/")[2])
    role = found["Role"] if found else {}
    if role.get("Arn") != arn:
        why, do = f"There is no role {arn}.", "Create it, or correct MONITORING_ROLE_ARN."
    elif not allows(role["AssumeRolePolicyDocument"], MONITORING):
        why = f"The role {arn} does not trust {MONITORING}."
        do = "Allow that service sts:AssumeRole in the role's trust policy."
    else:
        yield ok(f"{arn} trusts {MONITORING}.")
        return
    yield warning(f"{why} New instances are made without enhanced monitoring.", do)


def secrets(view: StagePlan) -> Iterator[Finding]:
    """See that both secrets are there and well-formed; nothing of a password is shown."""
    names = _secrets_of(view)
    if empty := [name for name in names if _is_empty(view, name)]:
        yield failed(
            f"{', '.join(empty)}: no value yet.",
            "Put a JSON object into each: docs/runbook.md#deploy has the commands, and the fields.",
        )
        return
    yield from view.passes("secrets", "master secret", "application secret")
    yield ok(f"{' and '.join(names)} are well-formed.")


def _is_empty(view: StagePlan, name: str) -> bool:
    """Tell whether a secret has no value, which GetSecretValue does not tell from no secret."""
    found = view.stage_view.find("secretsmanager", "describe_secret", SecretId=name)
    return found is not None and not found.get("VersionIdsToStages")


def quotas(view: StagePlan) -> Iterator[Finding]:
    """See that a restore does not break a quota, and how many nights' copies there is room for."""
    rds = view.stage_view.service("rds", view.plan.target.region)
    running = copies_under_way(rds)
    if running >= COPIES_MAX:
        yield warning(
            f"{running} of at most {COPIES_MAX} copies are in progress: the next one waits.",
            "Check again later.",
        )
    yield from view.passes("quotas")
    used = {
        account_quota["AccountQuotaName"]: account_quota
        for account_quota in rds.call("describe_account_attributes")["AccountQuotas"]
    }
    if room := used.get("ManualClusterSnapshots"):
        yield from _room(view, room["Max"] - room["Used"])
    shown = [
        f"{name} {each['Used']} of {each['Max']}"
        for name, each in sorted(used.items())
        if name in _COUNTED
    ]
    yield ok(
        f"{', '.join(shown)}, copies in progress {running} of {COPIES_MAX}; {_nights(view, room)}."
    )


def _kept_a_night(view: StagePlan) -> int:
    """Count the manual snapshots that each night leaves: copies, and final snapshots."""
    plans = [plan for plan in view.stage_view.plans.values() if isinstance(plan, Plan)]
    here = [plan for plan in plans if plan.target.region == view.plan.target.region]
    return sum(
        plan.copies.archive_snapshot + (not plan.target.skip_final_snapshot) for plan in here
    )


def _nights(view: StagePlan, room: Mapping[str, int] | None) -> str:
    """Say for how many nights the manual snapshots that each keeps find room."""
    kept = _kept_a_night(view)
    if not kept or not room:
        return "a night keeps no snapshot"
    return (
        f"a night keeps {kept}, so there is room for {(room['Max'] - room['Used']) // kept} nights"
    )


def _room(view: StagePlan, left: int) -> Iterator[Finding]:
    where, kept = f"in {view.plan.target.region}", _kept_a_night(view)
    if left <= 0:
        yield failed(f"There is no room for one more manual cluster snapshot {where}.", KEEP)
    elif kept and left // kept < NIGHTS_LEFT_MIN:
        yield warning(
            f"There is room for {left} more manual cluster snapshots {where}, and each night keeps "
            f"{kept}: the quota is reached in {left // kept} nights.",
            KEEP,
        )


def users(view: StagePlan) -> Iterator[Finding]:
    """See that no secret changed since the last success: only an operation applies its values."""
    succeeded_at = view.record.last_success_at
    if succeeded_at is None:
        yield ok("No operation has set up the users yet.")
        return
    names = _secrets_of(view)
    changed = [
        (name, when) for name in names if (when := _changed_at(view, name)) and when > succeeded_at
    ]
    refused = _why_not_again(view) if changed else None
    for name, when in changed:
        since = (
            f"The secret {name} changed at {iso_timestamp(when)}, after the last success "
            f"({iso_timestamp(succeeded_at)})"
        )
        if refused:
            yield warning(f"{since}. {refused.reason}", refused.remedy)
            continue
        yield warning(
            f"{since}: the target still has the old value.",
            f"Set the users up again: {_set_up_again(view, succeeded_at)}",
        )
    yield ok("Neither secret changed since the last success.")


def _why_not_again(view: StagePlan) -> RefusedError | None:
    """Say why the functions would refuse to set up the users again; None where they would not."""
    last = view.record.last_success_operation
    before = view.ports.operations.read(last) if last else None
    if before is None:
        return RefusedError(f"The record of the last success, {last}, is gone.", NEXT_HAS_THEM)
    try:
        refuse_unknown(before)
        refuse_replaced_of(replace(before, keeps_cluster=True), IN_VPC, view.ports)
    except RefusedError as error:
        return error
    return None


def _changed_at(view: StagePlan, name: str) -> datetime | None:
    found = view.stage_view.find("secretsmanager", "describe_secret", SecretId=name) or {}
    changed: datetime | None = found.get("LastChangedDate")
    return changed


def _set_up_again(view: StagePlan, succeeded_at: datetime) -> str:
    """Write the command, with a request id of its own for each rotation after a success."""
    plan = view.plan.name if view.plan.name != DEFAULT_PLAN else None
    changes = sorted(
        iso_timestamp(when) for name in _secrets_of(view) if (when := _changed_at(view, name))
    )
    again = {"plan": plan, "rerun_of": "last", "from_step": IN_VPC}
    request_id = request_id_of(
        {**again, "after": iso_timestamp(succeeded_at), "changed": ",".join(changes)}
    )
    return request_command(
        view.plan.stage, view.stage_view.stage.region, {"request_id": request_id, **again}
    )


def _secrets_of(view: StagePlan) -> tuple[str, str]:
    return view.plan.users.master_credentials_secret_id, view.plan.users.app_credentials_secret_id

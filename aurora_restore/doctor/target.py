"""The target: whose it is, the network and groups it needs, and the quotas."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from aurora_restore.doctor.stage_plan import StagePlan, unknown_version
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.flow.choreography import IN_VPC
from chalicelib.flow.limits import counted
from chalicelib.flow.plan import Plan
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.commands import request_command, request_id_of
from chalicelib.settings import DEFAULT_PLAN
from chalicelib.snapshots.copies import COPIES_MAX, copies_under_way

NIGHTS_LEFT_MIN = 14
_COUNTED = frozenset({"DBClusters", "DBInstances", "ManualClusterSnapshots"})
KEEP = (
    "Delete old copies, set ARCHIVE_SNAPSHOT=false so that none is kept, or have the quota raised."
)


def target(view: StagePlan) -> Iterator[Finding]:
    """See whose the target is, by its tag: what is not ours is never replaced."""
    cluster = view.cluster
    if cluster is None:
        yield ok(f"There is no {view.plan.target_cluster_arn} yet: it will be made.")
        return
    yield from view.passes("target")
    yield ok(
        f"{cluster.arn} is ours, {cluster.status}, with {counted(len(view.instances), 'instance')}."
    )


def network_groups(view: StagePlan) -> Iterator[Finding]:
    """See that subnet, security and parameter groups exist and fit each other."""
    if not view.version:
        yield unknown_version()
    yield from view.passes(
        "subnet group", "security groups", "cluster parameter group", "parameter group"
    )
    security_groups = ", ".join(view.plan.target.vpc_security_group_ids)
    yield ok(f"{view.plan.target.db_subnet_group_name}, {security_groups}.")


def orderable_options(view: StagePlan) -> Iterator[Finding]:
    """See that the region offers engine version and instance class, and that the names are free."""
    if not view.version:
        yield unknown_version()
    yield from view.passes("engine version", "instance class", "instance names", "final snapshot")
    yield ok(
        f"{view.plan.target.instance_count} of {view.plan.target.instance_class}, {view.version}."
    )


def secrets(view: StagePlan) -> Iterator[Finding]:
    """See that both secrets are there and well-formed; nothing of a password is shown."""
    names = _secrets_of(view)
    if empty := [name for name in names if _is_empty(view, name)]:
        yield failed(
            f"No value was put into {', '.join(empty)} yet.",
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
            f"{running} copies are under way, and {COPIES_MAX} may be: the next one waits.",
            "Look again later.",
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
        f"{', '.join(shown)}, copies under way {running} of {COPIES_MAX}; {_nights(view, room)}."
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
    succeeded_at = view.ports.operations.target(view.plan.target_cluster_arn).last_success_at
    if succeeded_at is None:
        yield ok("No operation has set up the users yet.")
        return
    names = _secrets_of(view)
    changed = [
        (name, when) for name in names if (when := _changed_at(view, name)) and when > succeeded_at
    ]
    for name, when in changed:
        yield warning(
            f"The secret {name} changed at {iso_timestamp(when)}, after the last success "
            f"({iso_timestamp(succeeded_at)}): the target still has what it was before.",
            f"Set the users up again: {_set_up_again(view, succeeded_at)}",
        )
    yield ok("Neither secret changed since the last success.")


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

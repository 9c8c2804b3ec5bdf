"""The target's side: whose it is, what it will be placed in, how many more of everything there may be."""

from collections.abc import Iterator

from chalicelib.aurora import COPIES_MAX
from console.doctor.case import Case, refusals, unknown_version
from console.doctor.sights import Sight, doubtful, fine, wrong

SNAPSHOTS_LEFT_MIN = 10  # nights, where every one keeps its copy
_COUNTED = frozenset({"DBClusters", "DBInstances", "ManualClusterSnapshots"})
KEEP = "Delete old copies, set ARCHIVE_SNAPSHOT=false so that none is kept, or have the quota raised."


def target(case: Case) -> Iterator[Sight]:
    """See whose the target is, by its tag: what is not ours is never replaced."""
    cluster = case.cluster
    if cluster is None:
        yield fine(f"There is no {case.plan.target_cluster_arn} yet: it will be made.")
        return
    with refusals() as refused:
        case.plan.refuse_source(cluster.resource_id, case.facts.source_resource_id)
        case.target.refuse_unowned(cluster, case.instances)
    yield from refused
    yield fine(f"{cluster.arn} is ours, {cluster.status}, with {len(case.instances)} instances.")


def groups(case: Case) -> Iterator[Sight]:
    """See that the subnet group, the security groups and the parameter groups are there and fit each other."""
    names = ["subnet group", "security groups"]
    if case.version:
        names += ["cluster parameter group", "parameter group"]
    else:
        yield unknown_version()
    yield from case.passes(*names)
    yield fine(f"{case.plan.db_subnet_group_name}, {', '.join(case.plan.vpc_security_group_ids)}.")


def orders(case: Case) -> Iterator[Sight]:
    """See that the target's region offers the engine version and the instance class, and that the names are free."""
    if case.version:
        yield from case.passes("engine version", "instance class")
    else:
        yield unknown_version()
    yield from case.passes("instance names")
    yield fine(f"{case.plan.instance_count} of {case.plan.instance_class}, {case.version}.")


def secrets(case: Case) -> Iterator[Sight]:
    """See that both secrets are there and well-formed; nothing of a password is shown."""
    names = (case.plan.master_credentials_secret_id, case.plan.app_credentials_secret_id)
    if empty := [name for name in names if _is_empty(case, name)]:
        yield wrong(
            f"No value was put into {', '.join(empty)} yet.",
            "Put a JSON object into each: docs/runbook.md#deploy has the commands, and the fields.",
        )
        return
    yield from case.passes("secrets")
    yield fine(f"{' and '.join(names)} are well-formed.")


def _is_empty(case: Case, name: str) -> bool:
    """Tell whether a secret was made and never given a value, which GetSecretValue does not tell from no secret."""
    found = case.patient.find("secretsmanager", "describe_secret", SecretId=name)
    return found is not None and not found.get("VersionIdsToStages")


def quotas(case: Case) -> Iterator[Sight]:
    """See that a restore does not break a quota, and how many nights' copies there is room for."""
    rds = case.patient.service("rds", case.plan.target_region)
    copies = rds.pages("describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")
    running = sum(one["Status"] == "copying" for one in copies)
    if running >= COPIES_MAX:
        yield doubtful(
            f"{running} copies are under way, and {COPIES_MAX} may be: the next one waits.", "Look again later."
        )
    yield from case.passes("quotas")
    counted = {one["AccountQuotaName"]: one for one in rds.call("describe_account_attributes")["AccountQuotas"]}
    if room := counted.get("ManualClusterSnapshots"):
        yield from _room(case, room["Max"] - room["Used"])
    shown = [f"{name} {one['Used']} of {one['Max']}" for name, one in sorted(counted.items()) if name in _COUNTED]
    yield fine(f"{', '.join(shown)}, copies under way {running} of {COPIES_MAX}.")


def _room(case: Case, left: int) -> Iterator[Sight]:
    where = f"in {case.plan.target_region}"
    if left <= 0:
        yield wrong(f"There is no room for one more manual cluster snapshot {where}.", KEEP)
    elif case.plan.archive_snapshot and left < SNAPSHOTS_LEFT_MIN:
        yield doubtful(
            f"There is room for {left} more manual cluster snapshots {where}, and each night keeps one.", KEEP
        )

"""The quotas of the account: whether they have room for what a restore makes."""

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.client import Service
from chalicelib.flow.errors import BeyondSettingsError, RefusedError
from chalicelib.flow.operation import Operation

# The names of the quotas in DescribeAccountAttributes.
CLUSTERS, INSTANCES, SNAPSHOTS = "DBClusters", "DBInstances", "ManualClusterSnapshots"


def needed(
    operation: Operation, replaced_instances: int, *, replaces: bool, final_snapshot: bool
) -> Mapping[str, int]:
    """Count how many more of each there will be: beside the old target, or in its place."""
    return {
        INSTANCES: len(operation.instance_ids) - replaced_instances,
        CLUSTERS: 0 if replaces else 1,
        SNAPSHOTS: 1 if final_snapshot else 0,
    }


def refuse_full(operation: Operation, rds: Service, needed: Mapping[str, int]) -> None:
    """Refuse what the quotas have no room for; `needed` says how many more of each."""
    answer = rds.call("describe_account_attributes")["AccountQuotas"]
    quotas = {quota["AccountQuotaName"]: quota for quota in answer}
    for name, more in needed.items():
        if name in quotas:
            _refuse_excess(operation, quotas[name], more)


def _refuse_excess(operation: Operation, quota: Mapping[str, Any], more: int) -> None:
    """Refuse what a quota has no room for.

    It is a problem of the settings only where not even an empty account would have room.
    """
    name, most, used = quota["AccountQuotaName"], quota["Max"], quota["Used"]
    if more <= 0 or used + more <= most:
        return
    what = (
        f"The quota {name} of {operation.plan.target.region} is {most}, {used} are used and {more} "
        "more are needed."
    )
    count = len(operation.instance_ids)
    room = count - (used + more - most)
    if name == INSTANCES and count > most and room > 0:
        raise RefusedError(what, f"Set INSTANCE_COUNT to at most {room}, or have the quota raised.")
    delete_first = (
        "; or set REPLACEMENT=delete-first, which needs no second cluster"
        if operation.plan.target.keeps_old and name != SNAPSHOTS
        else ""
    )
    remedy = f"Delete what is not needed, or have the quota raised{delete_first}."
    raise BeyondSettingsError(what, remedy)

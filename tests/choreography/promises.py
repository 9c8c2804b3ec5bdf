"""What is promised of every night, whatever happens in it; here it is looked for, not trusted."""

from collections.abc import Iterable
from typing import Any

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.stage import PRODUCTION_PASSWORD, SOURCE_REGION, TARGET_REGION, Stage
from tests.choreography.fault_injection import Call

CHANGES_BY_ITSELF = {"EarliestRestorableTime", "LatestRestorableTime", "Status"}


def broken_promises(
    stage: Stage, made: Iterable[Call], untouched: list[dict[str, Any]]
) -> list[str]:
    """Say what must never be so and is, after a night in which the functions made these calls."""
    operations = stage.all_operations()
    wrong = [f"{one.operation_id} is {one.state} and still open" for one in operations if one.open]
    wrong += [
        f"nobody knows whether {one.operation_id} was told"
        for one in operations
        if one.notified is None
    ]
    wrong += [
        f"{one.operation_id} failed without reason or remedy"
        for one in operations
        if _says_nothing(one)
    ]
    wrong += [
        f"the trail of {one.operation_id} has gaps or doubles"
        for one in operations
        if not _is_whole(stage, one)
    ]
    wrong += [f"{call} in the source's region" for call in made if _touches_source(call)]
    wrong += [
        f"production's login {name} works on the restored cluster"
        for name in _open_logins(stage, operations)
    ]
    if stage.target().locked_by:
        wrong.append(f"the target is still locked by {stage.target().locked_by}")
    if bystanders(stage) != untouched:
        wrong.append("the source, or somebody else's cluster, is not as it was")
    return wrong


def bystanders(stage: Stage) -> list[dict[str, Any]]:
    """Describe the clusters that are not ours, as far as nobody but people changes them."""
    found = [
        stage.rds(region).describe_db_clusters()["DBClusters"]
        for region in (SOURCE_REGION, TARGET_REGION)
    ]
    clusters = [cluster for region in found for cluster in region if _is_not_ours(cluster)]
    return [
        {key: value for key, value in one.items() if key not in CHANGES_BY_ITSELF}
        for one in clusters
    ]


def _is_not_ours(cluster: dict[str, Any]) -> bool:
    return all(tag["Key"] != "aurora-restore" for tag in cluster["TagList"])


def _says_nothing(operation: Operation) -> bool:
    return operation.state is State.FAILED and not (operation.reason and operation.remedy)


def _is_whole(stage: Stage, operation: Operation) -> bool:
    """One audit row for each change of state, with the intents of destructive acts between them."""
    rows = [
        row["metric_id"]
        for row in stage.trail(operation.operation_id)
        if "#intent" not in row["metric_id"]
    ]
    return rows == [
        f"{operation.operation_id}#{number + 1:06d}" for number in range(operation.version)
    ]


def _touches_source(call: Call) -> bool:
    reads = call.method.startswith("describe_")
    ours = (
        call.method == "delete_db_cluster_snapshot"
    )  # our copies on the way; those of others are refused by their tags
    return call.service == "rds" and call.region == SOURCE_REGION and not (reads or ours)


def _open_logins(stage: Stage, operations: list[Operation]) -> list[str]:
    done = [
        one.facts.target.cluster_resource_id or ""
        for one in operations
        if one.state is State.SUCCEEDED
    ]
    clusters = [
        stage.data.clusters[resource_id]
        for resource_id in done
        if resource_id in stage.data.clusters
    ]
    roles = [(name, role) for cluster in clusters for name, role in cluster.roles.items()]
    return [name for name, role in roles if role.can_login and role.password == PRODUCTION_PASSWORD]

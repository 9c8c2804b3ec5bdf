"""Renaming a cluster: minutes in which its old name is still its own and the new one nobody's.

Scripts of three public projects agree on what is seen (none of it is documented): for some seconds
the cluster still shows `available`, then `renaming` under the old identifier; the new one is not
found until it is done; then the old one is not found. ARN and cluster endpoints change with the
name; resource id, tags, members with their endpoints, custom endpoints, data and snapshots do not
(Aurora user guide, renaming). Only event 0172 tells the end, and nothing tells a failure.
"""

from dataclasses import replace

from localaws.aurora import events, statuses
from localaws.aurora.attachments import refuse_attached
from localaws.aurora.clusters import refuse_taken_cluster
from localaws.aurora.endpoint_names import dns_name
from localaws.aurora.errors import not_modelled
from localaws.aurora.names import new_identifier
from localaws.aurora.records import Cluster
from localaws.aurora.responses import show_cluster
from localaws.aurora.state import Answer, AuroraState, Request

RENAMING = "renaming"
_ALONE = frozenset({"ApplyImmediately", "DBClusterIdentifier", "NewDBClusterIdentifier"})


def rename(request: Request, cluster: Cluster) -> Answer:
    """Begin to rename an available cluster, or keep the new name for its maintenance window.

    Without ApplyImmediately it waits for that window (RDS API reference, ModifyDBCluster), which
    never comes here.
    """
    _refuse_with_others(request, cluster)
    identifier = new_identifier(request, "NewDBClusterIdentifier")
    refuse_taken_cluster(request.region, identifier)
    refuse_attached(request.region, cluster)
    if request.get("ApplyImmediately", False):
        _begin(request.state, cluster, identifier)
    else:
        cluster.pending_identifier = identifier
    return {"DBCluster": show_cluster(request.state, cluster)}


def _refuse_with_others(request: Request, cluster: Cluster) -> None:
    others = sorted(set(request.parameters) - _ALONE)
    if others:
        raise not_modelled(f"NewDBClusterIdentifier together with {', '.join(others)}")
    if cluster.global_cluster is not None:
        raise not_modelled("A new name for a member of a global cluster")


def refuse_pending_rename(request: Request, cluster: Cluster) -> None:
    """Refuse a change at once beside a rename that waits: AWS might put both in force."""
    if cluster.pending_identifier and request.get("ApplyImmediately", False):
        raise not_modelled("ApplyImmediately while a new name waits for the maintenance window")


def _begin(state: AuroraState, cluster: Cluster, identifier: str) -> None:
    cluster.pending_identifier, cluster.renamed_to = None, identifier
    lag_seconds = state.durations.rename_lag
    statuses.begin(state, cluster, RENAMING, lag_seconds)
    state.later(lag_seconds + state.durations.rename, lambda: _move_endpoint(state, cluster))


def _move_endpoint(state: AuroraState, cluster: Cluster) -> None:
    """Move the cluster's endpoint to its new name, and end the rename with that."""
    identifier = cluster.renamed_to
    if identifier is None or cluster.status != RENAMING:
        cluster.renamed_to = None
        return
    if str(cluster.arn) in state.faults.failing_renames:
        state.faults.failing_renames.remove(str(cluster.arn))
        _fail(cluster)
        return
    arn = replace(cluster.arn, identifier=identifier)
    name = dns_name(replace(cluster, arn=arn))
    state.perform(
        lambda: state.data.rename(cluster.resource_id, name=name),
        lambda: _finish(state, cluster, identifier),
        lambda _error: _fail(cluster),
    )


def _finish(state: AuroraState, cluster: Cluster, identifier: str) -> None:
    region, old = state.region_of(cluster.arn), cluster.arn
    del region.clusters[old.identifier]
    region.clusters[identifier] = cluster
    cluster.arn = replace(old, identifier=identifier)
    cluster.status, cluster.renamed_to = "available", None
    cluster.data_api_works = False
    cluster.data_api &= state.choices.shows_data_api_after_rename
    # Which of the two names the event is filed under is documented nowhere.
    named = old if state.choices.rename_event_source == "old" else cluster.arn
    events.happened(state, named, events.CLUSTER_RENAMED, f"{old.identifier} to {identifier}")


def _fail(cluster: Cluster) -> None:
    """Leave a cluster whose endpoint could not move under its old name; no event says so."""
    cluster.status, cluster.renamed_to = "available", None

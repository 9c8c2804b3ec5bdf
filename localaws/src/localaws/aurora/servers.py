"""The server behind a cluster: it runs while the cluster has an available instance."""

from localaws.aurora import events
from localaws.aurora.endpoint_names import certificate_names
from localaws.aurora.records import Cluster, Instance
from localaws.aurora.schedule import OnFailure, Then
from localaws.aurora.state import AuroraState


def members(state: AuroraState, cluster: Cluster) -> list[Instance]:
    """Return a cluster's instances in the order of their creation."""
    instances = state.region_of(cluster.arn).instances
    return [instances[name] for name in cluster.members]


def start(state: AuroraState, cluster: Cluster, then: Then, failed: OnFailure) -> None:
    """Start the server if it does not run, then go on; `failed` when it does not start.

    A master password that was changed while nothing ran takes effect here, and its certificate
    is for the names that the cluster has now: after a rename it has the old ones until the cluster
    was stopped and started (Aurora user guide, renaming a cluster).
    """
    if cluster.server_runs:
        then()
        return
    cluster.server_runs = True
    names = certificate_names(cluster)
    password, cluster.password_for_next_start = cluster.password_for_next_start, None

    def work() -> None:
        state.data.start(cluster.resource_id, names=names)
        if password is not None:
            state.data.set_master_password(cluster.resource_id, cluster.master_username, password)

    def not_started(error: Exception) -> None:
        cluster.server_runs = False
        failed(error)

    state.perform(work, then, not_started)


def fail(state: AuroraState, instance: Instance, error: Exception) -> None:
    """Leave an instance `failed` for good, with the event that says so."""
    instance.status = "failed"
    events.happened(state, instance.arn, events.INSTANCE_FAILED, str(error))


def stop(state: AuroraState, cluster: Cluster, then: Then = lambda: None) -> None:
    """Stop the server if it runs, and go on when it does not."""
    if not cluster.server_runs:
        then()
        return
    cluster.server_runs = False
    state.perform(lambda: state.data.stop(cluster.resource_id), then)

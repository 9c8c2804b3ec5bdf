"""RestoreDBClusterToPointInTime: a new cluster with the data that another one has now."""

from localaws.aurora import arns
from localaws.aurora.arns import Arn
from localaws.aurora.clusters import begin_creation, existing_cluster, new_cluster_identifier
from localaws.aurora.errors import invalid_combination, not_modelled, wrong_state
from localaws.aurora.names import one_of
from localaws.aurora.options import cluster_options
from localaws.aurora.records import Cluster, Encryption
from localaws.aurora.schedule import Then
from localaws.aurora.state import Answer, Request
from localaws.aurora.tags import read_tags

FULL_COPY = "full-copy"
CLONE = "copy-on-write"


def restore_db_cluster_to_point_in_time(request: Request) -> Answer:
    """Make a cluster with the present data and master user of another: a full copy, or a clone.

    Nothing but the latest moment is kept here, so any other is refused.
    """
    identifier = new_cluster_identifier(request)
    source = _source(request)
    kind = one_of(request, "RestoreType", {FULL_COPY, CLONE}, FULL_COPY)
    _refuse_other_moments(request, kind)
    if source.status != "available":
        raise wrong_state(source.identifier, source.status, "available")
    version, now = source.engine_version, source.options
    cluster = Cluster(
        arn=request.region.arn(arns.CLUSTER, identifier),
        resource_id=request.state.identities.resource_id("cluster"),
        created_at=request.state.now,
        engine_version=version,
        master_username=source.master_username,
        options=cluster_options(
            request, version, port=now.port, retention_days_default=now.backup_retention_days
        ),
        encryption=_encryption(request, source),
        tags=read_tags(request),
        database_name=source.database_name,
    )
    durations = request.state.durations
    seconds = durations.clone if kind == CLONE else durations.restore
    return begin_creation(request, cluster, _copying(request, source, cluster), seconds)


def _source(request: Request) -> Cluster:
    reference = str(request["SourceDBClusterIdentifier"])
    arn = Arn.parse(reference)
    here = arn is not None and arn == request.region.arn(arns.CLUSTER, arn.identifier)
    return existing_cluster(request.region, arn.identifier if arn and here else reference)


def _refuse_other_moments(request: Request, kind: str) -> None:
    latest = request.get("UseLatestRestorableTime", False)
    if latest == ("RestoreToTime" in request):
        raise invalid_combination("Either UseLatestRestorableTime or RestoreToTime must be given.")
    if latest:
        return
    if kind == CLONE:
        raise invalid_combination("A clone is of the latest moment: RestoreToTime cannot be given.")
    raise not_modelled("A restore to an earlier moment (RestoreToTime)")


def _encryption(request: Request, source: Cluster) -> Encryption:
    """Return what the new cluster is encrypted under.

    The source's key or another one; nothing where the source is not encrypted.
    """
    if not source.encryption.encrypted:
        if "KmsKeyId" in request:
            raise invalid_combination("KmsKeyId cannot be given when the source is not encrypted.")
        return source.encryption
    reference = request.get("KmsKeyId", source.encryption.key_arn)
    if reference is None:
        return source.encryption
    key = request.state.usable_key(request.region, reference)
    return Encryption("sse-kms", key.arn, key.manager)


def _copying(request: Request, source: Cluster, cluster: Cluster) -> Then:
    """Return the work that gives the new cluster its data, through a snapshot that nobody sees."""
    data, key = request.state.data, request.state.identities.resource_id("snapshot")

    def work() -> None:
        data.take_snapshot(source.resource_id, key)
        try:
            data.restore_snapshot(key, cluster.resource_id)
        finally:
            data.delete_snapshot(key)

    return work

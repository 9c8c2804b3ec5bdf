"""Restoring a cluster from a snapshot: what is chosen, what AWS decides, what it refuses."""

from functools import partial

from localaws.aurora import arns, catalog, cluster_roles
from localaws.aurora.clusters import AWS_OWNED, begin_creation, new_cluster_identifier
from localaws.aurora.errors import (
    invalid_combination,
    not_modelled,
    snapshot_state,
)
from localaws.aurora.names import engine
from localaws.aurora.options import cluster_options
from localaws.aurora.records import Cluster, Encryption, Snapshot
from localaws.aurora.sharing import find_snapshot
from localaws.aurora.state import Answer, Request
from localaws.aurora.tags import read_tags

OF_INSTANCES = [
    "EnablePerformanceInsights",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod",
]


def restore_db_cluster_from_snapshot(request: Request) -> Answer:
    """Make a new cluster with a snapshot's data and master user.

    Port and retention of backups are those of the snapshot's cluster unless they are chosen now;
    everything else is chosen now or a default (RDS API reference, RestoreDBClusterFromSnapshot).
    """
    identifier = new_cluster_identifier(request)
    engine(request)
    _refuse_what_is_the_instances(request)
    snapshot = find_snapshot(request, request["SnapshotIdentifier"])
    if snapshot.status != "available":
        raise snapshot_state(
            f"Snapshot {snapshot.identifier} is {snapshot.status}; an available one can be "
            "restored."
        )
    version = _restored_version(request, snapshot)
    cluster = Cluster(
        arn=request.region.arn(arns.CLUSTER, identifier),
        # New for every restore, so that `rds-db:connect` policies have to be written anew.
        resource_id=request.state.identities.resource_id("cluster"),
        created_at=request.state.now,
        engine_version=version,
        # The master user and its password come with the data: the call has neither.
        master_username=snapshot.master_username,
        options=cluster_options(
            request,
            version,
            port=snapshot.port,
            retention_days_default=snapshot.backup_retention_days,
        ),
        encryption=_encryption_of_restored(request, snapshot),
        tags=read_tags(request),
        database_name=snapshot.database_name,
    )
    cluster_roles.associate(request, cluster)
    prepare = partial(request.state.data.restore_snapshot, snapshot.key, cluster.resource_id)
    return begin_creation(request, cluster, prepare, request.state.durations.restore)


def _refuse_what_is_the_instances(request: Request) -> None:
    """Refuse insights and monitoring of a whole cluster, which Aurora has for its instances.

    The API's model has them for every restore (seen in public: boto3's issue 4634).
    """
    for name in OF_INSTANCES:
        if name in request:
            raise invalid_combination(f"{name} is for instances of an Aurora cluster.")


def _restored_version(request: Request, snapshot: Snapshot) -> str:
    """Return the version of the restored cluster: by default the region's, or the snapshot's.

    The refusal's code is not documented; InvalidParameterCombination has been seen for versions
    that do not match.
    """
    # Without one it is the region's default, not the snapshot's (RDS API reference).
    asked = request.get("EngineVersion", catalog.DEFAULT_VERSION)
    version = catalog.known_version(asked, deprecated=True)
    if catalog.version_key(version) < catalog.version_key(snapshot.engine_version):
        raise invalid_combination(
            f"The engine version {version} of the restored cluster is earlier than that of the "
            f"snapshot, {snapshot.engine_version}."
        )
    if catalog.major(version) != catalog.major(snapshot.engine_version):
        raise not_modelled(
            f"A restore of version {snapshot.engine_version} to another major version, {version},"
        )
    return version


def _encryption_of_restored(request: Request, snapshot: Snapshot) -> Encryption:
    """Return what the restored cluster is encrypted under.

    The snapshot's key must be usable as well.

    Without a key, an encrypted snapshot keeps its own and an unencrypted one comes under a key that
    AWS owns (Aurora user guide, encryption by default, since 2026-02-18).
    """
    if snapshot.encryption.key_arn:
        request.state.usable_key(request.region, snapshot.encryption.key_arn)
    if "KmsKeyId" in request:
        key = request.state.usable_key(request.region, request["KmsKeyId"])
        return Encryption("sse-kms", key.arn, key.manager)
    return snapshot.encryption if snapshot.encryption.encrypted else AWS_OWNED

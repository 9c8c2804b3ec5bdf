"""Creating clusters: empty ones, and those restored from a snapshot. Neither has instances."""

from collections.abc import Callable
from functools import partial

from localaws.aurora import arns, catalog, cluster_roles, events, master_secrets
from localaws.aurora.endpoint_names import dns_name
from localaws.aurora.errors import (
    RdsError,
    cluster_not_found,
    invalid_combination,
    invalid_value,
    not_modelled,
    snapshot_state,
)
from localaws.aurora.faults import CreationFailure
from localaws.aurora.keys import RDS_MANAGED_ALIAS
from localaws.aurora.names import engine, new_identifier
from localaws.aurora.options import cluster_options
from localaws.aurora.quota_checks import refuse_another_cluster
from localaws.aurora.records import Cluster, Encryption, Snapshot
from localaws.aurora.responses import show_cluster
from localaws.aurora.sharing import find_snapshot
from localaws.aurora.state import Answer, AuroraState, Region, Request
from localaws.aurora.tags import read_tags

MASTER_NAME_LENGTH_MAX = 16
OF_INSTANCES = [
    "EnablePerformanceInsights",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod",
]
AWS_OWNED = Encryption("sse-rds", None, "AWS")


def existing_cluster(region: Region, identifier: str) -> Cluster:
    """Return a cluster by name, or say that there is none."""
    cluster = region.clusters.get(identifier.lower())
    if cluster is None:
        raise cluster_not_found(identifier)
    return cluster


def create_db_cluster(request: Request) -> Answer:
    """Create an empty cluster; its databases come to life with its first instance."""
    identifier = new_cluster_identifier(request)
    engine(request)
    version = catalog.known_version(request.get("EngineVersion", catalog.DEFAULT_VERSION))
    username, password = _master_user(request)
    cluster = Cluster(
        arn=request.region.arn(arns.CLUSTER, identifier),
        resource_id=request.state.identities.resource_id("cluster"),
        created_at=request.state.now,
        engine_version=version,
        master_username=username,
        options=cluster_options(request, version),
        encryption=_encryption_of_new(request),
        tags=read_tags(request),
        database_name=request.get("DatabaseName"),
    )
    if request.get("ManageMasterUserPassword", False):
        master_secrets.keep(request, cluster, password)
    prepare = partial(
        request.state.data.create_cluster,
        cluster.resource_id,
        master_username=username,
        master_password=password,
        database_name=cluster.database_name,
    )
    return begin_creation(request, cluster, prepare, request.state.durations.cluster_create)


def new_cluster_identifier(request: Request) -> str:
    """Return the identifier for a new cluster, which nobody has and for which there is room."""
    identifier = new_identifier(request, "DBClusterIdentifier")
    refuse_taken_cluster(request.region, identifier)
    refuse_another_cluster(request.region)
    return identifier


def refuse_taken_cluster(region: Region, identifier: str) -> None:
    """Refuse a name that a cluster has, or is being given."""
    promised = any(cluster.renamed_to == identifier for cluster in region.clusters.values())
    if promised or identifier in region.clusters:
        raise RdsError("DBClusterAlreadyExistsFault", f"DB cluster {identifier} exists already.")


def _master_user(request: Request) -> tuple[str, str]:
    managed = request.get("ManageMasterUserPassword", False)
    if "MasterUsername" not in request or not (managed or "MasterUserPassword" in request):
        missing = "MasterUsername" if "MasterUsername" not in request else "MasterUserPassword"
        raise invalid_value(f"The parameter {missing} must be provided and must not be blank.")
    username = str(request["MasterUsername"])
    if (
        not username[:1].isalpha()
        or not username.isalnum()
        or len(username) > MASTER_NAME_LENGTH_MAX
    ):
        raise invalid_value(
            f"MasterUsername has 1 to {MASTER_NAME_LENGTH_MAX} letters and digits, first a letter."
        )
    return username, master_secrets.password_of_new(request)


def _encryption_of_new(request: Request) -> Encryption:
    if not request.get("StorageEncrypted", "KmsKeyId" in request):
        if "KmsKeyId" in request:
            raise invalid_combination("KmsKeyId needs StorageEncrypted.")
        return AWS_OWNED if request.state.choices.encrypts_by_default else Encryption()
    key = request.state.usable_key(request.region, request.get("KmsKeyId", RDS_MANAGED_ALIAS))
    return Encryption("sse-kms", key.arn, key.manager)


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


def begin_creation(
    request: Request, cluster: Cluster, prepare: Callable[[], None], seconds: float
) -> Answer:
    """Let a cluster be created some seconds after its data was prepared, and return the answer."""
    state = request.state
    state.data.place(cluster.resource_id, name=dns_name(cluster), port=cluster.options.port)
    request.region.clusters[cluster.identifier] = cluster
    state.perform(
        prepare,
        lambda: state.later(seconds, lambda: _finish(state, cluster)),
        lambda error: _fail(state, cluster, CreationFailure("failed", str(error))),
    )
    return {"DBCluster": show_cluster(state, cluster)}


def _finish(state: AuroraState, cluster: Cluster) -> None:
    """End the creation.

    There is an event for success and for two kinds of failure, also after a restore.
    """
    if cluster.status != "creating":
        return
    failure = state.faults.failing_creations.pop(str(cluster.arn), None)
    if failure is None:
        # Without an instance nobody can log in yet: the cluster alone is storage.
        cluster.status = "available"
        events.happened(state, cluster.arn, events.CLUSTER_CREATED)
        return
    _fail(state, cluster, failure)


def _fail(state: AuroraState, cluster: Cluster, failure: CreationFailure) -> None:
    cluster.status = failure.status
    incompatible = failure.status.startswith("incompatible-")
    kind = events.CLUSTER_INCOMPATIBLE if incompatible else events.CLUSTER_LIMITS
    events.happened(state, cluster.arn, kind, failure.message)

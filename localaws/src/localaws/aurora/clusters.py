"""Creating clusters, without instances: empty ones, and the common part of every creation."""

from collections.abc import Callable
from functools import partial

from localaws.aurora import arns, catalog, events, master_secrets
from localaws.aurora.endpoint_names import dns_name
from localaws.aurora.errors import (
    RdsError,
    cluster_not_found,
    invalid_combination,
    invalid_value,
)
from localaws.aurora.faults import CreationFailure
from localaws.aurora.keys import RDS_MANAGED_ALIAS
from localaws.aurora.names import engine, new_identifier
from localaws.aurora.options import cluster_options
from localaws.aurora.quota_checks import refuse_another_cluster
from localaws.aurora.records import Cluster, Encryption
from localaws.aurora.responses import show_cluster
from localaws.aurora.state import Answer, AuroraState, Region, Request
from localaws.aurora.tags import read_tags

MASTER_NAME_LENGTH_MAX = 16
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

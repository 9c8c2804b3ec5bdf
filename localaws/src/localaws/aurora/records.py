"""What the model remembers: clusters, instances, snapshots, exports, groups. Plain mutable values.

None acts.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localaws.aurora.arns import Arn
from localaws.aurora.export_storage import Destination

Tags = dict[str, str]


@dataclass(eq=False)
class ParameterGroup:
    """A cluster or instance parameter group.

    `values` are what users set: by name, value and how it is applied.
    """

    arn: Arn
    family: str
    description: str
    tags: Tags = field(default_factory=dict)
    values: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(eq=False)
class SubnetGroup:
    """A DB subnet group: the VPC it lies in and its subnets, each with its availability zone."""

    arn: Arn
    description: str
    vpc_id: str
    subnets: dict[str, str]
    tags: Tags = field(default_factory=dict)
    network_types: tuple[str, ...] = ("IPV4",)


@dataclass(frozen=True)
class Encryption:
    """How storage is encrypted: `none`, `sse-kms` with a key's ARN, or `sse-rds` (AWS's key)."""

    kind: str = "none"
    key_arn: str | None = None
    key_manager: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether the storage is encrypted at all."""
        return self.kind != "none"


@dataclass(frozen=True)
class Insights:
    """What Performance Insights of an instance is encrypted with, and kept for how many days."""

    key_arn: str
    days: int


@dataclass(eq=False)
class ClusterOptions:
    """What a caller chooses for a cluster, by itself or by leaving it to AWS's defaults."""

    port: int
    subnet_group: SubnetGroup
    parameter_group: str
    security_groups: list[str]
    deletion_protection: bool
    copy_tags_to_snapshot: bool
    backup_retention_days: int
    backup_window: str
    maintenance_window: str
    iam_authentication: bool
    log_exports: list[str]
    storage_type: str
    lifecycle_support: str
    network_type: str = "IPV4"
    scaling: dict[str, float] | None = None
    publicly_accessible: bool | None = None


@dataclass(frozen=True)
class StatusLag:
    """While a resource is in `status`, descriptions may show the one `before` for a while."""

    before: str
    status: str
    until: datetime


@dataclass(frozen=True)
class MasterSecret:
    """The secret of a master password that RDS manages.

    Without a key of its own it is under the account's.
    """

    arn: str
    key_arn: str | None


@dataclass(eq=False)
class AssociatedRole:
    """An IAM role that a cluster acts with, for one of its features or for none in particular."""

    arn: str
    feature: str | None
    status: str = "PENDING"

    @property
    def identity(self) -> tuple[str, str | None]:
        """What two associations cannot have in common."""
        return self.arn, self.feature


@dataclass(eq=False)
class Cluster:
    """A cluster. `members` are instance identifiers in the order of their creation.

    `writer` is one of them.

    `pending` are changes that were accepted and are not in force yet, as PendingModifiedValues
    shows them; `pending_identifier` is a new name that waits for the maintenance window, and
    `renamed_to` one that the cluster is being given. `attached` are members of its
    description that no modelled call changes. `data_api` is what the description says of the Data
    API, which does not work any more after a rename.
    """

    arn: Arn
    resource_id: str
    created_at: datetime
    engine_version: str
    master_username: str
    options: ClusterOptions
    encryption: Encryption
    tags: Tags
    database_name: str | None = None
    status: str = "creating"
    members: list[str] = field(default_factory=list)
    writer: str | None = None
    global_cluster: str | None = None
    pending: dict[str, Any] = field(default_factory=dict)
    pending_identifier: str | None = None
    renamed_to: str | None = None
    lag: StatusLag | None = None
    master_secret: MasterSecret | None = None
    password_for_next_start: str | None = None
    server_runs: bool = False
    restarts_at: datetime | None = None
    roles: list[AssociatedRole] = field(default_factory=list)
    data_api: bool = False
    data_api_works: bool = False
    insights_mode: str = "standard"
    attached: dict[str, Any] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        """The cluster's name, lower case."""
        return self.arn.identifier


@dataclass(eq=False)
class Instance:
    """An instance that is a member of a cluster.

    `pending` are changes that wait for the maintenance window, as PendingModifiedValues shows them.
    """

    arn: Arn
    cluster: Cluster
    resource_id: str
    created_at: datetime
    instance_class: str
    parameter_group: str
    availability_zone: str
    promotion_tier: int
    publicly_accessible: bool
    auto_minor_upgrade: bool
    maintenance_window: str
    insights: Insights | None
    monitoring_interval: int
    monitoring_role: str | None
    ca_certificate: str
    tags: Tags
    status: str = "creating"
    parameters_in_sync: bool = True
    own_parameters_in_sync: bool = True
    pending: dict[str, str] = field(default_factory=dict)
    has_endpoint: bool = False
    lag: StatusLag | None = None

    @property
    def identifier(self) -> str:
        """The instance's name, lower case."""
        return self.arn.identifier

    @property
    def is_writer(self) -> bool:
        """Whether this instance is the one that takes writes."""
        return self.cluster.writer == self.identifier


@dataclass(eq=False)
class CustomEndpoint:
    """An endpoint that users made: of `static` instances only, or of all that are not `excluded`.

    `kind` is ANY or READER.
    """

    arn: Arn
    cluster: Cluster
    resource_id: str
    kind: str
    tags: Tags
    status: str = "creating"
    static: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)

    @property
    def identifier(self) -> str:
        """The endpoint's name, lower case."""
        return self.arn.identifier


@dataclass(eq=False)
class Proxy:
    """An RDS Proxy. `cluster` is what it connects to; None until it was given one."""

    name: str
    arn: str
    family: str
    role: str
    subnets: list[str]
    created_at: datetime
    status: str = "creating"
    cluster: Cluster | None = None


@dataclass(eq=False)
class Snapshot:
    """A cluster snapshot. `key` names its data; `origin` is the snapshot it is a copy of.

    `created_at` is unknown while the snapshot is `creating`: AWS shows no SnapshotCreateTime until
    it is taken.
    """

    arn: Arn
    key: str
    snapshot_type: str
    cluster_identifier: str
    cluster_resource_id: str
    cluster_created_at: datetime
    engine_version: str
    port: int
    vpc_id: str
    master_username: str
    database_name: str | None
    encryption: Encryption
    iam_authentication: bool
    backup_retention_days: int
    backup_window: str
    storage_type: str
    tags: Tags
    status: str = "creating"
    created_at: datetime | None = None
    started_at: datetime | None = None
    origin: "Snapshot | None" = None
    has_data: bool = False
    shared_with: set[str] = field(default_factory=set)

    @property
    def identifier(self) -> str:
        """The snapshot's name, lower case; those of automated snapshots begin with `rds:`."""
        return self.arn.identifier


@dataclass(eq=False)
class ExportTask:
    """An export of a cluster snapshot to S3. `data_key` names the data that it keeps until its end.

    `size` is in bytes, of the files that were written; `due_at` is when it ends, once it runs.
    """

    identifier: str
    snapshot_arn: Arn
    snapshot_time: datetime | None
    destination: Destination
    prefix: str | None
    only: list[str]
    data_key: str
    status: str = "STARTING"
    started_at: datetime | None = None
    due_at: datetime | None = None
    ended_at: datetime | None = None
    failure_cause: str | None = None
    size: int = 0
    has_data: bool = False


@dataclass(eq=False)
class GlobalCluster:
    """A global database: here only a name that a cluster is a member of."""

    identifier: str
    account: str
    resource_id: str
    engine_version: str
    member: Arn
    encrypted: bool
    deletion_protection: bool
    tags: Tags = field(default_factory=dict)

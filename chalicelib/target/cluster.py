"""The target cluster: it is observed, deleted, and restored, together with its instances.

Every call that changes something names the target alone.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from chalicelib.aws.client import AwsError, NotFoundError, Service
from chalicelib.aws.rds import ENGINE, Cluster, Instance
from chalicelib.flow.choreography import ROWS
from chalicelib.flow.errors import RefusedError, Retry, TransientError
from chalicelib.flow.facts import OldTarget
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import UnownedError, is_ours, refuse_others, tag_list
from chalicelib.flow.plan import OPERATION_TAG, OWNER_TAG, Plan
from chalicelib.ports import Ports
from chalicelib.snapshots.copies import SNAPSHOT_GONE
from chalicelib.target.baseline import capacity_of, fixed_differences

# "Not found" may be a stale answer for so long: RDS's answers are eventually consistent.
ABSENT_FOR = timedelta(minutes=5)


def observe_cluster(rds: Service, plan: Plan) -> Cluster | None:
    """Describe a plan's target; None where it does not exist.

    AWS says so by the fault or by an empty list (seen right after deletions).
    """
    with suppress(NotFoundError):
        found = rds.call("describe_db_clusters", DBClusterIdentifier=plan.target.cluster_id)
        return next(map(Cluster.of, found["DBClusters"]), None)
    return None


class TargetCluster:
    """The cluster under the target's name, and its instances."""

    def __init__(self, rds: Service, operation: Operation) -> None:
        self._rds, self._operation, self._plan = rds, operation, operation.plan

    def observe(self) -> Cluster | None:
        """Describe the cluster."""
        return observe_cluster(self._rds, self._plan)

    def observe_instance(self, identifier: str) -> Instance | None:
        """Describe one instance by its name."""
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_instances", DBInstanceIdentifier=identifier)
            return next(map(Instance.of, found["DBInstances"]), None)
        return None

    def observe_instances(self) -> list[Instance]:
        """Describe all instances of this cluster, including those that are being deleted."""
        of_cluster = [{"Name": "db-cluster-id", "Values": [self._plan.target.cluster_id]}]
        found = self._rds.pages("describe_db_instances", "DBInstances", Filters=of_cluster)
        return [*map(Instance.of, found)]

    def refuse_unowned(self, cluster: Cluster, instances: list[Instance]) -> None:
        """Raise RefusedError for a cluster, or an instance of it, without the plan's tag.

        A resource without the tag can be adopted; one with another value belongs to another stage
        or plan. Deletion protection does not protect instances (API reference, CreateDBInstance),
        so all of them are checked before the first is deleted.
        """
        if cluster.global_cluster:
            raise RefusedError(
                f"The target {cluster.arn} belongs to the global cluster {cluster.global_cluster}; "
                "it is left alone.",
                "Remove it from the global cluster if it really is to be replaced, or name another "
                "target.",
            )
        if cluster.replicates:
            raise RefusedError(
                f"The target {cluster.arn} is a replica of {cluster.replicates}; it is left alone.",
                "Promote or remove it yourself if it really is to be replaced, or name another "
                "target.",
            )
        everything: list[Cluster | Instance] = [cluster, *instances]
        refuse_others(f"The target {cluster.arn}", everything, self._plan)
        unowned = [thing for thing in everything if not is_ours(thing, self._plan)]
        if not unowned:
            return
        protected = " It is protected against deletion, too." if cluster.protected else ""
        arns = " ".join([cluster.arn, *(instance.arn for instance in instances)])
        raise UnownedError(
            f"The target {cluster.arn} does not carry our tag {OWNER_TAG}={self._plan.owner} "
            f"(missing on {', '.join(thing.identifier for thing in unowned)}); it is left "
            f"alone.{protected}",
            f"If it may be replaced every night, adopt it: for arn in {arns}; do aws rds "
            f'add-tags-to-resource --region {self._plan.target.region} --resource-name "$arn" '
            f"--tags Key={OWNER_TAG},Value={self._plan.owner}; done",
        )

    def takes(self, member: str) -> bool:
        """Tell whether the SDK that runs here knows a member of ModifyDBCluster."""
        return self._rds.takes("modify_db_cluster", member)

    def start(self) -> None:
        """Start a stopped cluster: it cannot be deleted while it is stopped (user guide)."""
        with suppress(NotFoundError):  # somebody deleted it, as the next poll will find
            self._rds.call("start_db_cluster", DBClusterIdentifier=self._plan.target.cluster_id)

    def disable_deletion_protection(self) -> None:
        """Disable the deletion protection of the target."""
        with suppress(NotFoundError):
            self._change(DeletionProtection=False)

    def delete_instance(self, identifier: str) -> None:
        """Delete an instance; the final snapshot is one of the cluster, not of its instances."""
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_instance", DBInstanceIdentifier=identifier, SkipFinalSnapshot=True
            )

    def delete(self, old: OldTarget) -> None:
        """Delete the cluster, after the deletion of all its instances was accepted."""
        final = old.final_snapshot_id
        snapshot = {"FinalDBSnapshotIdentifier": final} if final else {}
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_cluster",
                DBClusterIdentifier=self._plan.target.cluster_id,
                SkipFinalSnapshot=final is None,
                **snapshot,
            )

    def restore(self, snapshot_arn: str, engine_version: str) -> Cluster:
        """Restore the cluster from a snapshot, or adopt the one that this operation made before.

        Every parameter is given, because the defaults are dangerous: the region's engine version,
        the default parameter group and security group, and a public cluster where the VPC has an
        internet gateway (API reference). The backup retention is set with the new master password:
        this call takes it only since the end of 2025, and Lambda's SDK may be older.
        """
        plan = self._plan
        key = self._operation.facts.copies.key_arn or plan.copies.kms_key_id
        request: dict[str, Any] = {
            "DBClusterIdentifier": plan.target.cluster_id,
            "SnapshotIdentifier": snapshot_arn,
            "Engine": ENGINE,
            "EngineVersion": engine_version,
            "Port": plan.target.port,
            "DBSubnetGroupName": plan.target.db_subnet_group_name,
            "VpcSecurityGroupIds": list(plan.target.vpc_security_group_ids),
            "KmsKeyId": key,
            "DBClusterParameterGroupName": plan.target.db_cluster_parameter_group_name,
            "PubliclyAccessible": False,
            "DeletionProtection": plan.target.deletion_protection,
            "EnableCloudwatchLogsExports": list(plan.target.log_exports),
            "ServerlessV2ScalingConfiguration": capacity_of(plan) or None,
            "Tags": tag_list(self._operation),
        }
        given = {name: value for name, value in request.items() if value is not None}
        try:
            answer = self._rds.call("restore_db_cluster_from_snapshot", **given)
            return Cluster.of(answer["DBCluster"])
        except NotFoundError as error:
            if error.code == "DBClusterSnapshotNotFoundFault":
                raise self._without_snapshot(error) from error
            raise
        except AwsError as error:
            if error.code != "DBClusterAlreadyExistsFault":
                raise
        return self._adopted()

    def _without_snapshot(self, error: NotFoundError) -> RefusedError:
        """Say what to do when the snapshot is gone: a copy can be repeated from its source."""
        if self._operation.facts.copies.hops:
            return RefusedError(
                error.reason, "Find out who deleted the copy.", from_step="copy-snapshot"
            )
        return RefusedError(error.reason, SNAPSHOT_GONE, retry=Retry.NEW_REQUEST)

    def _adopted(self) -> Cluster:
        found, old = self.observe(), self._operation.facts.target.old
        is_old = bool(found and old and found.resource_id == old.resource_id)
        if found is None or is_old or found.status == "deleting":
            raise TransientError("The old target still holds its name while it is being deleted.")
        appeared = f"The cluster {found.arn}, which appeared under the target's name,"
        refuse_others(appeared, [found], self._plan)
        if not self._is_of_this_operation(found):
            raise RefusedError(
                f"A cluster {found.arn} appeared under the target's name meanwhile, made by "
                "somebody else.",
                "Find out who made it, and delete it if it is not needed.",
                from_step="delete-rds",
            )
        return found

    def ensure_instance(self, identifier: str) -> None:
        """Create one instance, or adopt the one that this operation created before."""
        plan = self._plan
        group = plan.target.db_parameter_group_name
        try:
            self._rds.call(
                "create_db_instance",
                DBInstanceIdentifier=identifier,
                DBInstanceClass=plan.target.instance_class,
                Engine=ENGINE,
                DBClusterIdentifier=plan.target.cluster_id,
                PubliclyAccessible=False,
                Tags=tag_list(self._operation),
                **({"DBParameterGroupName": group} if group else {}),
            )
        except NotFoundError as error:
            raise _cluster_gone(error) from error
        except AwsError as error:
            if error.code != "DBInstanceAlreadyExists":
                raise
            self._adopt_instance(identifier)

    def _adopt_instance(self, identifier: str) -> None:
        found = self.observe_instance(identifier)
        if found is None or found.status == "deleting":
            raise TransientError(
                f"The instance name {identifier} is still held by an instance that is being "
                "deleted."
            )
        self.refuse_foreign_instance(found)
        self.refuse_instance_differences(found)

    def refuse_foreign_instance(self, found: Instance) -> None:
        """Raise RefusedError for an instance with a planned name that another created."""
        refuse_others(f"The instance {found.identifier}", [found], self._plan)
        of_target = found.cluster_id == self._plan.target.cluster_id
        if not of_target or not self._is_of_this_operation(found):
            raise RefusedError(
                f"The instance name {found.identifier} is taken by {found.arn}, which this "
                "operation did not make.",
                "Rename or delete that instance, or name another target.",
            )

    def _is_of_this_operation(self, found: Cluster | Instance) -> bool:
        of_operation = found.tags.get(OPERATION_TAG) == self._operation.root_id
        return is_ours(found, self._plan) and of_operation

    def refuse_instance_differences(self, found: Instance) -> None:
        """Raise RefusedError for an instance that differs from the plan."""
        _refuse_differences(f"The instance {found.arn}", found.differences(self._plan))

    def refuse_fixed_differences(self, cluster: Cluster) -> None:
        """Raise RefusedError where the cluster differs in settings that cannot be changed."""
        key_arn = self._operation.facts.copies.key_arn
        differences = fixed_differences(cluster.settings, self._plan, key_arn)
        _refuse_differences(f"The cluster {cluster.arn}", differences)

    def change(self, **members: Any) -> None:
        """Request changes of the new cluster, which Aurora applies later."""
        try:
            self._change(**members)
        except NotFoundError as error:
            raise _cluster_gone(error) from error

    def _change(self, **members: Any) -> None:
        self._rds.call(
            "modify_db_cluster",
            DBClusterIdentifier=self._plan.target.cluster_id,
            ApplyImmediately=True,
            **members,
        )


def _cluster_gone(error: NotFoundError) -> RefusedError:
    """Say what to do when the new cluster was deleted since it was observed."""
    if error.code != "DBClusterNotFoundFault":
        return error
    remedy = "Find out who deleted the new cluster."
    return RefusedError(error.reason, remedy, from_step="delete-rds")


def require_restored(operation: Operation, target: TargetCluster, ports: Ports) -> Cluster:
    """Observe the cluster that this operation restored.

    Raises RefusedError where another cluster has its name, or none: but "not found" may be a stale
    answer for a while. A stopped cluster is refused, too: it stays stopped for seven days unless
    somebody starts it (user guide).
    """
    cluster = target.observe()
    made = operation.facts.target.cluster_resource_id
    if cluster is None and ports.now() - operation.entered_at < ABSENT_FOR:
        raise TransientError(f"The restored cluster {made} is not found.")
    if cluster is None or cluster.resource_id != made:
        if operation.keeps_cluster:
            raise _replaced(operation, cluster, ports)
        found = f"the cluster {cluster.resource_id}" if cluster else "no cluster"
        raise RefusedError(
            f"The restored cluster {made} no longer exists; {found} now has its name.",
            "Find out who removed it. A cluster that has its name is replaced if it carries our "
            "tag.",
            from_step="delete-rds",
        )
    if cluster.status == "stopped":
        region, name = operation.plan.target.region, cluster.identifier
        raise RefusedError(
            f"The restored cluster {name} is stopped.",
            "Start it (aws rds start-db-cluster "
            f"--region {region} --db-cluster-identifier {name}).",
        )
    return cluster


def _replaced(operation: Operation, cluster: Cluster | None, ports: Ports) -> RefusedError:
    """Say on which cluster the step can be repeated, since its own was replaced."""
    made, name = operation.facts.target.cluster_resource_id, operation.plan.target_cluster_arn
    last = ports.operations.target(name).last_success_operation
    latest = ports.operations.read(last) if last else None
    durations = operation.durations
    step = durations[0].step if durations else ROWS[operation.state].step
    if cluster and latest and latest.facts.target.cluster_resource_id == cluster.resource_id:
        return RefusedError(
            f"A newer operation replaced the cluster {made} by {cluster.resource_id}: the last "
            f"success on {name} is now {latest.operation_id}.",
            "Repeat the step on the present cluster.",
            from_step=step,
            retry=Retry.LAST_SUCCESS,
        )
    return RefusedError(
        f"The cluster {made} no longer exists; {cluster.resource_id if cluster else 'none'} now "
        "has its name.",
        "Find out who replaced it. A restore replaces the target if that carries our tag.",
        retry=Retry.NEW_REQUEST,
    )


def _refuse_differences(what: str, differences: list[str]) -> None:
    if differences:
        raise RefusedError(
            f"{what} was made with other settings: {'; '.join(differences)}.",
            "Find out who made it so; it is made again with the planned settings.",
            from_step="delete-rds",
        )

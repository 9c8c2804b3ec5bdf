"""The target cluster: what is replaced, and what is made in its place.

Every change here names the target alone.
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

ABSENT_FOR = timedelta(minutes=5)  # how long "not found" is thought to be a late answer


def observe_cluster(rds: Service, plan: Plan) -> Cluster | None:
    """Look at a plan's target.

    An empty answer means gone as much as the fault does (seen right after deletions).
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
        """Look at the cluster."""
        return observe_cluster(self._rds, self._plan)

    def observe_instance(self, identifier: str) -> Instance | None:
        """Look at one instance by name."""
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_instances", DBInstanceIdentifier=identifier)[
                "DBInstances"
            ]
            return next(map(Instance.of, found), None)
        return None

    def observe_instances(self) -> list[Instance]:
        """Look at all instances that name this cluster, those on their way out included."""
        of_cluster = [{"Name": "db-cluster-id", "Values": [self._plan.target.cluster_id]}]
        return [
            Instance.of(found)
            for found in self._rds.pages("describe_db_instances", "DBInstances", Filters=of_cluster)
        ]

    def refuse_unowned(self, cluster: Cluster, instances: list[Instance]) -> None:
        """Raise RefusedError for a cluster, or a member of it, that does not carry our tag: it is not ours to delete.

        Only what carries no such tag can be adopted; what carries another's belongs to another
        stage or plan. Deletion protection does not protect instances (API reference,
        CreateDBInstance), so everything is looked at before the first of them is deleted.
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
        """Tell whether a member of ModifyDBCluster is known to the SDK that runs here."""
        return self._rds.takes("modify_db_cluster", member)

    def start(self) -> None:
        """Start a stopped cluster: it cannot be deleted while it is stopped (user guide, deleting a cluster)."""
        with suppress(NotFoundError):  # then somebody deleted it, as the next look finds
            self._rds.call("start_db_cluster", DBClusterIdentifier=self._plan.target.cluster_id)

    def disable_deletion_protection(self) -> None:
        """Lift the deletion protection of a target that is ours."""
        with suppress(NotFoundError):
            self._change(DeletionProtection=False)

    def delete_instance(self, identifier: str) -> None:
        """Delete a member.

        A final snapshot is not to be asked for on members, the cluster takes it.
        """
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_instance", DBInstanceIdentifier=identifier, SkipFinalSnapshot=True
            )

    def delete(self, victim: OldTarget) -> None:
        """Delete the cluster, whose members are all on their way out."""
        final = victim.final_snapshot_id
        how = {"FinalDBSnapshotIdentifier": final} if final else {}
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_cluster",
                DBClusterIdentifier=self._plan.target.cluster_id,
                SkipFinalSnapshot=final is None,
                **how,
            )

    def restore(self, snapshot_arn: str, engine_version: str) -> Cluster:
        """Make the cluster of a snapshot, or adopt the one that this operation made before.

        What is not said falls to a default that bites: engine version of the region, default
        parameter group, default security group, a public cluster where the VPC has an internet
        gateway (API reference). The days of backups go with the new master password: this call
        knows them since the end of 2025 only, and a Lambda runtime may bring an SDK that is older.
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
        try:
            wanted = {name: value for name, value in request.items() if value is not None}
            return Cluster.of(
                self._rds.call("restore_db_cluster_from_snapshot", **wanted)["DBCluster"]
            )
        except NotFoundError as error:
            if error.code == "DBClusterSnapshotNotFoundFault":
                raise self._without_snapshot(error) from error
            raise
        except AwsError as error:
            if error.code != "DBClusterAlreadyExistsFault":
                raise
        return self._adopted()

    def _without_snapshot(self, error: NotFoundError) -> RefusedError:
        """Say what to do when what is to be restored is gone: a copy can be made again while its source exists."""
        if self._operation.facts.copies.hops:
            return RefusedError(
                error.reason, "Find out who deleted the copy.", from_step="copy-snapshot"
            )
        return RefusedError(error.reason, SNAPSHOT_GONE, retry=Retry.NEW_REQUEST)

    def _adopted(self) -> Cluster:
        found = self.observe()
        victim = self._operation.facts.target.old
        if (
            found is None
            or (victim and found.resource_id == victim.resource_id)
            or found.status == "deleting"
        ):
            raise TransientError("The old target still holds its name while it is being deleted.")
        refuse_others(
            f"The cluster {found.arn}, which appeared under the target's name,", [found], self._plan
        )
        ours = is_ours(found, self._plan)
        if not ours or found.tags.get(OPERATION_TAG) != self._operation.root_id:
            raise RefusedError(
                f"A cluster {found.arn} appeared under the target's name meanwhile, made by "
                "somebody else.",
                "Find out who made it, and delete it if it is not needed.",
                from_step="delete-rds",
            )
        return found

    def ensure_instance(self, identifier: str) -> None:
        """Make one instance.

        One that exists is ours if it belongs to this cluster and carries our tag.
        """
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
        """Raise RefusedError for an instance under one of our names that this operation did not make."""
        refuse_others(f"The instance {found.identifier}", [found], self._plan)
        ours = is_ours(found, self._plan) and found.cluster_id == self._plan.target.cluster_id
        if not ours or found.tags.get(OPERATION_TAG) != self._operation.root_id:
            raise RefusedError(
                f"The instance name {found.identifier} is taken by {found.arn}, which this "
                "operation did not make.",
                "Rename or delete that instance, or name another target.",
            )

    def refuse_instance_differences(self, found: Instance) -> None:
        """Raise RefusedError for an instance that was not made as planned."""
        _refuse_differences(f"The instance {found.arn}", found.differences(self._plan))

    def refuse_fixed_differences(self, cluster: Cluster) -> None:
        """Raise RefusedError where no change makes the cluster as planned: it has to be made anew."""
        _refuse_differences(
            f"The cluster {cluster.arn}",
            fixed_differences(cluster.settings, self._plan, self._operation.facts.copies.key_arn),
        )

    def change(self, **members: Any) -> None:
        """Ask for changes of the new cluster, by the members of ModifyDBCluster.

        Aurora applies them later.
        """
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
    """Say what to do when the new cluster vanished since it was looked at.

    What else is not found, is not there.
    """
    if error.code == "DBClusterNotFoundFault":
        return RefusedError(
            error.reason, "Find out who deleted the new cluster.", from_step="delete-rds"
        )
    return error


def require_restored(operation: Operation, target: TargetCluster, ports: Ports) -> Cluster:
    """Observe the cluster that this operation made.

    Raises RefusedError when that is not what stands there.

    One that is not found may only not be found yet: RDS's answers are eventually consistent. A
    stopped one is refused: it stays stopped for seven days unless somebody starts it (user guide).
    """
    cluster = target.observe()
    made = operation.facts.target.cluster_resource_id
    if cluster is None and ports.now() - operation.entered_at < ABSENT_FOR:
        raise TransientError(f"The restored cluster {made} is not found.")
    if cluster is None or cluster.resource_id != made:
        if operation.keeps_cluster:
            raise _replaced(operation, cluster, ports)
        stands = cluster.resource_id if cluster else "nothing"
        raise RefusedError(
            f"The restored cluster {made} is not there any more; {stands} stands under its name.",
            "Find out who removed it; what stands there now is replaced if it is ours.",
            from_step="delete-rds",
        )
    if cluster.status == "stopped":
        where = (
            f"--region {operation.plan.target.region} --db-cluster-identifier {cluster.identifier}"
        )
        raise RefusedError(
            f"The restored cluster {cluster.identifier} is stopped.",
            f"Start it (aws rds start-db-cluster {where}).",
        )
    return cluster


def _replaced(operation: Operation, cluster: Cluster | None, ports: Ports) -> RefusedError:
    """Say where the step can be done that was to be done again.

    The old data is not what people want back.
    """
    made, name = operation.facts.target.cluster_resource_id, operation.plan.target_cluster_arn
    last = ports.operations.target(name).last_success_operation
    latest = ports.operations.read(last) if last else None
    if cluster and latest and latest.facts.target.cluster_resource_id == cluster.resource_id:
        return RefusedError(
            f"A newer operation replaced the cluster {made} by {cluster.resource_id}: the last "
            f"success on {name} is now {latest.operation_id}.",
            "Have the step done on the cluster that stands now.",
            from_step=operation.durations[0].step
            if operation.durations
            else ROWS[operation.state].step,
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
            "Find out who made it so; it is made anew with the settings that were asked for.",
            from_step="delete-rds",
        )

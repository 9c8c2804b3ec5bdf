"""A cluster of the target's: it is observed, restored, and changed, together with its instances.

Every call that changes something names one cluster: the target, or the one that is made to take
its name, or the one that had it before.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from chalicelib.aws.client import DENIED, AwsError, NotFoundError, Service
from chalicelib.aws.rds import Cluster, Instance
from chalicelib.flow.baseline import InstanceBaseline
from chalicelib.flow.engine_versions import is_lower
from chalicelib.flow.errors import CapacityError, RefusedError, Retry, TransientError
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.ownership import OPERATION_TAG, OWNER_TAG, UnownedError, is_ours, refuse_others
from chalicelib.snapshots.copies import SNAPSHOT_GONE
from chalicelib.target.differences import fixed_differences
from chalicelib.target.readers import adopted, hint_for
from chalicelib.target.requests import (
    AUTHORITY,
    INSIGHTS_KEY,
    MONITORING,
    ZONE,
    instance_request,
    restore_request,
)

TAKEN, INSTANCE_TAKEN = "DBClusterAlreadyExistsFault", "DBInstanceAlreadyExists"
# What an instance is made without where AWS refuses it, by the code of the refusal. A monitoring
# role that does not exist, or does not trust RDS, is an invalid value (seen by users of Terraform).
_WITHOUT: Mapping[str, tuple[str, ...]] = {
    "CertificateNotFound": (AUTHORITY,),
    "KMSKeyNotAccessibleFault": (INSIGHTS_KEY,),
    "InvalidParameterValue": MONITORING,
    **dict.fromkeys(DENIED, MONITORING),
}


def observe_cluster(rds: Service, identifier: str) -> Cluster | None:
    """Describe a cluster by its name; None where it does not exist.

    AWS says so by the fault or by an empty list (seen right after deletions).
    """
    with suppress(NotFoundError):
        found = rds.call("describe_db_clusters", DBClusterIdentifier=identifier)
        return next(map(Cluster.of, found["DBClusters"]), None)
    return None


def find_clusters(rds: Service, resource_ids: Collection[str]) -> dict[str, Cluster]:
    """Find clusters by their resource ids, which a rename does not change (API reference)."""
    of_ids = [{"Name": "db-cluster-resource-id", "Values": sorted(resource_ids)}]
    found = map(Cluster.of, rds.pages("describe_db_clusters", "DBClusters", Filters=of_ids))
    return {cluster.resource_id: cluster for cluster in found}


class TargetCluster:
    """One cluster of the target's, by its name, and its instances.

    Without a name it is the new cluster, which has another name than the target until they are
    swapped.
    """

    def __init__(self, rds: Service, operation: Operation, identifier: str | None = None) -> None:
        self._rds, self._operation, self._plan = rds, operation, operation.plan
        self.identifier = identifier or operation.new_cluster_id

    @property
    def role(self) -> str:
        """What the cluster is to people, by the name that it has."""
        plan, operation = self._plan.target, self._operation
        if operation.kind is Kind.RETIRE:
            return "previous target"
        if plan.points:
            is_made = self.identifier == operation.facts.target.made_as
            return "left-over cluster" if is_made else "target"
        if self.identifier == plan.cluster_id:
            return "target"
        return "previous target" if self.identifier == plan.previous_id else "left-over cluster"

    def observe(self) -> Cluster | None:
        """Describe the cluster."""
        return observe_cluster(self._rds, self.identifier)

    def observe_instance(self, identifier: str) -> Instance | None:
        """Describe one instance by its name."""
        with suppress(NotFoundError):
            found = self._rds.call("describe_db_instances", DBInstanceIdentifier=identifier)
            return next(map(Instance.of, found["DBInstances"]), None)
        return None

    def observe_instances(self) -> list[Instance]:
        """Describe all instances of this cluster, including those that are being deleted."""
        of_cluster = [{"Name": "db-cluster-id", "Values": [self.identifier]}]
        found = self._rds.pages("describe_db_instances", "DBInstances", Filters=of_cluster)
        return [*map(Instance.of, found)]

    def refuse_unowned(
        self, cluster: Cluster, instances: list[Instance], role: str | None = None
    ) -> None:
        """Raise RefusedError for a cluster, or an instance of it, without the plan's tag.

        A resource without the tag can be adopted; one with another value belongs to another stage
        or plan. Deletion protection does not protect instances (API reference, CreateDBInstance),
        so all of them are checked before the first is deleted. `role` is what the cluster is to
        people, where its name does not say so.
        """
        what = f"The {role or self.role} {cluster.arn}"
        if cluster.global_cluster:
            raise RefusedError(
                f"{what} belongs to the global cluster {cluster.global_cluster}; it is left alone.",
                "Remove it from the global cluster if it really is to be replaced, or name another "
                "target.",
            )
        if cluster.replicates:
            raise RefusedError(
                f"{what} is a replica of {cluster.replicates}; it is left alone.",
                "Promote or remove it yourself if it really is to be replaced, or name another "
                "target.",
            )
        everything: list[Cluster | Instance] = [cluster, *instances]
        refuse_others(what, everything, self._plan)
        unowned = [thing for thing in everything if not is_ours(thing, self._plan)]
        for member in adopted(cluster, instances, self._plan):
            unowned.remove(member)
        if not unowned:
            return
        protected = " It is protected against deletion, too." if cluster.protected else ""
        arns = " ".join([cluster.arn, *(instance.arn for instance in instances)])
        raise UnownedError(
            f"{what} does not carry our tag {OWNER_TAG}={self._plan.owner} "
            f"(missing on {', '.join(thing.identifier for thing in unowned)}); it is left "
            f"alone.{protected}",
            f"{hint_for(unowned, cluster, self._plan)}"
            f"If it may be replaced every night, adopt it: for arn in {arns}; do aws rds "
            f'add-tags-to-resource --region {self._plan.target.region} --resource-name "$arn" '
            f"--tags Key={OWNER_TAG},Value={self._plan.owner}; done",
        )

    def start(self) -> None:
        """Start a stopped cluster: it cannot be deleted while it is stopped (user guide)."""
        with suppress(NotFoundError):  # somebody deleted it, as the next poll will find
            self._rds.call("start_db_cluster", DBClusterIdentifier=self.identifier)

    def stop(self) -> None:
        """Stop the cluster."""
        with suppress(NotFoundError):
            self._rds.call("stop_db_cluster", DBClusterIdentifier=self.identifier)

    def reboot(self, instance: str) -> None:
        """Reboot an instance of the cluster."""
        with suppress(NotFoundError):  # somebody deleted it, as the next look finds
            self._rds.call("reboot_db_instance", DBInstanceIdentifier=instance)

    def rename(self, to: str) -> None:
        """Ask for another name, which the cluster gets after minutes.

        Without ApplyImmediately it would get it in its maintenance window (API reference).
        """
        with suppress(NotFoundError):  # it has another name already, as the next look finds
            self._change(NewDBClusterIdentifier=to)

    def restore(self, snapshot_arn: str) -> Cluster:
        """Restore the cluster from a snapshot, or adopt the one that this operation made before."""
        try:
            return self.begin_restore(snapshot_arn)
        except AwsError as error:
            if error.code != TAKEN:
                raise
        return self._adopted()

    def begin_restore(self, snapshot_arn: str) -> Cluster:
        """Restore the cluster from a snapshot; raises AwsError where its name is taken."""
        request = restore_request(self._operation, self.identifier, snapshot_arn)
        try:
            answer = self._rds.call("restore_db_cluster_from_snapshot", **request)
            return Cluster.of(answer["DBCluster"])
        except NotFoundError as error:
            if error.code == "DBClusterSnapshotNotFoundFault":
                raise self._without_snapshot(error) from error
            raise

    def _without_snapshot(self, error: NotFoundError) -> RefusedError:
        """Say what to do when the snapshot is gone: a copy can be repeated from its source."""
        if self._operation.facts.copies.hops:
            return RefusedError(
                error.reason, "Find out who deleted the copy.", from_step="copy-snapshot"
            )
        return RefusedError(error.reason, SNAPSHOT_GONE, retry=Retry.NEW_REQUEST)

    def _adopted(self) -> Cluster:
        found, old = self.observe(), self._operation.doomed
        is_old = bool(found and old and found.resource_id == old.resource_id)
        if found is None or is_old or found.status == "deleting":
            raise TransientError(
                f"The name {self.identifier} is still held by a cluster that is being deleted."
            )
        whose = "the target's name" if self.role == "target" else "the new cluster's name"
        appeared = f"The cluster {found.arn}, which appeared under {whose},"
        refuse_others(appeared, [found], self._plan)
        if not self._is_of_this_operation(found):
            raise RefusedError(
                f"A cluster {found.arn} appeared under {whose} meanwhile, made by somebody else.",
                "Find out who made it, and delete it if it is not needed.",
                from_step="delete-rds",
            )
        return found

    def ensure_instance(self, identifier: str) -> None:
        """Create one instance, or adopt the one that this operation created before."""
        try:
            self.create_instance(identifier)
        except NotFoundError as error:
            raise _cluster_gone(error) from error
        except AwsError as error:
            if error.code != INSTANCE_TAKEN:
                raise
            self._adopt_instance(identifier)

    def create_instance(self, identifier: str) -> None:
        """Create one instance; raises AwsError where its name is taken.

        Where the zone of the old instance has no capacity now, its certificate authority is
        withdrawn, or its key of Performance Insights cannot be used, AWS chooses another one. It is
        made without enhanced monitoring where AWS refuses the role.
        """
        planned = self._planned(identifier)
        request = instance_request(self._operation, self.identifier, planned)
        self._create(request)

    def _create(self, request: dict[str, Any]) -> None:
        try:
            self._rds.call("create_db_instance", **request)
        except CapacityError:
            if request.pop(ZONE, None) is None:
                raise
        except AwsError as error:
            refused = [name for name in _WITHOUT.get(error.code, ()) if name in request]
            if not refused:
                raise
            for name in refused:
                del request[name]
        else:
            return
        self._create(request)

    def _planned(self, identifier: str) -> InstanceBaseline:
        """Find what the instance of a name is to be like."""
        spec = self._operation.target_spec
        return next(found for found in spec.instances if found.identifier == identifier)

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
        of_target = found.cluster_id == self.identifier
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
        planned = self._planned(found.identifier)
        _refuse_differences(f"The instance {found.arn}", found.differences(planned))

    def refuse_fixed_differences(self, cluster: Cluster) -> None:
        """Raise RefusedError where the cluster differs in settings that cannot be changed."""
        key_arn = self._operation.facts.copies.key_arn
        spec = self._operation.target_spec
        differences = fixed_differences(cluster.settings, spec, key_arn)
        wanted = self._plan.target.engine_version
        if wanted and is_lower(cluster.engine_version, wanted):  # Aurora may have upgraded it
            differences.append(f"its engine version is {cluster.engine_version} and not {wanted}")
        _refuse_differences(f"The cluster {cluster.arn}", differences)

    def enable_data_api(self, cluster: Cluster) -> None:
        """Enable the HTTP endpoint, which neither restore nor ModifyDBCluster can."""
        self._rds.call("enable_http_endpoint", ResourceArn=cluster.arn)

    def disable_data_api(self, cluster: Cluster) -> None:
        """Disable the HTTP endpoint."""
        self._rds.call("disable_http_endpoint", ResourceArn=cluster.arn)

    def change(self, **members: Any) -> None:
        """Request changes of the new cluster, which Aurora applies later."""
        try:
            self._change(**members)
        except NotFoundError as error:
            raise _cluster_gone(error) from error

    def _change(self, **members: Any) -> None:
        self._rds.call(
            "modify_db_cluster",
            DBClusterIdentifier=self.identifier,
            ApplyImmediately=True,
            **members,
        )


def _cluster_gone(error: NotFoundError) -> RefusedError:
    """Say what to do when the new cluster was deleted since it was observed."""
    if error.code != "DBClusterNotFoundFault":
        return error
    remedy = "Find out who deleted the new cluster."
    return RefusedError(error.reason, remedy, from_step="delete-rds")


def _refuse_differences(what: str, differences: list[str]) -> None:
    if differences:
        raise RefusedError(
            f"{what} was made with other settings: {'; '.join(differences)}.",
            "Find out who made it so; it is made again with the planned settings.",
            from_step="delete-rds",
        )

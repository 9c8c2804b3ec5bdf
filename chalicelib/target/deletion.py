"""The deletion of a cluster that is replaced: what is done before it, its order, its calls."""

from contextlib import suppress

from chalicelib.aws.client import NotFoundError
from chalicelib.aws.rds import Cluster, Instance
from chalicelib.aws.statuses import Health, health
from chalicelib.flow.errors import RefusedError, StateFaultError
from chalicelib.flow.facts import OldTarget
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Wait
from chalicelib.flow.ownership import ADOPTED_TAG, OPERATION_TAG, extra_tags, owner_tag
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.records.targets import ClusterNote
from chalicelib.target.by_hand import protected_by_hand
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.readers import added_since, adopted


def takes_final_snapshot(cluster: Cluster | None, plan: Plan) -> bool:
    """Tell whether the last state of a cluster is kept as a snapshot when it is deleted.

    That of an adopted target, which no operation of ours made, is kept whatever the settings say.
    """
    if cluster is None:
        return False
    return not plan.target.skip_final_snapshot or OPERATION_TAG not in cluster.tags


def takes_final_snapshot_first(cluster: Cluster | None, plan: Plan) -> bool:
    """Tell whether it is taken before the new cluster is made.

    Where the old target is kept, it is taken only when that is deleted.
    """
    return not plan.target.keeps_old and takes_final_snapshot(cluster, plan)


def as_old_target(cluster: Cluster, operation: Operation) -> OldTarget:
    """Note a cluster that an operation replaces, as it is now."""
    takes_final = takes_final_snapshot(cluster, operation.plan)
    return OldTarget(
        resource_id=cluster.resource_id,
        arn=cluster.arn,
        members=cluster.members,
        final_snapshot_id=operation.name_of_final_snapshot if takes_final else None,
        protected=cluster.protected,
        data_api=cluster.settings.data_api,
    )


def protection_lifted(operation: Operation, cluster: Cluster, ports: Ports) -> str:
    """Say how a cluster is protected again whose protection a deletion lifted; "" if it is."""
    target = ports.operations.target(operation.plan.target_cluster_arn)
    is_lifted = target.is_noted(ClusterNote.UNPROTECTED, cluster.resource_id)
    if cluster.protected or not is_lifted:
        return ""
    return (
        f"The deletion protection of {cluster.identifier} was lifted, to delete it. To protect it "
        f"again: {protected_by_hand(cluster, operation.plan.target.region)}"
    )


class ClusterDeletion:
    """The deletion of one cluster of the target's: nothing else deletes a cluster or instances."""

    def __init__(self, operation: Operation, target: TargetCluster, ports: Ports) -> None:
        self._operation, self._plan, self._ports = operation, operation.plan, ports
        self._target = target
        self._rds = ports.service("rds", self._plan.target.region)

    @property
    def _doomed_as(self) -> str:
        return "old target" if self._target.role == "target" else self._target.role

    def prepare(self, cluster: Cluster, instances: list[Instance], old: OldTarget) -> Wait | None:
        """Prepare the cluster for its deletion; None when it can be deleted."""
        interval = self._plan.target.restore_check_interval
        added = [] if self._plan.target.adopt_readers else added_since(old, instances)
        if added:
            raise RefusedError(
                f"The {self._target.role} {cluster.identifier} has new instances, "
                f"{', '.join(added)}; it is left alone.",
                "Delete them if they are not needed.",
                from_step="delete-rds",
            )
        name, state, what = cluster.identifier, health(cluster.status), self._doomed_as
        if cluster.status == "stopped":
            self._target.start()
            return Wait(f"The {what} {name} was stopped; it is started, to be deleted.", interval)
        if state in (Health.PROGRESSING, Health.MAY_RECOVER):  # which may exclude its deletion
            return Wait(f"The {what} {name} is {cluster.status}.", interval)
        _refuse_without_final_snapshot(cluster, old, what)
        if cluster.protected and old.protected is False:
            raise RefusedError(
                f"The {self._target.role} {name} was protected against deletion after its deletion "
                "had been decided; it is left alone.",
                "Find out who protected it. If it may be replaced, remove the protection.",
                from_step="delete-rds",
            )
        if cluster.protected:
            note = ClusterNote.UNPROTECTED
            self._ports.operations.note_cluster(self._operation, note, old.resource_id)
            self._disable_protection()
            return Wait(f"The deletion protection of {name} is lifted, to delete it.", interval)
        return None

    def adopt_readers(self, cluster: Cluster, instances: list[Instance]) -> Wait | None:
        """Give our tag to the readers of others, with a row of the trail; None when all have it."""
        operation, operations = self._operation, self._ports.operations
        living = [found for found in instances if found.status != "deleting"]
        readers, old = adopted(cluster, living, self._plan), operation.doomed
        if not readers or old is None:
            return None
        names = ", ".join(reader.identifier for reader in readers)
        everyone = {*(reader.identifier for reader in readers), *added_since(old, living)}
        what = f"{', '.join(sorted(everyone))} will be deleted with {cluster.arn}; others made them"
        operations.audit_intent(operation, step="delete-rds", what=what, now=self._ports.now())
        self._tag(readers)
        reason = f"Readers of {cluster.identifier} get our tag, to be deleted with it: {names}."
        return Wait(reason, self._plan.target.restore_check_interval)

    def delete(self, cluster: Cluster, deleting: set[str], old: OldTarget) -> None:
        """Delete the instances, then the cluster; what AWS refuses of the cluster is met before.

        While it has instances, AWS answers that its state excludes the deletion (user guide,
        deleting a cluster). Any other refusal, such as a missing permission, would leave it without
        instances.
        """
        if not deleting:
            with suppress(StateFaultError):
                self._delete_cluster(old)
                return  # it had no instances
        self._delete_instances(cluster, deleting, old)
        # AWS accepts this as soon as all instances are being deleted (user guide, deleting a
        # cluster).
        self._delete_cluster(old)

    def _delete_instances(self, cluster: Cluster, deleting: set[str], old: OldTarget) -> None:
        """Delete the instances, readers first, and note before that the cluster loses them.

        A refusal of the first one leaves it whole, which is noted again.
        """
        operations, it = self._ports.operations, old.resource_id
        record, note = operations.target(self._plan.target_cluster_arn), ClusterNote.HALF_DELETED
        operations.note_cluster(self._operation, note, it)
        is_whole = not deleting and not record.is_noted(note, it)
        for member in old.members:
            if member not in cluster.members or member in deleting:
                continue
            try:
                self._delete_instance(member)
            except (RefusedError, StateFaultError):
                if is_whole:
                    operations.note_cluster(self._operation, note, it, is_so=False)
                raise
            is_whole = False

    def tag_final_snapshot(self, old: OldTarget) -> tuple[str, ...]:
        """Give EXTRA_TAGS to the final snapshot: DeleteDBCluster takes no tags (API reference).

        What AWS refuses is a warning, because the cluster is gone.
        """
        name = old.final_snapshot_id
        if name is None or not self._plan.target.extra_tags:
            return ()
        arn = self._plan.target_snapshot_arn(name)
        tags = extra_tags(self._plan)
        try:
            self._rds.call("add_tags_to_resource", ResourceName=arn, Tags=tags)
        except RefusedError as error:
            return (f"The final snapshot {name} has no EXTRA_TAGS: {error.reason}",)
        return ()

    def _disable_protection(self) -> None:
        with suppress(NotFoundError):
            self._rds.call(
                "modify_db_cluster",
                DBClusterIdentifier=self._target.identifier,
                ApplyImmediately=True,
                DeletionProtection=False,
            )

    def _tag(self, instances: list[Instance]) -> None:
        """Give our tag to instances: the function's role may delete nothing without it."""
        adopted_by = {"Key": ADOPTED_TAG, "Value": self._operation.root_id}
        tags = [owner_tag(self._plan), adopted_by]
        for instance in instances:
            with suppress(NotFoundError):  # auto scaling deleted it
                self._rds.call("add_tags_to_resource", ResourceName=instance.arn, Tags=tags)

    def _delete_instance(self, identifier: str) -> None:
        """Delete an instance; the final snapshot is one of the cluster, not of its instances."""
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_instance", DBInstanceIdentifier=identifier, SkipFinalSnapshot=True
            )

    def _delete_cluster(self, old: OldTarget) -> None:
        """Delete the cluster; AWS accepts it once the deletion of all its instances is accepted."""
        final = old.final_snapshot_id
        snapshot = {"FinalDBSnapshotIdentifier": final} if final else {}
        with suppress(NotFoundError):
            self._rds.call(
                "delete_db_cluster",
                DBClusterIdentifier=self._target.identifier,
                SkipFinalSnapshot=final is None,
                **snapshot,
            )


def _refuse_without_final_snapshot(cluster: Cluster, old: OldTarget, what: str) -> None:
    """Refuse before the first instance is deleted what AWS would refuse after the last one."""
    if old.final_snapshot_id and health(cluster.status) is not Health.READY:
        raise RefusedError(
            f"The {what} {cluster.identifier} is {cluster.status}, so no final snapshot can be "
            "taken of it; it is left alone.",
            "If its data is not needed, set SKIP_FINAL_SNAPSHOT=true.",
            from_step="delete-rds",
        )


def keys_of_cluster(cluster: Cluster, plan: Plan) -> dict[str, str]:
    """Give the key of a cluster that a last snapshot is taken of, with its remedy."""
    remedy = "Enable it, or set SKIP_FINAL_SNAPSHOT=true if the old target's data is not needed."
    key = cluster.settings.kms_key_arn
    return of_own_account({key: remedy} if key else {}, plan)


def of_own_account(keys: dict[str, str], plan: Plan) -> dict[str, str]:
    """Leave out keys of another account, which the functions may not describe."""
    return {key: remedy for key, remedy in keys.items() if key.split(":")[4:5] == [plan.account]}

"""One plan as the account has it: deployment and doctor run the functions' own checks on it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from aurora_restore.documents import Described
from chalicelib.aws.client import NotFoundError
from chalicelib.aws.kms import observe_key
from chalicelib.aws.rds import ENGINE, Cluster, Instance, Snapshot
from chalicelib.flow.baseline import Baseline
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import BeyondSettingsError, RefusedError
from chalicelib.flow.facts import Facts, SnapshotFacts
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord
from chalicelib.snapshots.eligibility import newest_eligible
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target.capture import baseline_for
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.current_target import name_beside, opened_cluster, present_target
from chalicelib.target.deletion import takes_final_snapshot_first
from chalicelib.target.preflight import OF_VERSION, Preflight


@dataclass(frozen=True)
class PlanView:
    """One plan, with what is known of its clusters. What more than one check needs is read once."""

    ports: Ports
    plan: Plan

    # --- the source ---

    @cached_property
    def source(self) -> Described | None:
        """The source cluster as RDS describes it; None when it is gone."""
        with suppress(NotFoundError):
            rds, identifier = (
                self.ports.service("rds", self.plan.source.region),
                self.plan.source.cluster_id,
            )
            return next(
                iter(
                    rds.call("describe_db_clusters", DBClusterIdentifier=identifier)["DBClusters"]
                ),
                None,
            )
        return None

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot that would start an operation, by the rule of the functions."""
        rds = self.ports.service("rds", self.plan.source.region)
        return newest_eligible(SourceCluster(rds, self.plan), self.plan)

    @property
    def version(self) -> str:
        """The engine version that a restore would have.

        Empty where neither snapshot nor source is there.
        """
        return self.facts.snapshot.engine_version or ""

    @cached_property
    def new_version(self) -> tuple[str, tuple[str, ...]]:
        """The version that the new cluster gets, as far as it is known, and warnings of it."""
        preflight = Preflight(self.operation, self.ports)
        with suppress(RefusedError):
            return (preflight.version.value, preflight.warnings) if self.version else ("", ())
        return self.version, ()

    @cached_property
    def facts(self) -> Facts:
        """What an operation would know from the newest snapshot, or else from the source."""
        snapshot, source = self.snapshot, self.source or {}
        return Facts(
            snapshot=SnapshotFacts(
                engine_version=snapshot.engine_version if snapshot else source.get("EngineVersion"),
                encrypted=snapshot.encrypted if snapshot else source.get("StorageEncrypted"),
                kms_key_id=snapshot.kms_key_id if snapshot else source.get("KmsKeyId"),
                master_username=snapshot.master_username
                if snapshot
                else source.get("MasterUsername"),
                source_resource_id=source.get("DbClusterResourceId"),
            )
        )

    # --- the target, and what a restore will need ---

    @cached_property
    def operation(self) -> Operation:
        """The record that an operation of this plan would have just before its target is replaced.

        Never written.
        """
        operation = self._without_baseline
        target = replace(operation.facts.target, baseline=self.baseline)
        return replace(operation, facts=replace(operation.facts, target=target))

    @cached_property
    def baseline(self) -> Baseline | None:
        """What the target is like, as an operation would capture it."""
        return baseline_for(self._without_baseline, self.cluster, self.instances, self.ports)

    @cached_property
    def _without_baseline(self) -> Operation:
        now = self.ports.now()
        return Operation(
            operation_id="preview",
            root_id="preview",
            requested_by="preview",
            stage=self.plan.stage,
            plan_name=self.plan.name,
            plan=self.plan,
            state=State.SNAPSHOT_READY,
            created_at=now,
            entered_at=now,
            deadline=now + timedelta(hours=1),
            facts=self.facts,
        )

    @cached_property
    def target(self) -> TargetCluster:
        """The target, as an operation would look at it."""
        rds = self.ports.service("rds", self.plan.target.region)
        name = self.cluster.identifier if self.cluster else self.plan.target.cluster_id
        return TargetCluster(rds, self._without_baseline, name)

    @cached_property
    def cluster(self) -> Cluster | None:
        """The cluster that people use; None where there is none."""
        with suppress(RefusedError):  # as the check of the target says
            return present_target(self.plan, self.record, self.ports)
        return opened_cluster(self.plan, self.record, self.ports)

    @cached_property
    def record(self) -> TargetRecord:
        """The target's item; empty before the tables are made."""
        return self.ports.operations.target(self.plan.target_cluster_arn)

    @cached_property
    def next_id(self) -> str:
        """The name under which the next cluster is made."""
        return name_beside(self.plan, self.record, self.cluster)

    @cached_property
    def instances(self) -> list[Instance]:
        """The instances that name that cluster."""
        return self.target.observe_instances()

    @cached_property
    def in_the_way(self) -> TargetCluster:
        """What has the name under which the new cluster is made: it is deleted before that."""
        rds = self.ports.service("rds", self.plan.target.region)
        return TargetCluster(rds, self.operation, self.next_id)

    # --- checks ---

    @cached_property
    def checks(self) -> Mapping[str, Callable[[], None]]:
        """Every check of a plan by its name: source, target's owner, and the operation's preflight.

        Each raises RefusedError. Those that ask for the engine version are left out where nothing
        tells it.
        """
        keeps_old = self.plan.target.keeps_old
        cluster = self.in_the_way.observe() if keeps_old else self.cluster
        instances = self.in_the_way.observe_instances() if keeps_old else self.instances
        final = takes_final_snapshot_first(cluster, self.plan)
        preflight = Preflight(self.operation, self.ports)
        of_operation = preflight.checks(
            instances, replaces=cluster is not None, final_snapshot=final
        )
        left_out = OF_VERSION if not self.version else frozenset[str]()
        return {
            "source cluster": self._source_cluster,
            "source key": self._source_key,
            "target": self._target,
            **{name: check for name, check in of_operation.items() if name not in left_out},
        }

    def _source_cluster(self) -> None:
        if self.source is None and self.snapshot is None:
            raise RefusedError(
                f"There is no cluster {self.plan.source_cluster_arn}, and no snapshot of it that "
                "would be restored.",
                "Set SOURCE_CLUSTER_ID and SOURCE_REGION to the cluster that is to be restored.",
            )
        engine = (self.source or {}).get("Engine", ENGINE)
        if engine != ENGINE:
            raise RefusedError(
                f"The source cluster {self.plan.source_cluster_arn} is of {engine}, not of "
                f"{ENGINE}.",
                f"Set SOURCE_CLUSTER_ID to a cluster of {ENGINE}.",
            )

    def _source_key(self) -> None:
        """See that the snapshot's key can be used: a copy has to decrypt with it."""
        key_id = self.facts.snapshot.kms_key_id
        if not (self.facts.snapshot.encrypted and key_id):
            return
        key = self.key_of_source
        state = key["KeyState"] if key else "gone"
        if state != "Enabled":
            which = self.snapshot.identifier if self.snapshot else self.plan.source.cluster_id
            what = f"{which} is encrypted with the key {key_id}, which is {state}."
            raise BeyondSettingsError(what, "Enable that key.")

    @cached_property
    def key_of_source(self) -> Mapping[str, Any] | None:
        """The key that the newest snapshot, or else the source, is encrypted with."""
        key_id = self.facts.snapshot.kms_key_id
        kms = self.ports.service("kms", self.plan.source.region)
        return observe_key(kms, key_id) if key_id else None

    def _target(self) -> None:
        """See that what a restore deletes, renames or replaces is ours."""
        present_target(self.plan, self.record, self.ports)
        if self.cluster:
            self._refuse_others(self.target, self.cluster, self.instances)
        left = self.in_the_way.observe() if self.plan.target.keeps_old else None
        if left:
            self._refuse_others(self.in_the_way, left, self.in_the_way.observe_instances())

    def _refuse_others(
        self, target: TargetCluster, cluster: Cluster, instances: list[Instance]
    ) -> None:
        source_id = self.facts.snapshot.source_resource_id
        self.plan.refuse_source(cluster.resource_id, source_id)
        target.refuse_unowned(cluster, instances)

"""One plan of the stage, with what is known of its clusters: what every check of a plan is given."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from chalicelib.aurora import Cluster, Instance, Snapshot, SourceCluster
from chalicelib.aws import DeniedError
from chalicelib.choreography import State
from chalicelib.errors import RefusedError
from chalicelib.operation import Facts, Operation
from chalicelib.plan import Plan
from chalicelib.preflight import Preflight
from chalicelib.target import TargetCluster
from console.doctor.patient import Patient
from console.doctor.sights import Sight, doubtful, wrong
from console.documents import Described


@dataclass(frozen=True)
class Case:
    """One plan in its stage. What more than one check needs is read once."""

    patient: Patient
    plan: Plan

    # --- the source, which is only read ---

    @cached_property
    def source(self) -> Described | None:
        """The source cluster as RDS describes it; None when it is gone."""
        identifier = self.plan.source_cluster_id
        found = self.patient.find(
            "rds", "describe_db_clusters", region=self.plan.source_region, DBClusterIdentifier=identifier
        )
        return next(iter(found["DBClusters"]), None) if found else None

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The newest automated snapshot that could be restored."""
        rds = self.patient.service("rds", self.plan.source_region)
        return SourceCluster(rds, self.plan).newest_snapshot("automated")

    @property
    def version(self) -> str:
        """The engine version that a restore would have; empty where neither snapshot nor source is there."""
        return self.facts.snapshot_engine_version or ""

    @cached_property
    def facts(self) -> Facts:
        """What an operation would have found out of the newest snapshot, or else of what the source is now."""
        snapshot, source = self.snapshot, self.source or {}
        return Facts(
            snapshot_engine_version=snapshot.engine_version if snapshot else source.get("EngineVersion"),
            snapshot_encrypted=snapshot.encrypted if snapshot else source.get("StorageEncrypted"),
            master_username=snapshot.master_username if snapshot else source.get("MasterUsername"),
            source_resource_id=source.get("DbClusterResourceId"),
        )

    # --- the target, and what a restore will need ---

    @cached_property
    def operation(self) -> Operation:
        """The record that an operation of this plan would have just before its target is replaced; never written."""
        now = self.patient.now()
        return Operation(
            operation_id="doctor", root_id="doctor", requested_by="doctor", stage=self.plan.stage, plan=self.plan.name,
            settings=self.plan, state=State.SNAPSHOT_READY, created_at=now, entered_at=now,
            deadline=now + timedelta(hours=1), facts=self.facts,
        )  # fmt: skip

    @cached_property
    def target(self) -> TargetCluster:
        """The target, as an operation would look at it."""
        return TargetCluster(self.patient.service("rds", self.plan.target_region), self.operation)

    @cached_property
    def cluster(self) -> Cluster | None:
        """The cluster under the target's name; None where there is none."""
        return self.target.observe()

    @cached_property
    def instances(self) -> list[Instance]:
        """The instances that name that cluster."""
        return self.target.observe_instances()

    @cached_property
    def preflight(self) -> Mapping[str, Callable[[], None]]:
        """The checks that every operation makes before it touches the target."""
        preflight = Preflight(self.operation, self.patient.ports)
        return preflight.checks(self.instances, replaces=self.cluster is not None)

    def passes(self, *names: str) -> Iterator[Sight]:
        """Make some of the preflight's checks."""
        for name in names:
            with refusals() as refused:
                self.preflight[name]()
            yield from refused


@contextmanager
def refusals() -> Iterator[list[Sight]]:
    """Turn what the functions' own code refuses into what was seen."""
    seen: list[Sight] = []
    try:
        yield seen
    except DeniedError:  # the check could not be made, which says nothing about what it looks at
        raise
    except RefusedError as error:
        seen.append(wrong(error.reason, error.remedy))


def unknown_version() -> Sight:
    """Say that there is nothing to hold the target's surroundings against."""
    return doubtful("Neither a snapshot nor the source cluster was seen.", "See the check `snapshot` first.")

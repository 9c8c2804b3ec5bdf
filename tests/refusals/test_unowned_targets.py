"""A target that is not ours to replace: it stays as it is, and the refusal says how to make it
ours.
"""

import re
from typing import Any

import pytest

from chalicelib.aws.rds import Cluster
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, SettingsError
from chalicelib.target.cluster import TargetCluster
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION, SimulatedStage
from tests.refusals.scene import OWNER, TARGET_ARN, WRITER_ARN, LogOutput, RefusalScene

READER_ARN = WRITER_ARN.replace("-1", "-2")


def left_alone(scene: RefusalScene) -> tuple[str, str]:
    """Let a night be refused with the target as it was; returns reason and remedy."""
    before = scene.target_ids()
    operation = scene.night_fails(at="delete-rds")

    assert before == scene.target_ids()
    assert None is operation.facts.target.old
    return str(operation.reason), str(operation.remedy)


def follow(scene: RefusalScene, remedy: str) -> None:
    """Do what the one command in a remedy does, through the same API."""
    found = re.search(
        r'for arn in (.+?); do aws rds add-tags-to-resource --region (\S+) --resource-name "\$arn" '
        r"--tags Key=([^,]+),Value=([^;]+); done",
        remedy,
    )
    assert found is not None
    arns, region, key, value = found.groups()
    for arn in arns.split():
        scene.stage.rds(region).add_tags_to_resource(
            ResourceName=arn, Tags=[{"Key": key, "Value": value}]
        )


@pytest.mark.parametrize("owner", ["prod/default", "test/weekly", "local/default"])
def test_a_target_of_another_stage_or_plan_is_refused_without_any_command_that_takes_it_over(
    logs: LogOutput, owner: str
) -> None:
    """Record and notice say whose it is, and that another target has to be named."""
    scene = RefusalScene(SimulatedStage(), logs)
    scene.stage.staging(tags={"aurora-restore": owner})
    reason, remedy = left_alone(scene)

    assert reason.startswith(
        f"The target {TARGET_ARN} belongs to {owner}, not to {OWNER}, by the tag aurora-r"
    )
    assert "Name another TARGET_CLUSTER_ID for the plan default of the stage test." == remedy
    assert "add-tags-to-resource" not in scene.stage.notices()[-1]["text"]


def test_a_member_of_another_plan_is_refused_like_its_cluster_would_be(scene: RefusalScene) -> None:
    """An instance of another plan is refused, also in a cluster of our own."""
    scene.stage.rds().add_tags_to_resource(
        ResourceName=READER_ARN, Tags=[{"Key": "aurora-restore", "Value": "prod/default"}]
    )
    reason, remedy = left_alone(scene)
    expected = (
        f"belongs to prod/default, not to {OWNER}, by the tag aurora-restore of {READER_ARN}."
    )

    assert expected in reason
    assert "add-tags-to-resource" not in remedy


def test_a_target_without_our_tag_is_refused_with_the_one_command_that_adopts_it(
    logs: LogOutput,
) -> None:
    """A rerun succeeds once the command of the remedy has tagged the target."""
    scene = RefusalScene(SimulatedStage(), logs)
    scene.stage.staging(tags={})
    reason, remedy = left_alone(scene)
    follow(scene, remedy)
    scene.stage.put("RestoreRequested", rerun_of=scene.stage.only().operation_id)
    expected = (
        "(missing on staging-cluster, staging-cluster-1, staging-cluster-2); it is left alone."
    )

    assert f"The target {TARGET_ARN} does not carry our tag aurora-restore={OWNER}" in reason
    assert expected in reason
    assert (
        f"for arn in {TARGET_ARN} {WRITER_ARN} {READER_ARN}; do aws rds add-tags-to-resource"
        in remedy
    )
    assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state


def test_a_member_without_our_tag_is_refused_before_its_cluster_loses_anything(
    scene: RefusalScene,
) -> None:
    """Deletion protection does not protect instances, so each is asked for its tag."""
    rds = scene.stage.rds()
    rds.create_db_instance(
        DBInstanceIdentifier="analytics-reader",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
    )
    scene.stage.settle()
    reason, remedy = left_alone(scene)
    follow(scene, remedy)
    scene.stage.put("RestoreRequested", rerun_of=scene.stage.only().operation_id)

    assert "(missing on analytics-reader); it is left alone." in reason
    assert State.SUCCEEDED is scene.ends(State.SUCCEEDED).state
    assert "analytics-reader" not in scene.target_ids()


def test_a_target_that_is_protected_and_not_ours_is_refused_with_both(
    logs: LogOutput,
) -> None:
    """The refusal of a foreign, protected target names both, and its protection stays."""
    scene = RefusalScene(SimulatedStage(), logs)
    scene.stage.staging(tags={})
    scene.stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
    )
    reason, _ = left_alone(scene)
    (cluster,) = scene.stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
        "DBClusters"
    ]

    assert reason.endswith("it is left alone. It is protected against deletion, too.")
    assert True is cluster["DeletionProtection"]


def test_a_target_that_belongs_to_a_global_cluster_is_refused(scene: RefusalScene) -> None:
    """A member of a global cluster is refused even with our tag."""
    scene.stage.rds().create_global_cluster(
        GlobalClusterIdentifier="worldwide", SourceDBClusterIdentifier=TARGET_ARN
    )
    reason, remedy = left_alone(scene)

    assert f"The target {TARGET_ARN} belongs to the global cluster" in reason
    assert "worldwide" in reason
    assert remedy.startswith("Remove it from the global cluster if")


def test_a_target_that_is_a_replica_is_refused(scene: RefusalScene) -> None:
    """AWS refuses to delete its last instance, when the others are gone already."""
    scene.stage.night()
    operation = scene.run_until(State.SNAPSHOT_FOUND)
    described = scene.stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")
    followed = "arn:aws:rds:eu-west-1:123456789012:cluster:elsewhere"
    (found,) = described["DBClusters"]
    replica = Cluster.of({**found, "ReplicationSourceIdentifier": followed})
    target = TargetCluster(scene.stage.ports().service("rds", TARGET_REGION), operation)

    with pytest.raises(RefusedError, match=f"is a replica of {followed}; it is left alone"):
        target.refuse_unowned(replica, [])


@pytest.mark.parametrize(
    "environment",
    [
        {"TARGET_CLUSTER_ID": "prod-cluster", "TARGET_REGION": SOURCE_REGION},
        {"TARGET_CLUSTER_ID": "PROD-Cluster", "TARGET_REGION": SOURCE_REGION},
    ],
)
def test_a_target_that_is_the_source_cannot_even_be_planned(
    logs: LogOutput, environment: dict[str, str]
) -> None:
    """Identifiers are compared as whole ARNs, in lower case.

    No operation comes of it, the invocation fails.
    """
    scene = RefusalScene(SimulatedStage(environment), logs)
    scene.stage.night()
    scene.stage.run(600)

    assert [] == scene.stage.all_operations()
    assert {SettingsError} == {type(failure) for failure in scene.stage.failures}
    assert "the target is the source cluster itself" in str(scene.stage.failures[0])


class RenamedSourceStage(SimulatedStage):
    """A stage whose target's name leads to the source cluster: somebody renamed production over it,
    say.
    """

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        if (service, region) != ("rds", TARGET_REGION):
            return client
        described = client.describe_db_clusters
        resource_id = self.rds(SOURCE_REGION).describe_db_clusters()["DBClusters"][0][
            "DbClusterResourceId"
        ]

        def with_the_sources_id(**parameters: Any) -> Any:
            answer = described(**parameters)
            for cluster in answer["DBClusters"]:
                cluster["DbClusterResourceId"] = resource_id
            return answer

        client.describe_db_clusters = with_the_sources_id
        return client


def test_a_target_with_the_sources_resource_id_is_refused(logs: LogOutput) -> None:
    """Names can be moved, the resource id cannot."""
    stage = RenamedSourceStage()
    stage.staging()
    reason, remedy = left_alone(RefusalScene(stage, logs))
    expected = (
        f"The target {TARGET_ARN} is the source cluster itself: both have the resource id cluster-"
    )

    assert expected in reason
    assert (
        "Set TARGET_CLUSTER_ID and TARGET_REGION to the cluster that is to be replaced." == remedy
    )


def test_the_source_is_known_by_its_snapshot_when_its_name_is_gone(logs: LogOutput) -> None:
    """Renamed over the target's name there is no source to ask any more, but the snapshot says
    whose it is.
    """
    stage = RenamedSourceStage()
    stage.staging()
    stage.night()
    scene = RefusalScene(stage, logs)
    found = scene.run_until(State.SNAPSHOT_FOUND).facts
    (snapshot,) = stage.rds(SOURCE_REGION).describe_db_cluster_snapshots()["DBClusterSnapshots"]

    assert snapshot["DbClusterResourceId"] == found.snapshot.source_resource_id


def test_the_protection_of_a_target_of_ours_is_lifted_at_one_look_and_it_is_deleted_at_the_next(
    scene: RefusalScene,
) -> None:
    """A warning comes with the lifted protection, since no plan had asked for it."""
    rds = scene.stage.rds()
    rds.modify_db_cluster(
        DBClusterIdentifier="staging-cluster", DeletionProtection=True, ApplyImmediately=True
    )
    scene.stage.settle()
    scene.stage.night()
    scene.run_until(State.TARGET_DELETING)
    scene.stage.deliver()
    waiting = scene.stage.only().waiting_for
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]

    assert "The deletion protection of staging-cluster is lifted, to delete it." == waiting
    assert (False, 2) == (cluster["DeletionProtection"], len(cluster["DBClusterMembers"]))
    (warning,) = scene.ends(State.SUCCEEDED).warnings
    assert warning.endswith(
        "lifted before the deletion. Remove the tag from a cluster that must not be replaced."
    )


def test_a_target_of_the_sources_name_in_another_region_is_another_cluster(
    logs: LogOutput,
) -> None:
    """The name alone says nothing: staging may be called what production is called."""
    scene = RefusalScene(SimulatedStage({"TARGET_CLUSTER_ID": "prod-cluster"}), logs)
    scene.stage.make_cluster("prod-cluster", TARGET_REGION, tags={"aurora-restore": OWNER})
    scene.stage.night()
    operation = scene.stage.run_to_the_end()
    expected = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:prod-cluster"

    assert State.SUCCEEDED is operation.state
    assert expected == operation.facts.target.cluster_arn

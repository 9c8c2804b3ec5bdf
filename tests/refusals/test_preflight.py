"""What a restore will need is looked up before the old target is touched.

What is missing ends the operation there.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.ownership import OWNER_TAG
from simulation.settings import KEY_ALIAS
from simulation.stage import (
    ACCOUNT,
    APP_SECRET,
    SOURCE_REGION,
    STAGE,
    TARGET_REGION,
    TOPIC,
    SimulatedStage,
)
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.refusals.refused_swaps import deployment, integration
from tests.refusals.remedies import Deed
from tests.refusals.scene import LogOutput, RefusalScene

LEFT = "The old target was left as it is, because the restore would fail"


def scene_with(logs: LogOutput, **environment: str) -> RefusalScene:
    """Make a scene whose stage has other settings."""
    stage = SimulatedStage(environment)
    stage.staging()
    return RefusalScene(stage, logs)


def refused_before_deletion(scene: RefusalScene) -> str:
    """Let a night fail at the preflight, with the old target as it was.

    Returns reason, problems and remedy.
    """
    before = scene.target_ids()
    operation = scene.night_fails(at="delete-rds")

    assert before == scene.target_ids()
    assert operation.reason is not None
    assert operation.reason.startswith(LEFT)
    return " ".join([operation.reason, *operation.problems, str(operation.remedy)])


@pytest.mark.parametrize(
    ("variable", "name", "what"),
    [
        ("DB_SUBNET_GROUP_NAME", "nowhere", "DB subnet group"),
        ("DB_CLUSTER_PARAMETER_GROUP_NAME", "tuned", "DB cluster parameter group"),
        ("DB_PARAMETER_GROUP_NAME", "tuned", "DB parameter group"),
        ("VPC_SECURITY_GROUP_IDS", "sg-gone", "security group"),
    ],
)
def test_what_is_missing_is_named_with_its_setting(
    logs: LogOutput, variable: str, name: str, what: str
) -> None:
    """The reason says what it is, the remedy what to do with either end of it."""
    notification = refused_before_deletion(scene_with(logs, **{variable: name}))

    assert f"There is no {what} {name} in {TARGET_REGION}." in notification
    assert notification.endswith(f"Create it, or correct {variable}, which names it.")


def test_a_region_whose_servers_cannot_prove_who_they_are_is_refused() -> None:
    """The bundle has no root of it.

    Nobody could log in to the new cluster, and the old one would be gone.
    """
    stage = SimulatedStage({"DB_TLS": "verify-full", "TARGET_REGION": "mx-central-1"})
    stage.keys.create(ACCOUNT, "mx-central-1", KEY_ALIAS)
    ours = {OWNER_TAG: f"{STAGE}/default"}
    arn = stage.make_cluster("staging-cluster", "mx-central-1", tags=ours)
    stage.night()
    operation = stage.run_to_the_end()
    (old,) = stage.rds("mx-central-1").describe_db_clusters()["DBClusters"]
    found = " ".join(operation.problems)

    assert "rds-ca-bundle.pem has no certificate authority of mx-central-1" in found
    assert (arn, "available") == (old["DBClusterArn"], old["Status"])


def test_a_cluster_parameter_group_of_another_major_version_is_refused(
    logs: LogOutput,
) -> None:
    """A restore would be refused: the family follows the snapshot's major version."""
    scene = scene_with(logs, DB_CLUSTER_PARAMETER_GROUP_NAME="tuned15")
    scene.stage.rds().create_db_cluster_parameter_group(
        DBClusterParameterGroupName="tuned15",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )
    notification = refused_before_deletion(scene)
    expected = (
        "The parameter group tuned15 is of the family aurora-postgresql15, the snapshot is of "
        "version 16.11."
    )

    assert expected in notification
    assert (
        "Create a parameter group of the family aurora-postgresql16 and name it in DB_CLUSTER_PARA"
        in notification
    )


def test_an_instance_parameter_group_of_another_major_version_is_refused(
    logs: LogOutput,
) -> None:
    """The same holds for the group of the instances."""
    scene = scene_with(logs, DB_PARAMETER_GROUP_NAME="tuned15")
    scene.stage.rds().create_db_parameter_group(
        DBParameterGroupName="tuned15",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )

    assert "tuned15 is of the family aurora-postgresql15" in refused_before_deletion(scene)


def test_a_security_group_of_another_vpc_is_refused(scene: RefusalScene) -> None:
    """A security group that is not of the subnet group's VPC is refused."""
    scene.stage.network.groups["sg-staging"] = "vpc-elsewhere"
    notification = refused_before_deletion(scene)

    assert f"The security groups sg-staging are not in vpc-{TARGET_REGION}-default" in notification
    assert "VPC_SECURITY_GROUP_IDS" in notification


def test_an_engine_version_that_the_target_region_lacks_is_refused(scene: RefusalScene) -> None:
    """An engine version that the target region does not offer is refused."""
    source = scene.stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters["prod-cluster"]
    source.engine_version = "16.99"
    notification = refused_before_deletion(scene)
    expected = (
        "Upgrade production to a version that is offered there, or restore into a region that "
        "offers"
    )

    assert f"{TARGET_REGION} does not offer aurora-postgresql 16.99" in notification
    assert expected in notification


def test_an_instance_class_that_cannot_be_ordered_is_refused(logs: LogOutput) -> None:
    """An instance class that cannot be ordered for the engine version is refused."""
    notification = refused_before_deletion(scene_with(logs, INSTANCE_CLASS="db.r4.large"))

    assert f"{TARGET_REGION} has no db.r4.large for aurora-postgresql 16.11." in notification
    assert "Set INSTANCE_CLASS to one that can be ordered there." in notification


def test_a_postgresql_that_is_too_old_to_be_set_up_is_refused(scene: RefusalScene) -> None:
    """A version before PostgreSQL 14 is refused, which lacks what ends sessions."""
    source = scene.stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters["prod-cluster"]
    source.engine_version = "13.18"
    expected = "The snapshot is of PostgreSQL 13.18; the users can be set up from version 14 on. "

    assert expected in refused_before_deletion(scene)


def test_an_instance_name_that_another_cluster_holds_is_refused(logs: LogOutput) -> None:
    """Instance names are the region's: the restore would be stuck without its second instance."""
    scene = scene_with(logs, INSTANCE_COUNT="3")
    scene.stage.make_cluster("somebody-elses", TARGET_REGION)
    scene.stage.rds().create_db_instance(
        DBInstanceIdentifier="staging-cluster-3",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="somebody-elses",
    )
    notification = refused_before_deletion(scene)
    expected = (
        "The instance name staging-cluster-3 is taken by "
        f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:db:stag"
    )

    assert expected in notification
    assert (
        "Rename or delete that instance, or name another target in TARGET_CLUSTER_ID."
        in notification
    )


def test_a_quota_of_clusters_that_is_full_is_refused_only_when_one_more_is_needed(
    logs: LogOutput,
) -> None:
    """A full quota of clusters is refused only where no target is replaced."""
    scene = RefusalScene(SimulatedStage(), logs)
    scene.stage.make_cluster("somebody-elses", TARGET_REGION)
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).clusters = 1
    notification = refused_before_deletion(scene)
    expected = f"The quota DBClusters of {TARGET_REGION} is 1, 1 are used and 1 more are needed."

    assert expected in notification
    assert "Delete what is not needed, or have the quota raised." in notification


def test_a_quota_of_instances_counts_those_that_will_be_replaced(logs: LogOutput) -> None:
    """Three instances in place of two need room for one more."""
    scene = scene_with(logs, INSTANCE_COUNT="3")
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).instances = 2
    expected = "DBInstances of us-west-2 is 2, 2 are used and 1 more are needed."

    assert expected in refused_before_deletion(scene)


def test_a_quota_of_snapshots_that_the_final_snapshot_would_break_is_refused(
    logs: LogOutput,
) -> None:
    """A quota of snapshots whose last place the copy took is refused before the deletion."""
    scene = scene_with(logs, SKIP_FINAL_SNAPSHOT="false")
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).manual_cluster_snapshots = 1

    assert "The quota ManualClusterSnapshots of us-west-2 is 1" in refused_before_deletion(scene)


def test_a_missing_topic_fails_the_operation_and_is_noted_in_the_record(
    scene: RefusalScene,
) -> None:
    """Without a topic nobody can be told: the end stands, with `notified` false, a warning and a
    metric.
    """
    before = scene.target_ids()
    scene.stage.topics.delete_topic(TOPIC)
    operation = scene.night_fails(at="delete-rds", notified=False)

    assert before == scene.target_ids()
    assert f"There is no topic {TOPIC}." in str(operation.reason)
    assert "Create it, or correct SNS_TOPIC_ARN." == operation.remedy
    assert operation.warnings[-1].startswith(
        "sns-notification: sns publish in us-west-2 was answered NotFound"
    )
    assert 1 == len(scene.logs.metrics("NotificationLost"))


def test_all_problems_are_reported_at_once(logs: LogOutput) -> None:
    """One refusal names all problems."""
    scene = scene_with(
        logs,
        DB_SUBNET_GROUP_NAME="nowhere",
        INSTANCE_CLASS="db.r4.large",
        VPC_SECURITY_GROUP_IDS="sg-gone",
    )
    scene.put_master_secret(username="somebody")
    notification = refused_before_deletion(scene)

    assert all(
        name in notification
        for name in ("nowhere", "db.r4.large", "sg-gone", "master user somebody")
    )
    lines = scene.stage.notices()[-1]["text"].splitlines()
    expected = (
        "- There is no security group sg-gone in us-west-2. Create it, or correct "
        "VPC_SECURITY_GROUP_IDS, which "
    )

    assert lines[0].endswith(f"failed at delete-rds: {LEFT}, for 4 reasons.")
    assert 4 == len([line for line in lines if line.startswith("- ")])
    assert expected in "\n".join(lines)
    assert 4 == len(scene.stage.notices()[-1]["problems"])


def test_one_secret_for_both_is_refused(logs: LogOutput) -> None:
    """One secret for the master and the users is refused, by its name or its ARN."""
    arn = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:{APP_SECRET}-AbC123"
    notification = refused_before_deletion(scene_with(logs, MASTER_CREDENTIALS_SECRET_ID=arn))

    assert (
        f"MASTER_CREDENTIALS_SECRET_ID and APP_CREDENTIALS_SECRET_ID name the same secret, {arn}."
        in notification
    )


def test_a_log_that_the_engine_does_not_have_is_refused(logs: LogOutput) -> None:
    """A log export that the engine does not have is refused."""
    notification = refused_before_deletion(scene_with(logs, LOG_EXPORTS="postgresql,slowquery"))
    expected = "aurora-postgresql 16.11 has no log slowquery to export. Set LOG_EXPORTS to some of "

    assert expected in notification


@pytest.mark.parametrize("make", [integration("staging-cluster"), deployment("staging-cluster")])
def test_what_hangs_on_the_target_is_met_before_it_is_touched(logs: LogOutput, make: Deed) -> None:
    """An integration and a blue/green deployment are named, with what to do about them."""
    stage = FaultyStage()
    make(stage)
    said = refused_before_deletion(RefusalScene(stage, logs))

    assert "AWS may neither delete nor rename a cluster in use: " in said
    assert f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:staging-cluster" in said
    assert "Delete the integration or the deployment if that cluster may be replaced" in said


def test_a_deployment_that_has_switched_over_is_in_nobodys_way() -> None:
    """What was blue is nobody's source any more."""
    stage = FaultyStage()
    deployment("staging-cluster", "SWITCHOVER_COMPLETED")(stage)

    assert State.SUCCEEDED is stage.run_night().state


def test_a_region_that_knows_no_integrations_has_none() -> None:
    """A call that a region does not know stops no night."""
    stage = FaultyStage()
    for call in ("rds.describe_integrations", "rds.describe_blue_green_deployments"):
        stage.inject(refused("InvalidAction"), call=call, times=9)

    assert State.SUCCEEDED is stage.run_night().state

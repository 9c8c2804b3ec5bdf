"""What a restore will need is looked up before the old target is touched.

What is missing ends the operation there.
"""

import pytest

from chalicelib.flow.plan import OWNER_TAG
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
from tests.refusals.scene import LogOutput, RefusalScene

LEFT = "The old target was left as it is, because the restore would fail"


def scene_with(said: LogOutput, **environment: str) -> RefusalScene:
    """Make a scene whose stage has other settings."""
    stage = SimulatedStage(environment)
    stage.staging()
    return RefusalScene(stage, said)


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
    said: LogOutput, variable: str, name: str, what: str
) -> None:
    """The reason says what it is, the remedy what to do with either end of it."""
    told = refused_before_deletion(scene_with(said, **{variable: name}))

    assert f"There is no {what} {name} in {TARGET_REGION}." in told
    assert told.endswith(f"Create it, or correct {variable}, which names it.")


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

    assert "rds-ca-bundle.pem has no certificate authority of mx-central-1" in " ".join(
        operation.problems
    )
    assert (arn, "available") == (old["DBClusterArn"], old["Status"])


def test_a_cluster_parameter_group_of_another_major_version_is_refused(said: LogOutput) -> None:
    """A restore would be refused: the family follows the snapshot's major version."""
    scene = scene_with(said, DB_CLUSTER_PARAMETER_GROUP_NAME="tuned15")
    scene.stage.rds().create_db_cluster_parameter_group(
        DBClusterParameterGroupName="tuned15",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )
    told = refused_before_deletion(scene)

    assert (
        "The parameter group tuned15 is of the family aurora-postgresql15, the snapshot is of "
        "version 16.11." in told
    )
    assert (
        "Create a parameter group of the family aurora-postgresql16 and name it in DB_CLUSTER_PARA"
        in told
    )


def test_an_instance_parameter_group_of_another_major_version_is_refused(said: LogOutput) -> None:
    """The same holds for the group of the instances."""
    scene = scene_with(said, DB_PARAMETER_GROUP_NAME="tuned15")
    scene.stage.rds().create_db_parameter_group(
        DBParameterGroupName="tuned15",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )

    assert "tuned15 is of the family aurora-postgresql15" in refused_before_deletion(scene)


def test_a_security_group_of_another_vpc_is_refused(scene: RefusalScene) -> None:
    """A security group that is not of the subnet group's VPC is refused."""
    scene.stage.network.groups["sg-staging"] = "vpc-elsewhere"
    told = refused_before_deletion(scene)

    assert f"The security groups sg-staging are not in vpc-{TARGET_REGION}-default" in told
    assert "VPC_SECURITY_GROUP_IDS" in told


def test_an_engine_version_that_the_target_region_lacks_is_refused(scene: RefusalScene) -> None:
    """An engine version that the target region does not offer is refused."""
    source = scene.stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters["prod-cluster"]
    source.engine_version = "16.99"
    told = refused_before_deletion(scene)

    assert f"{TARGET_REGION} does not offer aurora-postgresql 16.99" in told
    assert (
        "Upgrade production to a version that is offered there, or restore into a region that "
        "offers" in told
    )


def test_an_instance_class_that_cannot_be_ordered_is_refused(said: LogOutput) -> None:
    """An instance class that cannot be ordered for the engine version is refused."""
    told = refused_before_deletion(scene_with(said, INSTANCE_CLASS="db.r4.large"))

    assert f"{TARGET_REGION} has no db.r4.large for aurora-postgresql 16.11." in told
    assert "Set INSTANCE_CLASS to one that can be ordered there." in told


def test_a_postgresql_that_is_too_old_to_be_set_up_is_refused(scene: RefusalScene) -> None:
    """A version before PostgreSQL 14 is refused, which lacks what ends sessions."""
    source = scene.stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters["prod-cluster"]
    source.engine_version = "13.18"

    assert "The snapshot is of PostgreSQL 13.18; the users can be set up from version 14 on. " in (
        refused_before_deletion(scene)
    )


def test_an_instance_name_that_another_cluster_holds_is_refused(said: LogOutput) -> None:
    """Instance names are the region's: the restore would be stuck without its second instance."""
    scene = scene_with(said, INSTANCE_COUNT="3")
    scene.stage.make_cluster("somebody-elses", TARGET_REGION)
    scene.stage.rds().create_db_instance(
        DBInstanceIdentifier="staging-cluster-3",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="somebody-elses",
    )
    told = refused_before_deletion(scene)

    assert (
        "The instance name staging-cluster-3 is taken by "
        f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:db:stag" in told
    )
    assert "Rename or delete that instance, or name another target in TARGET_CLUSTER_ID." in told


def test_a_quota_of_clusters_that_is_full_is_refused_only_when_one_more_is_needed(
    said: LogOutput,
) -> None:
    """A full quota of clusters is refused only where no target is replaced."""
    scene = RefusalScene(SimulatedStage(), said)
    scene.stage.make_cluster("somebody-elses", TARGET_REGION)
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).clusters = 1
    told = refused_before_deletion(scene)

    assert (
        f"The quota DBClusters of {TARGET_REGION} is 1, 1 are used and 1 more are needed." in told
    )
    assert "Delete what is not needed, or have the quota raised." in told


def test_a_quota_of_instances_counts_those_that_will_be_replaced(said: LogOutput) -> None:
    """Three instances in place of two need room for one more."""
    scene = scene_with(said, INSTANCE_COUNT="3")
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).instances = 2

    assert (
        "DBInstances of us-west-2 is 2, 2 are used and 1 more are needed."
        in refused_before_deletion(scene)
    )


def test_a_quota_of_snapshots_that_the_final_snapshot_would_break_is_refused(
    said: LogOutput,
) -> None:
    """A quota of snapshots whose last place the copy took is refused before the deletion."""
    scene = scene_with(said, SKIP_FINAL_SNAPSHOT="false")
    scene.stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION).manual_cluster_snapshots = 1

    assert "The quota ManualClusterSnapshots of us-west-2 is 1" in refused_before_deletion(scene)


def test_a_topic_that_is_missing_fails_the_operation_and_the_record_says_that_nobody_was_told(
    scene: RefusalScene,
) -> None:
    """Without a topic nobody can be told: the end stands, with `notified` false, a warning and a
    metric.
    """
    before = scene.target_ids()
    scene.stage.topics.delete_topic(TOPIC)
    operation = scene.night_fails(at="delete-rds", told=False)

    assert before == scene.target_ids()
    assert f"There is no topic {TOPIC}." in str(operation.reason)
    assert "Create it, or correct SNS_TOPIC_ARN." == operation.remedy
    assert operation.warnings[-1].startswith(
        "sns-notification: sns publish in us-west-2 was answered NotFound"
    )
    assert 1 == len(scene.said.metrics("NotificationLost"))


def test_everything_that_is_wrong_is_told_at_once(said: LogOutput) -> None:
    """One refusal names all problems."""
    scene = scene_with(
        said,
        DB_SUBNET_GROUP_NAME="nowhere",
        INSTANCE_CLASS="db.r4.large",
        VPC_SECURITY_GROUP_IDS="sg-gone",
    )
    scene.put_master_secret(username="somebody")
    told = refused_before_deletion(scene)

    assert all(
        name in told for name in ("nowhere", "db.r4.large", "sg-gone", "master user somebody")
    )
    lines = scene.stage.notices()[-1]["text"].splitlines()
    assert lines[0].endswith(f"failed at delete-rds: {LEFT}, for 4 reasons.")
    assert 4 == len([line for line in lines if line.startswith("- ")])
    assert (
        "- There is no security group sg-gone in us-west-2. Create it, or correct "
        "VPC_SECURITY_GROUP_IDS, which " in ("\n".join(lines))
    )
    assert 4 == len(scene.stage.notices()[-1]["problems"])


def test_one_secret_for_both_is_refused(said: LogOutput) -> None:
    """One secret for the master and the users is refused, by its name or its ARN."""
    arn = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:{APP_SECRET}-AbC123"
    told = refused_before_deletion(scene_with(said, MASTER_CREDENTIALS_SECRET_ID=arn))

    assert (
        f"MASTER_CREDENTIALS_SECRET_ID and APP_CREDENTIALS_SECRET_ID name the same secret, {arn}."
        in told
    )


def test_a_log_that_the_engine_does_not_have_is_refused(said: LogOutput) -> None:
    """A log export that the engine does not have is refused."""
    told = refused_before_deletion(scene_with(said, LOG_EXPORTS="postgresql,slowquery"))

    assert (
        "aurora-postgresql 16.11 has no log slowquery to export. Set LOG_EXPORTS to some of "
        in told
    )

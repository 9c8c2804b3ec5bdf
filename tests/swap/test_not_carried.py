"""What cannot be carried over from the old target is listed for people, and for programs."""

from dataclasses import replace

import pytest

from chalicelib.flow.choreography import State
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.swap.different_target import (
    OURS,
    REPLACEMENTS,
    ROLE,
    DifferentStage,
    like,
    succeeded,
)
from tests.swap.swap_stage import NAMES, SwapStage


def test_what_needs_a_setting_is_named_as_not_carried_over() -> None:
    """No function may pass a role that the deployment did not know."""
    stage = DifferentStage(MONITORING_ROLE_ARN="")
    ended = stage.run_night()
    intervals = [found.monitoring_interval for found in like(stage).instances]
    told = stage.notices()[-1]

    assert succeeded(ended)
    assert [0, 0, 0] == intervals
    assert (
        "enhanced monitoring of staging-cluster-2, every 15 s with the role "
        f"{ROLE} (MONITORING_ROLE_ARN)"
    ) in told["not_carried"]
    assert "Not carried over from the old target:\n- rights to log in by IAM: " in told["text"]


def test_another_role_of_the_settings_wins_and_the_old_one_is_named() -> None:
    """The intervals are those of before."""
    other = ROLE.replace("ops", "other")
    stage = DifferentStage(MONITORING_ROLE_ARN=other)
    assert succeeded(stage.run_night())
    found = like(stage).instances

    assert [0, 15, 60] == [instance.monitoring_interval for instance in found]
    assert [None, other, other] == [instance.monitoring_role_arn for instance in found]
    assert (
        f"the monitoring role of staging-cluster-2, {ROLE} (MONITORING_ROLE_ARN)"
        in (stage.notices()[-1]["not_carried"])
    )


def test_policies_that_name_the_old_resource_id_are_mentioned() -> None:
    """With IAM authentication: the resource id is new for each cluster."""
    stage = DifferentStage()
    old = stage.standing()[NAMES[0]]
    assert succeeded(stage.run_night())
    new = stage.standing()[NAMES[0]]

    assert [
        f"rights to log in by IAM: rds-db:connect policies that name {old} have to name {new}"
    ] == stage.notices()[-1]["not_carried"]


JOINED = {"Domain": "d-926703d5a1", "Status": "joined", "IAMRoleName": "to-directory"}
MEMBERSHIP = (
    "logins by Kerberos: the membership in the Active Directory d-926703d5a1, with the IAM role "
    "to-directory"
)
STREAM = {
    "ActivityStreamStatus": "started",
    "ActivityStreamMode": "async",
    "ActivityStreamKinesisStreamName": "aws-rds-das-cluster-A6TSYXITZCZXJHIRVFUBZ5LTWY",
}


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_directory_a_stream_and_write_forwarding_are_named(replacement: str) -> None:
    """AWS gives them to a cluster that exists, and each needs rights of its own."""
    stage = SwapStage(staging=False, REPLACEMENT=replacement)
    arn = stage.staging()
    forwarding = {"LocalWriteForwardingStatus": "enabled"}
    stage.aurora.attach(arn, DomainMemberships=[JOINED], **STREAM, **forwarding)
    assert succeeded(stage.run_night())

    assert [
        MEMBERSHIP,
        "the database activity stream (async): start one of the new cluster",
        "local write forwarding",
    ] == stage.notices()[-1]["not_carried"]


def test_a_stream_that_was_stopped_is_not_named() -> None:
    """Nor a membership that never was."""
    stage = SwapStage(staging=False)
    arn = stage.staging()
    stage.aurora.attach(arn, ActivityStreamStatus="stopping", ActivityStreamMode="sync")
    assert succeeded(stage.run_night())

    assert [] == stage.notices()[-1]["not_carried"]


def test_the_network_type_belongs_to_the_subnet_group() -> None:
    """Another group may not have IPv6."""
    stage = DifferentStage(DB_SUBNET_GROUP_NAME="default")
    assert succeeded(stage.run_night())

    assert "IPV4" == like(stage).network_type
    assert "the network type DUAL (DB_SUBNET_GROUP_NAME)" in stage.notices()[-1]["not_carried"]


def with_proxies(stage: FaultyStage) -> None:
    """Make a proxy of the target, and one of another cluster."""
    rds = stage.rds()
    for name, cluster in (("pool", "staging-cluster"), ("others", "bystander")):
        rds.create_db_proxy(
            DBProxyName=name, EngineFamily="POSTGRESQL", RoleArn=ROLE, VpcSubnetIds=["subnet-1"]
        )
        stage.settle()
        rds.register_db_proxy_targets(DBProxyName=name, DBClusterIdentifiers=[cluster])


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_a_proxy_has_to_be_given_the_new_cluster(replacement: str) -> None:
    """Only those that had the old one are named."""
    stage = SwapStage(REPLACEMENT=replacement)
    with_proxies(stage)
    assert succeeded(stage.run_night())

    assert ["the registration with RDS Proxy: pool"] == stage.notices()[-1]["not_carried"]


@pytest.mark.parametrize("call", ["describe_db_proxies", "describe_db_proxy_targets"])
def test_proxies_that_may_not_be_read_do_not_stop_a_night(call: str) -> None:
    """They are left out of the list."""
    stage = SwapStage()
    with_proxies(stage)
    stage.inject(refused("AccessDenied", 403), call=f"rds.{call}", times=99)
    assert succeeded(stage.run_night())

    assert [] == stage.notices()[-1]["not_carried"]


def test_an_end_that_left_the_old_target_lists_nothing() -> None:
    """What it had, it still has."""
    stage = DifferentStage()
    stage.inject(refused("AccessDenied", 403), state="TARGET_CLEAR", call="rds.", times=9)
    failed = stage.run_night()

    assert State.FAILED is failed.state
    assert [] == stage.notices()[-1]["not_carried"]


def test_a_target_without_any_of_it_carries_everything_over() -> None:
    """Then the notification has no such list."""
    stage = SwapStage()
    assert succeeded(stage.run_night())

    assert [] == stage.notices()[-1]["not_carried"]
    assert "Not carried over" not in stage.notices()[-1]["text"]


def test_no_more_tags_are_carried_over_than_a_resource_may_have() -> None:
    """The notification names those that were left."""
    stage = SwapStage(staging=False, EXTRA_TAGS="team=data")
    full = {f"key-{number:02}": "value" for number in range(48)}
    stage.staging(tags={tag["Key"]: tag["Value"] for tag in OURS} | full)
    assert succeeded(stage.run_night())

    assert ["tags beyond 50: key-47"] == stage.notices()[-1]["not_carried"]
    assert 48 == len(like(stage).tags)


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_public_access_and_a_managed_master_password_are_named(replacement: str) -> None:
    """The new cluster has neither, so what used them has to be changed."""
    stage = DifferentStage(REPLACEMENT=replacement)
    rds = stage.rds()
    rds.modify_db_instance(DBInstanceIdentifier="staging-cluster-2", PubliclyAccessible=True)
    (old,) = rds.describe_db_clusters(DBClusterIdentifier=NAMES[0])["DBClusters"]
    stage.settle()
    secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:rds!cluster-one"
    stage.aurora.attach(old["DBClusterArn"], MasterUserSecret={"SecretArn": secret})
    assert succeeded(stage.run_night())
    told = stage.notices()[-1]["not_carried"]

    assert "public access to staging-cluster-2: the new instances have no public address" in told
    assert any(f"master password by RDS, in {secret}" in phrase for phrase in told)


def test_a_lower_engine_version_of_the_snapshot_is_named() -> None:
    """Somebody upgraded the old target, and production not yet."""
    stage = DifferentStage()
    production = stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters["prod-cluster"]
    production.engine_version = "16.9"
    assert succeeded(stage.run_night())

    assert (
        "the engine version 16.11: the new cluster has the snapshot's, 16.9 (ENGINE_VERSION)"
        in stage.notices()[-1]["not_carried"]
    )


def test_the_key_of_the_old_target_is_named_where_the_new_one_has_another() -> None:
    """In one region, and without KMS_KEY_ID, the new cluster has the key of the snapshot."""
    stage = SwapStage(SOURCE_REGION=TARGET_REGION, SOURCE_CLUSTER_ID="near-cluster", KMS_KEY_ID="")
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    key = stage.keys.create(ACCOUNT, TARGET_REGION, "alias/of-staging").arn
    old = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[NAMES[0]]
    old.encryption = replace(old.encryption, kind="sse-kms", key_arn=key, key_manager="CUSTOMER")
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    assert succeeded(stage.run_until_ended(1))
    (told,) = stage.notices()[-1]["not_carried"]

    assert told.startswith(f"the KMS key {key}: the new cluster has arn:aws:kms:")
    assert told.endswith(" (KMS_KEY_ID)")


@pytest.mark.parametrize(("replacement", "is_told"), [("pointer", True), ("swap", False)])
def test_a_scaling_policy_stays_with_the_name_of_its_cluster(
    replacement: str, *, is_told: bool
) -> None:
    """A new cluster of another name has no policy, and so no readers that it would add."""
    stage = SwapStage(ADOPT_READERS="true", REPLACEMENT=replacement)
    policy = {"Key": "application-autoscaling:resourceId", "Value": f"cluster:{NAMES[0]}"}
    stage.rds().create_db_instance(
        DBInstanceIdentifier="application-autoscaling-1",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier=NAMES[0],
        Tags=[policy],
    )
    stage.settle(3600)
    ended = stage.run_night()
    told = [found for found in stage.notices()[-1]["not_carried"] if "scaling of readers" in found]

    assert State.SUCCEEDED is ended.state, ended.reason
    assert is_told is (len(told) == 1)

"""A policy with one statement taken away: the night is seen to fail, with the sentence that says
what is missing.
"""

from dataclasses import dataclass

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.iam.filled_policies import HeldStage

DENIED = "because no identity-based policy allows the"


@dataclass(frozen=True)
class Gap:
    """A statement that a function's policy does not have, and what is then missing first."""

    function: str
    sid: str
    action: str
    resource: str


GAPS = (
    Gap(
        "copy-snapshot",
        "CopyFrom",
        "rds:CopyDBClusterSnapshot",
        "cluster-snapshot:rds:prod-cluster-",
    ),
    Gap(
        "copy-snapshot",
        "CopyTo",
        "rds:CopyDBClusterSnapshot",
        "cluster-snapshot:aurora-restore-test-",
    ),
    Gap(
        "copy-snapshot",
        "TagWhatIsMade",
        "rds:AddTagsToResource",
        "cluster-snapshot:aurora-restore-test-",
    ),
    Gap(
        "check-copy-status",
        "Look",
        "rds:DescribeDBClusterSnapshots",
        "cluster-snapshot:aurora-restore-test-",
    ),
    Gap(
        "delete-rds",
        "Secrets",
        "secretsmanager:GetSecretValue",
        "secret:aurora-restore/test/master-db-credentials-",
    ),
    Gap("delete-rds", "SecretsEncrypted", "kms:Decrypt", ":key/"),
    Gap("setup-db-users", "SecretsEncrypted", "kms:Decrypt", ":key/"),
    Gap("delete-rds", "LookAround", "ec2:DescribeSecurityGroups", "*"),
    Gap("delete-rds", "DeleteInstances", "rds:DeleteDBInstance", "db:staging-cluster-2"),
    Gap("delete-rds", "DeleteTarget", "rds:DeleteDBCluster", "cluster:staging-cluster"),
    Gap(
        "restore-snapshot",
        "Groups",
        "rds:RestoreDBClusterFromSnapshot",
        "cluster-pg:default.aurora-postgresql16",
    ),
    Gap("restore-snapshot", "TagWhatIsMade", "rds:AddTagsToResource", "cluster:staging-cluster"),
    Gap("restore-snapshot", "IntoTarget", "rds:CreateDBInstance", "cluster:staging-cluster"),
    Gap("restore-snapshot", "CreateInstances", "rds:CreateDBInstance", "db:staging-cluster-1"),
    Gap("check-restore-status", "Look", "rds:DescribeDBClusters", "cluster:staging-cluster"),
    Gap("setup-db-users", "SetPassword", "rds:ModifyDBCluster", "cluster:staging-cluster"),
)


def a_night_without(function: str, sid: str) -> tuple[HeldStage, Operation]:
    """Let night fall on a stage with an old target, and with that gap in its policies."""
    stage = HeldStage()
    stage.staging()
    stage.policies[function] = stage.policies[function].without(sid)
    stage.night()
    return stage, stage.run_to_the_end()


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: f"{gap.function} {gap.sid}")
def test_the_operation_fails_and_says_which_permission_is_missing(gap: Gap) -> None:
    """The operation fails at the step that lacks the permission, names the resource, and the remedy
    is to allow it.
    """
    stage, ended = a_night_without(gap.function, gap.sid)
    name = f"aurora-restore-test-{gap.function}"
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{name}"
    told = " ".join([str(ended.reason), str(ended.remedy), *ended.problems])

    assert (State.FAILED, gap.function) == (ended.state, ended.failed_step)
    assert f"User: {who} is not authorized to perform: {gap.action} on resource: " in told
    assert gap.resource in told
    assert f"{DENIED} {gap.action} action." in told
    assert "in the policy of the function's role." in told
    assert {gap.function} == {denied.partition(":")[0] for denied in stage.denied}


@pytest.mark.parametrize(
    ("function", "sid"),
    [("copy-snapshot", "GrantsThroughRds"), ("restore-snapshot", "KeysThroughRds")],
)
def test_a_key_that_rds_may_not_use_is_reported_in_the_words_of_rds(
    function: str, sid: str
) -> None:
    """A key that the role may not use is reported as not accessible, and the remedy names the
    permissions.
    """
    _, ended = a_night_without(function, sid)

    assert (State.FAILED, function) == (ended.state, ended.failed_step)
    assert "was answered KMSKeyNotAccessibleFault" in str(ended.reason)
    assert "kms:CreateGrant, kms:DescribeKey, kms:Decrypt and kms:GenerateDataKey" in str(
        ended.remedy
    )


@pytest.mark.parametrize("sid", ["Notify", "NotifyEncrypted"])
def test_a_topic_that_may_not_be_written_to_leaves_a_good_restore_good(sid: str) -> None:
    """When the topic or its key may not be used, the record says that nobody was notified, and
    why.
    """
    _, ended = a_night_without("sns-notification", sid)
    missing = (
        "sns:Publish"
        if sid == "Notify"
        else f"kms:GenerateDataKey on resource: arn:aws:kms:{TARGET_REGION}"
    )

    assert (State.SUCCEEDED, False) == (ended.state, ended.notified)
    assert missing in ended.warnings[-1]


@pytest.mark.parametrize("function", ["delete-rds", "restore-snapshot", "archive-snapshot"])
def test_a_step_that_cannot_announce_only_costs_time(function: str) -> None:
    """When a step may not announce its event, the heartbeat announces it later."""
    stage, ended = a_night_without(function, "Announce")

    assert State.SUCCEEDED is ended.state
    assert {f"{function}: events:PutEvents"} == {
        denied.partition(" on ")[0] for denied in stage.denied
    }


def test_records_that_may_not_be_written_fail_the_invocation() -> None:
    """Without access to the records the function fails, for the alarm to see, and the target is
    untouched.
    """
    stage = HeldStage()
    stage.staging()
    stage.policies["delete-rds"] = stage.policies["delete-rds"].without("Records")
    stage.night()
    stage.run(4 * 3600)

    assert any("dynamodb:UpdateItem" in str(failure) for failure in stage.failures)
    assert ["staging-cluster"] == [
        dbcluster["DBClusterIdentifier"]
        for dbcluster in stage.rds().describe_db_clusters()["DBClusters"]
    ]

"""The source, the target, and what lies between them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from aurora_restore.findings import Status
from chalicelib.flow.timestamps import iso_timestamp
from tests.deployment.place import REGION, SOURCE_REGION
from tests.doctor.aws import ACCOUNT, SNAPSHOTS_MAX
from tests.doctor.healthy_stage import ENGINE, SOURCE, TARGET, make_cluster
from tests.doctor.scene import Scene

OURS = [{"Key": "aurora-restore", "Value": "dev/default"}]
TARGET_ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{TARGET}"


# --- the source ---


def test_events_that_nobody_forwards_are_missed(scene: Scene) -> None:
    """A rule that is disabled or has lost its target forwards nothing, and the doctor says so."""
    events, rule = scene.source("events"), "aurora-restore-dev-forwarding"
    events.disable_rule(Name=rule)
    scene.afterwards(events.enable_rule, Name=rule)
    disabled = scene.see("forwarding")
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    scene.afterwards(events.put_targets, Rule=rule, Targets=targets)
    gone = scene.see("forwarding")

    assert (
        f"forwarding: FAILED (The rule {rule} in {SOURCE_REGION} is disabled. "
        f"aws events enable-rule --region {SOURCE_REGION} --name {rule})"
    ) == str(disabled)
    assert f"No rule in {SOURCE_REGION} forwards the source's snapshot events" in gone.what
    assert (
        f"aws cloudformation delete-stack --region {SOURCE_REGION} --stack-name "
        "aurora-restore-dev-forwarding" in gone.do
    )
    assert Status.FAILED is gone.status


def test_another_stages_forwarding_serves_too_and_ours_is_named_first(scene: Scene) -> None:
    """Two stages may forward from one region: each receives what the other's rule forwards."""
    events, ours, theirs = (
        scene.source("events"),
        "aurora-restore-dev-forwarding",
        "aurora-restore-alpha-forwarding",
    )
    rule, (target,) = (
        events.describe_rule(Name=ours),
        events.list_targets_by_rule(Rule=ours)["Targets"],
    )
    events.put_rule(Name=theirs, EventPattern=rule["EventPattern"])
    scene.afterwards(events.delete_rule, Name=theirs)
    events.put_targets(Rule=theirs, Targets=[target])
    scene.afterwards(events.remove_targets, Rule=theirs, Ids=[target["Id"]])
    both = scene.see("forwarding")
    events.remove_targets(Rule=ours, Ids=[target["Id"]])
    scene.afterwards(events.put_targets, Rule=ours, Targets=[target])
    alone = scene.see("forwarding")

    assert (
        f"forwarding: OK ({ours} in {SOURCE_REGION} forwards snapshot events to {REGION}.)"
        == str(both)
    )
    assert Status.WARNING is alone.status
    assert (
        f"The stage's own rule {ours} in {SOURCE_REGION} does not forward; {theirs} does, which is"
        in alone.what
    )
    assert (
        "aws cloudformation delete-stack --region us-east-1 --stack-name "
        "aurora-restore-dev-forwarding" in alone.do
    )


def test_what_could_not_be_forwarded_is_counted(scene: Scene) -> None:
    """Events that could not be forwarded are counted: they wait in a queue of the source's
    region.
    """
    sqs = scene.source("sqs")
    url = sqs.get_queue_url(QueueName="aurora-restore-dev-forwarding-failures")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    scene.afterwards(sqs.purge_queue, QueueUrl=url)
    found = scene.see("forwarding")

    assert Status.WARNING is found.status
    assert found.what.startswith("About 1 event in aurora-restore-dev-forwarding-failures")
    assert f"aws sqs receive-message --region {SOURCE_REGION}" in found.do


def test_a_snapshot_is_told_by_its_age(scene: Scene) -> None:
    """A snapshot older than one night is a warning; one so old that the functions would skip it is
    a failure.
    """
    tomorrow = scene.see("snapshot", later=timedelta(hours=27))
    later = scene.see("snapshot", later=timedelta(hours=37))

    assert (Status.WARNING, Status.FAILED) == (tomorrow.status, later.status)
    assert f"rds:{SOURCE}-" in tomorrow.what
    assert "is the newest, 27.0 hours old." in tomorrow.what
    assert "It would be skipped (SNAPSHOT_AGE_MAX_HOURS 36)." in later.what
    assert f"aws rds describe-events --region {SOURCE_REGION} --duration 2880" in later.do


def test_a_source_without_snapshots_is_no_source(scene: Scene) -> None:
    """A source that does not exist and has no snapshots is a failure."""
    scene.set_parameters({"source-cluster-id": "prod-cluste"})
    found = scene.see("snapshot")

    assert Status.FAILED is found.status
    assert (
        f"There is no snapshot of arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster:prod-cluste"
        in found.what
    )
    assert "See that SOURCE_CLUSTER_ID and SOURCE_REGION name the production cluster" in found.do


def test_a_snapshot_under_a_key_that_is_off_cannot_be_copied(scene: Scene) -> None:
    """A snapshot under a disabled key is a failure: the source's key is needed to read it."""
    kms, key = scene.source("kms"), scene.resources.source_key_arn
    scene.disable(kms, key)
    found = scene.see("copy")

    assert Status.FAILED is found.status
    assert f"is encrypted with the key {key}, which is Disabled." in found.what
    assert "Enable that key." == found.do


def test_what_could_be_shared_is_told(scene: Scene) -> None:
    """The doctor says whether a snapshot could be shared: with a key of ours it could, with RDS's
    own it could not.
    """
    assert f"copy: OK ({scene.resources.source_key_arn} is usable.)" == str(scene.see("copy"))


# --- the target ---


def test_the_target_s_key_has_to_be_usable(scene: Scene) -> None:
    """A disabled target key is reported in the functions' own words."""
    kms, key = scene.client("kms"), scene.resources.target_key_arn
    scene.disable(kms, key)
    found = scene.see("key")

    assert f"The key {key} is Disabled, so nothing can be encrypted with it." == found.what
    assert Status.FAILED is found.status


def test_a_key_that_signs_encrypts_nothing(scene: Scene) -> None:
    """A key for signing is refused: RDS takes symmetric keys for encryption only."""
    key = scene.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"][
        "Arn"
    ]
    scene.set_parameters({"kms-key-id": key})
    found = scene.see("key")

    assert Status.FAILED is found.status
    assert f"The key {key} is SIGN_VERIFY RSA_2048." == found.what


def test_a_key_whose_policy_names_others_is_doubted(scene: Scene) -> None:
    """A key whose policy ignores the account's policies is a warning unless it names the roles."""
    somebody = {"AWS": "arn:aws:iam::123456789012:user/somebody"}
    policy = {"Statement": [{"Effect": "Allow", "Principal": somebody}]}
    key = scene.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    scene.set_parameters({"kms-key-id": key})
    found = scene.see("key")

    assert Status.WARNING is found.status
    assert (
        "names neither the account nor aurora-restore-dev-copy-snapshot, "
        "aurora-restore-dev-restore-snapshot" in (found.what)
    )


@pytest.mark.parametrize(
    ("master", "app", "sentence"),
    [
        ({"password": "short"}, {}, "is not well-formed: look at password."),
        ({"password": "has spaces in it"}, {}, "is one that RDS refuses."),
        (
            {"username": "somebody"},
            {},
            "names the master user somebody, the snapshot's is postgres.",
        ),
        ({}, {"app_password": ""}, "is not well-formed: look at app_password."),
        ({}, {"app_username": "readonly_user"}, "names one user twice."),
    ],
)
def test_secrets_are_judged_as_the_functions_judge_them(
    scene: Scene, master: dict[str, str], app: dict[str, str], sentence: str
) -> None:
    """Secrets are judged by the functions' own rules: what they would refuse at night is reported
    by day.
    """
    scene.put_secrets(master, app)
    found = scene.see("secrets")

    assert Status.FAILED is found.status
    assert sentence in found.what


def test_a_secret_that_was_only_made_is_told_apart_from_one_that_is_not_there(scene: Scene) -> None:
    """An empty secret is told apart from a missing one: a first deployment leaves both empty, and
    AWS answers alike.
    """
    secrets = scene.client("secretsmanager")
    secrets.create_secret(Name="just-made")
    scene.afterwards(secrets.delete_secret, SecretId="just-made", ForceDeleteWithoutRecovery=True)
    scene.set_variables(MASTER_CREDENTIALS_SECRET_ID="just-made")
    empty = scene.see("secrets")
    scene.set_variables(MASTER_CREDENTIALS_SECRET_ID="nowhere")
    missing = scene.see("secrets")

    assert "No value was put into just-made yet." == empty.what
    assert "There is no secret nowhere in us-west-2." == missing.what


def test_a_target_that_is_not_ours_is_told_with_the_command_that_adopts_it(scene: Scene) -> None:
    """A cluster of the target's name without our tag is reported with the command that adds it, and
    accepted with the tag.
    """
    rds = scene.client("rds")
    make_cluster(rds, TARGET)
    scene.afterwards(rds.delete_db_cluster, DBClusterIdentifier=TARGET, SkipFinalSnapshot=True)
    theirs = scene.see("target")
    rds.add_tags_to_resource(
        ResourceName=TARGET_ARN, Tags=[{"Key": "aurora-restore", "Value": "local/default"}]
    )
    another_stages = scene.see("target")
    rds.add_tags_to_resource(ResourceName=TARGET_ARN, Tags=OURS)

    assert Status.FAILED is theirs.status is another_stages.status
    assert (
        f"The target {TARGET_ARN} belongs to local/default, not to dev/default"
        in another_stages.what
    )
    assert (
        "Name another TARGET_CLUSTER_ID for the plan default of the stage dev." == another_stages.do
    )
    assert "does not carry our tag aurora-restore=dev/default" in theirs.what
    assert f"aws rds add-tags-to-resource --region {REGION}" in theirs.do
    assert f"target: OK ({TARGET_ARN} is ours, available, with 0 instances.)" == str(
        scene.see("target")
    )


def test_no_target_is_no_problem(scene: Scene) -> None:
    """A missing target is no problem: the first night creates it."""
    assert f"target: OK (There is no {TARGET_ARN} yet: it will be made.)" == str(
        scene.see("target")
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"DB_SUBNET_GROUP_NAME": "nowhere"}, "There is no DB subnet group nowhere in us-west-2."),
        (
            {"VPC_SECURITY_GROUP_IDS": "sg-00000000"},
            "There is no security group sg-00000000 in us-west-2.",
        ),
        (
            {"DB_CLUSTER_PARAMETER_GROUP_NAME": "gone"},
            "There is no DB cluster parameter group gone in us-west-2.",
        ),
    ],
)
def test_groups_that_are_missing_are_named(
    scene: Scene, settings: dict[str, str], sentence: str
) -> None:
    """Missing groups are named by kind, name and setting."""
    scene.set_variables(**settings)
    found = scene.see("network groups")

    assert Status.FAILED is found.status
    assert sentence == found.what
    assert f"Create it, or correct {next(iter(settings))}, which names it." == found.do


def test_a_parameter_group_of_another_version_is_refused(scene: Scene) -> None:
    """A parameter group of another major version than the snapshot's is reported."""
    rds = scene.client("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="tuned15",
        DBParameterGroupFamily=f"{ENGINE}15",
        Description="old",
    )
    scene.set_variables(DB_CLUSTER_PARAMETER_GROUP_NAME="tuned15")

    assert (
        "The parameter group tuned15 is of the family aurora-postgresql15, the snapshot is of "
        "version 16.11." in (scene.see("network groups").what)
    )


def test_a_class_that_cannot_be_ordered_is_told(scene: Scene) -> None:
    """An instance class that cannot be ordered is reported by day, before the old target is
    deleted.
    """
    scene.set_variables(INSTANCE_CLASS="db.r4.large")
    found = scene.see("orderable options")

    assert Status.FAILED is found.status
    assert f"{REGION} has no db.r4.large for aurora-postgresql 16.11." == found.what


def test_quotas_are_counted(scene: Scene) -> None:
    """Room for a few more nights is a warning, and no room a failure.

    Five copies in progress are a warning.
    """
    assert (
        "ManualClusterSnapshots 0 of 16, copies under way 0 of 5; a night keeps 1, so there is "
        "room for 16 nights." in scene.see("quotas").what
    )
    rds = scene.client("rds")
    make_cluster(rds, "somebody")
    scene.afterwards(rds.delete_db_cluster, DBClusterIdentifier="somebody", SkipFinalSnapshot=True)
    said = []
    for number in range(SNAPSHOTS_MAX):
        name = f"kept-{number}"
        rds.create_db_cluster_snapshot(
            DBClusterIdentifier="somebody", DBClusterSnapshotIdentifier=name
        )
        scene.afterwards(rds.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier=name)
        if number in (2, SNAPSHOTS_MAX - 1):
            said.append(scene.see("quotas"))

    assert [Status.WARNING, Status.FAILED] == [finding.status for finding in said]
    assert (
        f"There is room for 13 more manual cluster snapshots in {REGION}, and each night keeps 1: "
        "the quota is reached in 13 nights."
    ) == said[0].what
    assert f"There is no room for one more manual cluster snapshot in {REGION}." == said[1].what
    assert "set ARCHIVE_SNAPSHOT=false" in said[1].do


def test_nights_are_counted_over_all_plans_and_final_snapshots(scene: Scene) -> None:
    """The snapshots that all plans keep are added up and compared with the region's quota."""
    scene.set_variables(SKIP_FINAL_SNAPSHOT="false")
    scene.set_parameters({"plans/weekly/target-cluster-id": "weekly-cluster"})

    assert "and each night keeps 4: the quota is reached in 4 nights." in scene.see("quotas").what


def test_a_secret_that_changed_after_the_last_success_is_told_with_the_request_that_brings_it(
    scene: Scene,
) -> None:
    """A secret that changed after the last success is reported: until the next night the target has
    the old password.
    """
    never = scene.see("users")
    scene.put_item(
        operation_id=f"target#{TARGET_ARN}",
        last_success_at=iso_timestamp(datetime.now(UTC) - timedelta(days=9)),
    )
    changed = scene.see("users")
    scene.put_item(
        operation_id=f"target#{TARGET_ARN}",
        last_success_at=iso_timestamp(datetime.now(UTC) + timedelta(days=9)),
    )
    since = scene.see("users")

    assert (Status.OK, Status.WARNING, Status.OK) == (never.status, changed.status, since.status)
    assert changed.what.startswith(
        "The secret aurora-restore/dev/master-db-credentials changed at 2"
    )
    assert 2 == len(changed.what.splitlines())
    assert "aws events put-events --region us-west-2 --entries" in changed.do
    assert '\\"rerun_of\\": \\"last\\", \\"from_step\\": \\"setup-db-users\\"}' in changed.do
    assert '{\\"request_id\\": \\"' in changed.do


def test_copies_under_way_are_counted(scene: Scene) -> None:
    """Copies in progress are counted: five are the limit of a region, and the sixth would wait."""
    source, rds = scene.source("rds"), scene.client("rds")
    (snapshot,) = source.describe_db_cluster_snapshots(SnapshotType="automated")[
        "DBClusterSnapshots"
    ]
    for number in range(5):
        name = f"copy-{number}"
        rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=snapshot["DBClusterSnapshotArn"],
            TargetDBClusterSnapshotIdentifier=name,
            KmsKeyId=scene.resources.target_key_arn,
        )
        scene.afterwards(rds.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier=name)

    assert "5 copies are under way, and 5 may be: the next one waits." in scene.see("quotas").what

"""The source, the target, and what lies between them."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aurora_restore.findings import Status
from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts, OldTarget, SnapshotFacts, TargetFacts
from chalicelib.flow.operation import Kind
from chalicelib.flow.timestamps import iso_timestamp
from tests.deployment.place import REGION, SOURCE_REGION
from tests.doctor.aws_process import ACCOUNT, SNAPSHOTS_MAX
from tests.doctor.healthy_stage import ENGINE, SOURCE, TARGET, make_cluster
from tests.doctor.scene import Scene
from tests.doctor.test_operations import put_ended

OURS = [{"Key": "aurora-restore", "Value": "dev/default"}]
RERUN_IT = "have it deleted: aws events put-events "
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
    expected = (
        f"aws cloudformation delete-stack --region {SOURCE_REGION} --stack-name "
        "aurora-restore-dev-forwarding"
    )

    assert (
        f"forwarding: FAILED (The rule {rule} in {SOURCE_REGION} is disabled. "
        f"aws events enable-rule --region {SOURCE_REGION} --name {rule})"
    ) == str(disabled)
    assert f"No rule in {SOURCE_REGION} forwards the source's snapshot events" in gone.what
    assert expected in gone.do
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
    expected = (
        "aws cloudformation delete-stack --region us-east-1 --stack-name "
        "aurora-restore-dev-forwarding"
    )

    assert (
        f"forwarding: OK ({ours} in {SOURCE_REGION} forwards snapshot events to {REGION}.)"
        == str(both)
    )
    assert Status.WARNING is alone.status
    assert (
        f"The stage's own rule {ours} in {SOURCE_REGION} does not forward; {theirs} does, which is"
        in alone.what
    )
    assert expected in alone.do


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


def test_a_snapshot_is_reported_with_its_age(scene: Scene) -> None:
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
    expected = f"There is no snapshot of arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster:prod-cluste"

    assert Status.FAILED is found.status
    assert expected in found.what
    assert "Check that SOURCE_CLUSTER_ID and SOURCE_REGION name the production cluster" in found.do


def test_a_snapshot_under_a_key_that_is_off_cannot_be_copied(scene: Scene) -> None:
    """A snapshot under a disabled key is a failure: the source's key is needed to read it."""
    kms, key = scene.source("kms"), scene.resources.source_key_arn
    scene.disable(kms, key)
    found = scene.see("copy")

    assert Status.FAILED is found.status
    assert f"is encrypted with the key {key}, which is Disabled." in found.what
    assert "Enable that key." == found.do


def test_a_shareable_snapshot_is_reported_as_such(scene: Scene) -> None:
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


def test_a_key_whose_policy_names_others_is_a_warning(scene: Scene) -> None:
    """A key whose policy ignores the account's policies is a warning unless it names the roles."""
    somebody = {"AWS": "arn:aws:iam::123456789012:user/somebody"}
    policy = {"Statement": [{"Effect": "Allow", "Principal": somebody}]}
    key = scene.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    scene.set_parameters({"kms-key-id": key})
    found = scene.see("key")
    expected = (
        "names neither the account nor aurora-restore-dev-copy-snapshot, "
        "aurora-restore-dev-restore-snapshot"
    )

    assert Status.WARNING is found.status
    assert expected in found.what


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


def test_an_empty_secret_differs_from_a_missing_one(scene: Scene) -> None:
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

    assert "just-made: no value yet." == empty.what
    assert "There is no secret nowhere in us-west-2." == missing.what


def test_a_target_that_is_not_ours_is_reported_with_the_command_that_adopts_it(
    scene: Scene,
) -> None:
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
    expected = f"The target {TARGET_ARN} belongs to local/default, not to dev/default"

    assert Status.FAILED is theirs.status is another_stages.status
    assert expected in another_stages.what
    assert (
        "Name another TARGET_CLUSTER_ID for the plan default of the stage dev." == another_stages.do
    )
    assert "does not carry our tag aurora-restore=dev/default" in theirs.what
    assert f"aws rds add-tags-to-resource --region {REGION}" in theirs.do
    seen = str(scene.see("target"))
    assert f"target: OK ({TARGET_ARN} is ours, available, with 0 instances. " in seen


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {},
            (
                f"The next restore exchanges it for {TARGET}-next; then it is kept as "
                f"{TARGET}-previous for 12 hours."
            ),
        ),
        (
            {"KEEP_PREVIOUS_HOURS": "0"},
            f"The next restore exchanges it for {TARGET}-next; then it is deleted.",
        ),
        (
            {"REPLACEMENT": "delete-first"},
            "The next restore deletes it first (REPLACEMENT=delete-first).",
        ),
        (
            {"NOTICE_MINUTES": "30", "STOP_PREVIOUS": "true"},
            (
                f"The next restore exchanges it for {TARGET}-next, announced 30 minutes before; "
                f"then it is kept, stopped, as {TARGET}-previous for 12 hours."
            ),
        ),
        (
            {
                "REPLACEMENT": "delete-first",
                "NOTICE_MINUTES": "1",
                "REFRESH_DAYS": "mon,tue",
                "REFRESH_WINDOW": "22:00-05:00",
            },
            (
                "The next restore deletes it first (REPLACEMENT=delete-first), announced 1 minute "
                "before. Snapshots are restored by themselves only on mon, tue at 22:00-05:00 "
                "(UTC)."
            ),
        ),
    ],
)
def test_what_the_next_restore_does_with_the_target_is_said(
    scene: Scene, settings: dict[str, str], said: str
) -> None:
    """Whoever changes REPLACEMENT sees by day what it means."""
    make_ours(scene, TARGET)
    scene.set_variables(**settings)

    assert scene.see("target").what.endswith(f"0 instances. {said}")


def test_paused_restores_are_reported(scene: Scene) -> None:
    """Whoever forgot that they are paused sees why the target gets no new data."""
    make_ours(scene, TARGET)
    scene.set_variables(PAUSED="true")
    found = scene.see("target")

    assert Status.WARNING is found.status
    assert (
        "Restores are paused (PAUSED=true): no snapshot is restored until that is changed."
        == found.what
    )
    assert found.do.startswith("Set PAUSED=false")


def test_what_the_next_restore_cannot_carry_over_is_said(scene: Scene) -> None:
    """Whoever grants logins by IAM sees by day that the policies will not fit."""
    make_ours(scene, TARGET)
    rds, change = scene.client("rds"), {"DBClusterIdentifier": TARGET, "ApplyImmediately": True}
    rds.modify_db_cluster(**change, EnableIAMDatabaseAuthentication=True)
    scene.afterwards(rds.modify_db_cluster, **change, EnableIAMDatabaseAuthentication=False)
    (made,) = rds.describe_db_clusters(DBClusterIdentifier=TARGET)["DBClusters"]

    assert scene.see("target").what.endswith(
        "Not carried over: rights to log in by IAM: rds-db:connect policies that name "
        f"{made['DbClusterResourceId']} have to name the new cluster's resource id."
    )


POINTER = {
    "REPLACEMENT": "pointer",
    "TARGET_DNS_NAME": "dev.db.example",
}


def pointing(scene: Scene) -> dict[str, str]:
    """Set REPLACEMENT=pointer with a record; returns the settings."""
    route53 = scene.client("route53")
    zone = route53.create_hosted_zone(Name="db.example", CallerReference=str(time.time_ns()))
    settings = {**POINTER, "TARGET_DNS_ZONE_ID": zone["HostedZone"]["Id"].rpartition("/")[2]}
    scene.set_variables(**settings)
    return settings


def open_as(scene: Scene, name: str) -> None:
    """Note in the target's item that a cluster was opened."""
    found = scene.client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    values = {":i": {"S": found["DbClusterResourceId"]}, ":n": {"S": name}}
    table, key = "aurora-restore-dev-state", {"operation_id": {"S": f"target#{TARGET_ARN}"}}
    dynamodb = scene.client("dynamodb")
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET opened_id = :i, opened_as = :n",
        ExpressionAttributeValues=values,
    )
    scene.afterwards(
        dynamodb.update_item,
        TableName=table,
        Key=key,
        UpdateExpression="REMOVE opened_id, opened_as",
    )


def test_pointers_are_written_by_the_next_restore(scene: Scene) -> None:
    """By day people see which cluster will be made, and what becomes of the old one."""
    make_ours(scene, TARGET)
    pointing(scene)
    found = scene.see("pointers")

    assert (Status.OK, f"They are written when the next restore has made {TARGET}-a.") == (
        found.status,
        found.what,
    )
    assert (
        f"The next restore makes {TARGET}-a and points to that; then it is kept as {TARGET} for 12 "
        "hours."
    ) in scene.see("target").what


def test_pointers_are_not_missed_where_the_last_restore_wrote_none(scene: Scene) -> None:
    """It took place before REPLACEMENT=pointer was set; nobody has changed anything."""
    make_ours(scene, TARGET)
    pointing(scene)
    open_as(scene, TARGET)

    assert (
        "pointers: OK (No restore has written the pointers yet; the next one writes them.)"
    ) == str(scene.see("pointers"))


def test_pointers_that_name_something_else_are_reported(scene: Scene) -> None:
    """The record of the target says which cluster people should find."""
    make_ours(scene, f"{TARGET}-a")
    pointing(scene)
    open_as(scene, f"{TARGET}-a")
    found = scene.see("pointers")

    assert Status.FAILED is found.status
    assert f"People should find {TARGET}-a. The secret" in found.what
    assert "The SSM parameters do not name it." in found.what
    assert "The record dev.db.example leads to nothing." in found.what
    assert f"the next cluster, {TARGET}-b, gets all of them" in found.do
    assert f"The next restore makes {TARGET}-b and points to that" in scene.see("target").what


def test_a_pointed_target_that_would_be_swapped_is_reported(scene: Scene) -> None:
    """The restore would be refused tonight."""
    make_ours(scene, f"{TARGET}-a")
    open_as(scene, f"{TARGET}-a")
    found = scene.see("target")

    assert Status.FAILED is found.status
    assert f"People use the cluster {TARGET}-a as the target" in found.what


def adopted(scene: Scene, state: State | None, **more: Any) -> str:
    """Keep the adopted target beside the one that pointers lead to; returns its resource id.

    The operation that decides about it is in a state, or there is none.
    """
    for name in (TARGET, f"{TARGET}-a"):
        make_ours(scene, name)
    pointing(scene)
    rds = scene.client("rds")
    found = rds.describe_db_clusters()["DBClusters"]
    ids = {each["DBClusterIdentifier"]: each["DbClusterResourceId"] for each in found}
    item = {"opened_id": ids[f"{TARGET}-a"], "opened_as": f"{TARGET}-a"}
    if state:
        old = OldTarget(arn=TARGET_ARN, resource_id=ids[TARGET])
        facts = Facts(target=TargetFacts(old=old))
        at = datetime.now(UTC)
        put_ended(scene, "retire-it", state, at, kind=Kind.RETIRE, facts=facts, **more)
        item[f"retirement#{ids[TARGET]}"] = "retire-it"
    scene.put_item(operation_id=f"target#{TARGET_ARN}", **item)
    return str(ids[TARGET])


@pytest.mark.parametrize(
    ("state", "why", "what_to_do"),
    [
        (State.CANCELLED, "retire-it, which was to delete it, is CANCELLED: As asked.", RERUN_IT),
        (State.FAILED, "retire-it, which was to delete it, is FAILED: As asked.", RERUN_IT),
        (None, "No operation decides about it.", "delete it by hand: aws rds delete-db-cluster "),
    ],
)
def test_a_cluster_that_nothing_will_delete_is_reported(
    scene: Scene, state: State | None, why: str, what_to_do: str
) -> None:
    """It is not the target any more and costs money: an adopted one that people kept, for example.

    Whoever wants to keep it removes the tag.
    """
    resource_id = adopted(scene, state, reason="As asked.")
    found = scene.see("kept clusters")
    tag = {"ResourceName": TARGET_ARN, "TagKeys": ["aurora-restore"]}
    scene.client("rds").remove_tags_from_resource(**tag)

    assert Status.WARNING is found.status
    assert f"{TARGET_ARN} ({resource_id}) is available, and is not the target." in found.what
    assert f"It stays, and costs money, until you delete it. {why}" in found.what
    assert what_to_do in found.do
    assert Status.OK is scene.see("kept clusters").status


def test_a_cluster_whose_deletion_is_to_come_is_not_reported(scene: Scene) -> None:
    """Its operation waits for its time."""
    adopted(scene, State.PREVIOUS_KEPT)
    found = str(scene.see("kept clusters"))

    assert f"kept clusters: OK (Every kept cluster will be deleted: {TARGET}.)" == found


def test_a_cluster_that_an_operation_has_left_is_reported(scene: Scene) -> None:
    """The next restore deletes it; until then it costs money, and a rollback needs its name."""
    make_ours(scene, TARGET)
    none = str(scene.see("kept clusters"))
    make_ours(scene, f"{TARGET}-next")
    operation = [{"Key": "aurora-restore-operation", "Value": "tonight"}]
    scene.client("rds").add_tags_to_resource(ResourceName=f"{TARGET_ARN}-next", Tags=operation)
    found = scene.see("kept clusters")

    assert "kept clusters: OK (No cluster is kept beside the target.)" == none
    assert Status.WARNING is found.status
    assert found.what.startswith(f"{TARGET_ARN}-next (")
    assert (
        "it is left of tonight. The next restore deletes it, or a rerun of tonight uses it"
        in found.what
    )
    assert found.do.startswith("To delete it now: aws rds delete-db-cluster ")
    assert f"{TARGET}-next" in found.do


def test_a_left_over_cluster_of_another_replacement_is_reported(scene: Scene) -> None:
    """No restore makes its own under that name any more."""
    make_ours(scene, TARGET)
    make_ours(scene, f"{TARGET}-b")
    found = scene.see("kept clusters")

    assert Status.WARNING is found.status
    assert found.what.startswith(f"{TARGET_ARN}-b (")
    assert f"{TARGET_ARN} (" not in found.what


def test_a_zone_that_does_not_exist_is_reported(scene: Scene) -> None:
    """The setting is named."""
    make_ours(scene, TARGET)
    pointing(scene)
    scene.set_variables(**POINTER, TARGET_DNS_ZONE_ID="Z0NONE")
    found = scene.see("pointers")

    assert (Status.FAILED, "Correct TARGET_DNS_ZONE_ID.") == (found.status, found.do)


@pytest.mark.parametrize("suffix", ["next", "previous"])
def test_another_cluster_under_a_name_of_a_swap_is_reported(scene: Scene, suffix: str) -> None:
    """It would end the night, unless the old target is deleted first."""
    make_ours(scene, TARGET)
    other = f"{TARGET}-{suffix}"
    rds = scene.client("rds")
    make_cluster(rds, other)
    scene.afterwards(rds.delete_db_cluster, DBClusterIdentifier=other, SkipFinalSnapshot=True)
    found = scene.see("target")
    scene.set_variables(REPLACEMENT="delete-first")

    assert Status.FAILED is found.status
    assert other in found.what
    assert Status.OK is scene.see("target").status


def test_a_swap_needs_room_for_a_second_cluster(scene: Scene) -> None:
    """The old target stays until the new one is there, and its instances count, too."""
    make_ours(scene, TARGET)
    scene.limit("DBClusters", 1)
    found = scene.see("quotas")
    scene.set_variables(REPLACEMENT="delete-first")

    assert Status.FAILED is found.status
    assert "The quota DBClusters of us-west-2 is 1, 1 are used and 1 more are needed." in found.what
    assert "set REPLACEMENT=delete-first" in found.do
    assert Status.OK is scene.see("quotas").status


def make_ours(scene: Scene, name: str) -> None:
    """Make a cluster that carries the tag of the stage's plan."""
    rds = scene.client("rds")
    make_cluster(rds, name)
    arn = TARGET_ARN.replace(TARGET, name)
    rds.add_tags_to_resource(ResourceName=arn, Tags=OURS)
    scene.afterwards(rds.delete_db_cluster, DBClusterIdentifier=name, SkipFinalSnapshot=True)


def test_no_target_is_no_problem(scene: Scene) -> None:
    """A missing target is no problem: the first night creates it."""
    found = str(scene.see("target"))

    assert f"target: OK (There is no {TARGET_ARN} yet: it will be created.)" == found


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
    expected = (
        "The parameter group tuned15 is of the family aurora-postgresql15, the snapshot is of "
        "version 16.11."
    )

    assert expected in scene.see("network groups").what


def test_an_instance_class_that_cannot_be_ordered_is_reported(scene: Scene) -> None:
    """An instance class that cannot be ordered is reported by day, before the old target is
    deleted.
    """
    scene.set_variables(INSTANCE_CLASS="db.r4.large")
    found = scene.see("orderable options")

    assert Status.FAILED is found.status
    assert f"{REGION} has no db.r4.large for aurora-postgresql 16.11." == found.what


def test_a_version_that_a_restore_cannot_have_is_reported(scene: Scene) -> None:
    """ENGINE_VERSION may be later than the snapshot's, never earlier."""
    scene.set_variables(ENGINE_VERSION="16.9")
    found = scene.see("orderable options")
    scene.set_variables(ENGINE_VERSION="16.11")

    assert Status.FAILED is found.status
    assert "ENGINE_VERSION is 16.9, and the snapshot is of version 16.11" in found.what
    assert "aurora-postgresql" not in str(scene.see("orderable options"))
    assert "16.11" in str(scene.see("orderable options"))


def test_the_end_of_standard_support_is_reported_in_time(scene: Scene) -> None:
    """Restores go on until then, and would be refused after it."""
    shortly_before = datetime(2029, 2, 1, tzinfo=UTC) - datetime.now(UTC)
    found = scene.see("orderable options", later=shortly_before)

    assert Status.WARNING is found.status
    assert "Standard support of aurora-postgresql 16 ends on 2029-02-28." in found.what


def test_readers_that_go_with_the_target_are_named(scene: Scene) -> None:
    """With ADOPT_READERS they are deleted together with it; without, they are in the way."""
    rds = scene.client("rds")
    make_cluster(rds, TARGET, Tags=OURS)
    for name, tags in ((f"{TARGET}-1", OURS), ("scaled", [])):
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.r6g.large",
            Engine=ENGINE,
            DBClusterIdentifier=TARGET,
            Tags=tags,
        )
    scene.afterwards(lambda: delete_target(rds))
    alone = scene.see("target")
    scene.set_variables(ADOPT_READERS="true")

    assert Status.FAILED is alone.status
    assert "With ADOPT_READERS=true, readers that others make are deleted" in alone.do
    assert " With it go readers that others made: scaled." in str(scene.see("target"))


def delete_target(rds: Any) -> None:
    """Delete the target with its instances."""
    for name in ("scaled", f"{TARGET}-1"):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=TARGET, SkipFinalSnapshot=True)


def test_quotas_are_counted(scene: Scene) -> None:
    """Room for a few more nights is a warning, and no room a failure.

    Five copies in progress are a warning.
    """
    expected = (
        "ManualClusterSnapshots 0 of 16, copies in progress 0 of 5; a night keeps 1, so there is "
        "room for 16 nights."
    )

    assert expected in scene.see("quotas").what
    rds = scene.client("rds")
    make_cluster(rds, "somebody")
    scene.afterwards(rds.delete_db_cluster, DBClusterIdentifier="somebody", SkipFinalSnapshot=True)
    output = []
    for number in range(SNAPSHOTS_MAX):
        name = f"kept-{number}"
        rds.create_db_cluster_snapshot(
            DBClusterIdentifier="somebody", DBClusterSnapshotIdentifier=name
        )
        scene.afterwards(rds.delete_db_cluster_snapshot, DBClusterSnapshotIdentifier=name)
        if number in (2, SNAPSHOTS_MAX - 1):
            output.append(scene.see("quotas"))

    assert [Status.WARNING, Status.FAILED] == [finding.status for finding in output]
    assert (
        f"There is room for 13 more manual cluster snapshots in {REGION}, and each night keeps 1: "
        "the quota is reached in 13 nights."
    ) == output[0].what
    assert f"There is no room for one more manual cluster snapshot in {REGION}." == output[1].what
    assert "set ARCHIVE_SNAPSHOT=false" in output[1].do


def test_nights_are_counted_over_all_plans_and_final_snapshots(scene: Scene) -> None:
    """The snapshots that all plans keep are added up and compared with the region's quota."""
    scene.set_variables(SKIP_FINAL_SNAPSHOT="false")
    scene.set_parameters({"plans/weekly/target-cluster-id": "weekly-cluster"})

    assert "and each night keeps 4: the quota is reached in 4 nights." in scene.see("quotas").what


def last_success(scene: Scene, days: int, **more: Any) -> None:
    """Note a success as many days from now, with its record."""
    at = datetime.now(UTC) + timedelta(days=days)
    put_ended(scene, "last-night", State.SUCCEEDED, at, **more)
    scene.put_item(
        operation_id=f"target#{TARGET_ARN}",
        last_success_at=iso_timestamp(at),
        last_success_operation="last-night",
        opened_id="cluster-NOW",
    )


def made(resource_id: str, snapshot: str | None = "arn:snapshot") -> Facts:
    """Give the facts of an operation that opened a cluster."""
    return Facts(
        snapshot=SnapshotFacts(arn=snapshot), target=TargetFacts(cluster_resource_id=resource_id)
    )


def test_a_secret_changed_after_the_last_success_is_reported_with_the_request(
    scene: Scene,
) -> None:
    """A secret that changed after the last success is reported: until the next night the target has
    the old password.
    """
    never = scene.see("users")
    last_success(scene, -9, facts=made("cluster-NOW"))
    changed = scene.see("users")
    last_success(scene, 9, facts=made("cluster-NOW"))
    since = scene.see("users")

    assert (Status.OK, Status.WARNING, Status.OK) == (never.status, changed.status, since.status)
    assert changed.what.startswith(
        "The secret aurora-restore/dev/master-db-credentials changed at 2"
    )
    assert 2 == len(changed.what.splitlines())
    assert "aws events put-events --region us-west-2 --entries" in changed.do
    assert '\\"rerun_of\\": \\"last\\", \\"from_step\\": \\"setup-db-users\\"}' in changed.do
    assert '{\\"request_id\\": \\"' in changed.do


@pytest.mark.parametrize(
    ("ended", "why", "what_to_do"),
    [
        (
            {"kind": Kind.ROLLBACK, "facts": made("cluster-NOW", None)},
            "The last success is the rollback last-night, to a cluster that no known operation ",
            "Change its users yourself, or ask for a restore.",
        ),
        (
            {"facts": made("cluster-BEFORE")},
            "The cluster cluster-BEFORE is no longer the target",
            "Restore the newest snapshot instead: aws events put-events ",
        ),
    ],
)
def test_users_that_cannot_be_set_up_again_are_reported_without_that_request(
    scene: Scene, ended: dict[str, Any], why: str, what_to_do: str
) -> None:
    """The functions would refuse it: after a rollback to an adopted target, or on another one."""
    last_success(scene, -9, **ended)
    found = scene.see("users")

    assert Status.WARNING is found.status
    assert why in found.what
    assert what_to_do in found.do
    assert "from_step" not in found.do


def test_users_of_a_success_without_a_record_are_not_set_up_again(scene: Scene) -> None:
    """Somebody removed it; the request would be refused."""
    at = iso_timestamp(datetime.now(UTC) - timedelta(days=9))
    item = {"last_success_at": at, "last_success_operation": "removed"}
    scene.put_item(operation_id=f"target#{TARGET_ARN}", **item)
    found = scene.see("users")

    assert "The record of the last success, removed, is gone." in found.what
    assert "aws events" not in found.do


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

    assert "5 of at most 5 copies are in progress: the next one waits." in scene.see("quotas").what

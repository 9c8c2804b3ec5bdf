"""What the stacks made, and what became of it."""

import json

import pytest

from aurora_restore.findings import Status
from tests.doctor.aws_process import ACCOUNT
from tests.doctor.healthy_stage import topic
from tests.doctor.scene import Scene

STATE, AUDIT = "aurora-restore-dev-state", "aurora-restore-dev-audit"
QUEUE, ALARM = "aurora-restore-dev-failures", "aurora-restore-dev-heartbeat-silent"


def test_a_stack_that_is_missing_is_named(scene: Scene) -> None:
    """A stage that was never deployed lacks its stacks, and the doctor names each."""
    found = scene.see("stacks", stage="test")

    assert Status.FAILED is found.status
    assert "There is no stack aurora-restore-test-records in us-west-2." in found.what
    assert "There is no stack aurora-restore-test-foundation in us-west-2." in found.what
    assert scene.deploy("test") == found.do


def test_a_failed_stack_is_reported_with_the_remedy(scene: Scene) -> None:
    """A failed stack is reported with its remedy: a failed creation can only be deleted, a failed
    change is rolled back.
    """
    name, tables = "aurora-restore-test-records", ["aurora-restore-dev-state", "somebody-s"]
    scene.make_stack(name, tables[0])
    rolled_back = scene.see("stacks", stage="test")
    scene.client("cloudformation").delete_stack(StackName=name)
    scene.make_stack(name, tables[1])
    scene.change_stack(name, *tables)
    taken_back = scene.see("stacks", stage="test")

    assert f"{name} is ROLLBACK_COMPLETE." in rolled_back.what
    assert (
        f"aws cloudformation delete-stack --region us-west-2 --stack-name {name}" in rolled_back.do
    )
    assert (
        f"The last change of {name} was rolled back (UPDATE_ROLLBACK_COMPLETE)." in taken_back.what
    )
    assert (
        f"aws cloudformation describe-stack-events --region us-west-2 --stack-name {name}"
        in taken_back.do
    )


def test_a_stack_of_another_template_is_a_warning(scene: Scene) -> None:
    """A stack that somebody updated with another template is a warning."""
    template = scene.checkout / "infra" / "records.yaml"
    before = template.read_bytes()
    template.write_bytes(before + b"# more\n")
    scene.afterwards(template.write_bytes, data=before)
    found = scene.see("stacks")
    expected = (
        "aurora-restore-dev-records was made from another infra/records.yaml than this checkout's."
    )

    assert Status.WARNING is found.status
    assert expected == found.what


def test_resources_deleted_outside_cloudformation_are_named(scene: Scene) -> None:
    """A dashboard and a parameter that were deleted outside CloudFormation are reported."""
    cloudwatch, ssm = scene.client("cloudwatch"), scene.client("ssm")
    name, path = "aurora-restore-dev-dashboard", "/aurora-restore/dev/source-region"
    body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    cloudwatch.delete_dashboards(DashboardNames=[name])
    scene.afterwards(cloudwatch.put_dashboard, DashboardName=name, DashboardBody=body)
    ssm.delete_parameter(Name=path)
    scene.afterwards(ssm.put_parameter, Name=path, Value="us-east-1", Type="String")
    found = scene.see("foundation")

    assert Status.FAILED is found.status
    assert f"CloudWatch::Dashboard {name} is gone" in found.what
    assert f"SSM::Parameter {path} is gone" in found.what


def test_a_deleted_table_is_reported_with_its_restore(scene: Scene) -> None:
    """A lost table is to be restored from its backup, never by deleting the stack, which holds the
    other one.
    """
    scene.make_stack("aurora-restore-test-records", "aurora-restore-test-state")
    scene.client("dynamodb").delete_table(TableName="aurora-restore-test-state")
    found = scene.see("foundation", stage="test")
    expected = "aws dynamodb restore-table-from-backup --region us-west-2 --target-table-name"

    assert "DynamoDB::Table aurora-restore-test-state is gone" in found.what
    assert expected in found.do
    assert "delete-stack" not in found.do


def test_a_secret_that_is_gone_is_made_again(scene: Scene) -> None:
    """A deleted secret is to be made again by hand, as the deployment says, and nothing else is
    touched.
    """
    secrets, name = scene.client("secretsmanager"), "aurora-restore/dev/app-db-credentials"
    value = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    found = scene.see("foundation")
    secrets.create_secret(Name=name, SecretString=value)

    assert Status.FAILED is found.status
    assert "SecretsManager::Secret arn:aws:secretsmanager:us-west-2" in found.what
    assert f"{scene.deploy()} It says how the secret is made again." in found.do
    assert Status.OK is scene.see("foundation").status


def test_a_topic_of_people_s_own_has_to_be_there_too(scene: Scene) -> None:
    """A topic of the operator's own has to exist, beside the foundation's, to which the alarms
    write.
    """
    pager = f"arn:aws:sns:us-west-2:{ACCOUNT}:pager"
    scene.set_variables(SNS_TOPIC_ARN=pager)
    missing = scene.see("topic")
    sns = scene.client("sns")
    sns.create_topic(Name="pager")
    scene.afterwards(sns.delete_topic, TopicArn=pager)
    there, unheard = scene.see("topic"), scene.see("subscribers")

    assert (
        f"topic: FAILED (There is no topic {pager}. Correct SNS_TOPIC_ARN, or leave it out.)"
        == str(missing)
    )
    assert (Status.OK, f"{pager}, for the functions. {topic()}.") == (there.status, there.what)
    assert pager in unheard.do


def test_a_table_without_recovery_is_a_warning(scene: Scene) -> None:
    """A table without point-in-time recovery or expiry, which the template sets, is a warning."""
    dynamodb = scene.client("dynamodb")
    scene.recover(STATE, on=False)
    scene.afterwards(scene.recover, table=STATE, on=True)
    expiry = {"AttributeName": "expires_at", "Enabled": True}
    dynamodb.update_time_to_live(
        TableName=AUDIT, TimeToLiveSpecification={**expiry, "Enabled": False}
    )
    scene.afterwards(dynamodb.update_time_to_live, TableName=AUDIT, TimeToLiveSpecification=expiry)
    found = scene.see("tables")
    expected = (
        f"The table {STATE} has no point-in-time recovery.\n"
        f"Rows of the table {AUDIT} do not expire by expires_at."
    )

    assert Status.WARNING is found.status
    assert expected == found.what
    assert (  # what no deployment does: CloudFormation believes that it is so
        f"aws dynamodb update-continuous-backups --region us-west-2 --table-name {STATE} "
        "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true\n"
        f"aws dynamodb update-time-to-live --region us-west-2 --table-name {AUDIT} "
        "--time-to-live-specification Enabled=true,AttributeName=expires_at"
    ) == found.do


def test_a_table_that_should_be_protected_is_reported_if_it_is_not(scene: Scene) -> None:
    """An unprotected table is a warning where PROTECT_TABLES is set, as for one restored from a
    backup.
    """
    calm = scene.see("tables")
    scene.set_variables(PROTECT_TABLES="true")
    found = scene.see("tables")
    expected = f"aws dynamodb update-table --region us-west-2 --table-name {AUDIT} --deletion"

    assert (Status.OK, Status.WARNING) == (calm.status, found.status)
    assert f"PROTECT_TABLES is true, but the table {STATE} can be deleted." in found.what
    assert expected in found.do


def test_somebody_elses_table_is_not_as_the_code_reads_it(scene: Scene) -> None:
    """A table with another key and no indexes is not the one that the code uses."""
    scene.client("dynamodb").create_table(
        TableName="theirs",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    scene.set_variables(STATE_TABLE_NAME="theirs")
    found = scene.see("tables")
    expected = (
        "The table theirs differs from what the code expects in its key, which should be "
        "operation_id, open-by-due, by-plan."
    )

    assert Status.FAILED is found.status
    assert expected in found.what


@pytest.mark.parametrize(
    ("key", "status", "sentence"),
    [
        ("", Status.WARNING, "The topic aurora-restore-dev-notifications is not encrypted."),
        (
            "alias/aws/sns",
            Status.FAILED,
            "is encrypted with alias/aws/sns, with which no alarm can publish.",
        ),
        ("another", Status.FAILED, "does not let CloudWatch use it: no alarm reaches anybody."),
    ],
)
def test_a_topic_has_a_key_that_alarms_can_use(
    scene: Scene, key: str, status: Status, sentence: str
) -> None:
    """A topic needs a key that CloudWatch may use: not none, not SNS's own, not one whose policy
    leaves it out.
    """
    if key == "another":
        key = scene.client("kms").create_key()["KeyMetadata"]["Arn"]
    scene.set_topic("KmsMasterKeyId", key)
    found = scene.see("topic")

    assert status is found.status
    assert sentence in found.what


def test_a_topic_whose_key_is_off_reaches_nobody(scene: Scene) -> None:
    """A topic whose key is disabled is a failure, because every publication would be refused."""
    kms, alias = scene.client("kms"), "alias/aurora-restore-dev-notifications"
    scene.disable(kms, kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"])

    assert "is Disabled, so no notification can be sent." in scene.see("topic").what


def test_a_topic_without_subscribers_is_a_warning(scene: Scene) -> None:
    """A topic without subscribers is a warning with the command that subscribes somebody."""
    sns = scene.client("sns")
    (one,) = sns.list_subscriptions_by_topic(TopicArn=topic())["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    scene.afterwards(
        sns.subscribe, TopicArn=topic(), Protocol=one["Protocol"], Endpoint=one["Endpoint"]
    )
    found = scene.see("subscribers")

    assert Status.WARNING is found.status
    assert "The topic has no subscribers." == found.what
    assert f"aws sns subscribe --region us-west-2 --topic-arn {topic()}" in found.do


def test_what_waits_in_the_failure_queue_is_counted(scene: Scene) -> None:
    """The messages in the failure queue are counted, with the command that shows them."""
    sqs = scene.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    scene.afterwards(sqs.purge_queue, QueueUrl=url)
    found = scene.see("failure queue")

    assert Status.WARNING is found.status
    assert found.what.startswith(f"About 1 event in {QUEUE}")
    assert f"aws sqs receive-message --region us-west-2 --queue-url {url}" in found.do


def test_a_queue_that_eventbridge_may_not_use_loses_events(scene: Scene) -> None:
    """A queue whose policy is gone loses EventBridge's dead letters, and the doctor says so."""
    sqs = scene.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"][
        "Policy"
    ]
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": nobody})
    scene.afterwards(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": policy})
    expected = f"The queue {QUEUE} does not accept messages from EventBridge"

    assert expected in scene.see("failure queue").what


def test_alarms_in_alarm_or_disabled_are_named(scene: Scene) -> None:
    """An alarm that rings, one that notifies nobody, and one that is missing are named."""
    cloudwatch = scene.client("cloudwatch")
    scene.keep_alarm(ALARM)
    scene.ring(ALARM, "No beat for 5 minutes")
    rings = scene.see("alarms")
    scene.ring("", "")
    cloudwatch.disable_alarm_actions(AlarmNames=[ALARM])
    silent = scene.see("alarms")
    cloudwatch.delete_alarms(AlarmNames=[ALARM])
    gone = scene.see("alarms")
    expected = f"aws cloudwatch enable-alarm-actions --region us-west-2 --alarm-names {ALARM}"

    assert f"The alarm {ALARM} has gone off: No beat for 5 minutes." == rings.what
    assert "What to do is in docs/runbook.md#heartbeat-silent." == rings.do
    assert Status.WARNING == rings.status
    assert Status.FAILED == silent.status
    assert Status.FAILED == gone.status
    assert f"The alarm {ALARM} notifies nobody." == silent.what
    assert expected in silent.do
    assert f"The alarm {ALARM} is gone." == gone.what


def test_logs_are_kept_as_long_as_is_configured(scene: Scene) -> None:
    """A log group that keeps its logs for ever, against the configuration, is reported."""
    logs, group = scene.client("logs"), "/aws/lambda/aurora-restore-dev-heartbeat"
    logs.delete_retention_policy(logGroupName=group)
    scene.afterwards(logs.put_retention_policy, logGroupName=group, retentionInDays=14)
    found = scene.see("logs")

    assert Status.WARNING is found.status
    assert "The retention of the logs of heartbeat is not log_retention_in_days." == found.what
    assert ACCOUNT not in found.do

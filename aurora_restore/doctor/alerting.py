"""How people hear of it: the topic and who listens, the failure queue, the alarms, the logs."""

from collections.abc import Iterator

from aurora_restore.doctor.observations import Sight, doubtful, fine, wrong
from aurora_restore.doctor.stacks import again, command_of, deploy, drifted
from aurora_restore.doctor.stage_view import Patient
from aurora_restore.documents import Described, allows
from aurora_restore.stages import FUNCTIONS
from chalicelib.aws.client import NotFoundError
from chalicelib.flow.limits import counted

AWS_KEY = "alias/aws/sns"
ALARMS = "cloudwatch.amazonaws.com"


def topic(patient: Patient) -> Iterator[Sight]:
    """See that the topic is there, and encrypted so that the functions and the alarms can write to it.

    Where SNS_TOPIC_ARN names another for the functions, that is people's own: it has to be there,
    too.
    """
    if patient.topic_arn != patient.own_topic_arn:
        region = patient.topic_arn.split(":")[3]
        if (
            patient.find("sns", "get_topic_attributes", region=region, TopicArn=patient.topic_arn)
            is None
        ):
            yield wrong(
                f"There is no topic {patient.topic_arn}.", "Correct SNS_TOPIC_ARN, or leave it out."
            )
        else:
            yield fine(f"{patient.topic_arn}, for the functions.")
    found = patient.find("sns", "get_topic_attributes", TopicArn=patient.own_topic_arn)
    if found is None:
        yield wrong(f"There is no topic {patient.own_topic_arn}.", again(patient))
        return
    yield fine(f"{patient.own_topic_arn}.")
    drift = drifted(patient)
    if not allows(found["Attributes"].get("Policy", "{}"), ALARMS):
        yield wrong(
            f"The topic {patient.stage.topic} does not let CloudWatch publish: no alarm reaches "
            "anybody.",
            drift,
        )
    key = found["Attributes"].get("KmsMasterKeyId", "")
    if not key:
        yield doubtful(f"The topic {patient.stage.topic} is not encrypted.", drift)
    elif key.endswith(
        AWS_KEY
    ):  # whose policy nobody can change (SNS developer guide, key management)
        yield wrong(
            f"The topic {patient.stage.topic} is under {AWS_KEY}, with which no alarm can publish.",
            drift,
        )
    else:
        yield from _key(patient, key)


def _key(patient: Patient, key: str) -> Iterator[Sight]:
    found = patient.find("kms", "describe_key", KeyId=key)
    if found is None or found["KeyMetadata"]["KeyState"] != "Enabled":
        state = found["KeyMetadata"]["KeyState"] if found else "gone"
        yield wrong(
            f"The key {key} of the topic is {state}, so nobody can be told anything.",
            "Enable it: aws kms cancel-key-deletion, then aws kms enable-key.",
        )
        return
    document = patient.service("kms").call(
        "get_key_policy", KeyId=found["KeyMetadata"]["KeyId"], PolicyName="default"
    )["Policy"]
    if not allows(document, ALARMS):
        unused = (
            f"The key {key} of the topic does not let CloudWatch use it: no alarm reaches anybody."
        )
        yield wrong(unused, drifted(patient))


def subscribers(patient: Patient) -> Iterator[Sight]:
    """Count who listens to each topic; a subscription that nobody confirmed hears nothing."""
    for arn in sorted({patient.own_topic_arn, patient.topic_arn}):
        yield from _subscribers(patient, arn)


def _subscribers(patient: Patient, arn: str) -> Iterator[Sight]:
    region = arn.split(":")[3]
    try:
        found = patient.service("sns", region).pages(
            "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn
        )
    except NotFoundError:
        yield doubtful("There is no topic to listen to.", "See the check `topic` first.")
        return
    confirmed = [one for one in found if one["SubscriptionArn"].startswith("arn:")]
    if confirmed:
        yield fine(f"{len(confirmed)} confirmed.")
    elif found:
        yield doubtful(
            f"Nobody has confirmed a subscription yet: {len(found)} wait.",
            "Follow the link in the mail that AWS sent.",
        )
    else:
        yield doubtful(
            "Nobody listens to the topic.",
            f"Set NOTIFICATION_EMAIL and run {command_of(patient, 'deploy')}, or subscribe: aws "
            f"sns subscribe --region {region} --topic-arn {arn} --protocol email "
            "--notification-endpoint <address>.",
        )


def failure_queue(patient: Patient) -> Iterator[Sight]:
    """See that the queue is there, that EventBridge may put into it, and that nothing waits in it."""
    name = patient.stage.failure_queue
    found = patient.find("sqs", "get_queue_url", QueueName=name)
    if found is None:
        yield wrong(
            f"There is no queue {name}: what cannot be delivered or done is lost.", again(patient)
        )
        return
    url = found["QueueUrl"]
    attributes = patient.service("sqs").call(
        "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )["Attributes"]
    if not allows(attributes.get("Policy", "{}"), "events.amazonaws.com"):
        yield wrong(
            f"The queue {name} does not let EventBridge put into it: what cannot be delivered is "
            "lost.",
            drifted(patient),
        )
    yield from waiting(patient, url, patient.stage.region)
    yield fine(f"{name} is empty.")


def waiting(patient: Patient, url: str, region: str) -> Iterator[Sight]:
    """Count what waits in a failure queue."""
    found = patient.service("sqs", region).call(
        "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )
    counts = [
        int(value)
        for name, value in found["Attributes"].items()
        if name.startswith("ApproximateNumberOf")
    ]
    name = url.rpartition("/")[2]
    section = (
        "failure-queue-not-empty"
        if region == patient.stage.region
        else "forwarding-queue-not-empty"
    )
    if sum(counts):
        yield doubtful(
            f"About {counted(sum(counts), 'event')} in {name} could not be delivered, or made a "
            "function fail.",
            f"Look at them: aws sqs receive-message --region {region} --queue-url {url} "
            "--max-number-of-messages 10 --visibility-timeout 0. What to do then is in "
            f"docs/runbook.md#{section}.",
        )


def alarms(patient: Patient) -> Iterator[Sight]:
    """See that every alarm of the foundation is there, speaks to the topic, and is quiet."""
    names = [
        one["PhysicalResourceId"]
        for one in patient.foundation
        if one["ResourceType"] == "AWS::CloudWatch::Alarm"
    ]
    if not names:
        yield wrong("The foundation has no alarms.", deploy(patient))
        return
    found = patient.service("cloudwatch").pages("describe_alarms", "MetricAlarms", AlarmNames=names)
    for name in sorted({*names} - {one["AlarmName"] for one in found}):
        yield wrong(f"The alarm {name} is gone.", again(patient))
    for one in found:
        yield from _alarm(patient, one)
    yield fine(f"{len(found)} are quiet.")


def _alarm(patient: Patient, alarm: Described) -> Iterator[Sight]:
    name = alarm["AlarmName"]
    if not alarm.get("ActionsEnabled") or patient.own_topic_arn not in alarm.get(
        "AlarmActions", []
    ):
        yield wrong(
            f"The alarm {name} tells nobody.",
            f"aws cloudwatch enable-alarm-actions --region {patient.stage.region} --alarm-names "
            f"{name}. " + drifted(patient),
        )
    if alarm.get("StateValue") == "ALARM":
        reason = str(alarm.get("StateReason", "")).rstrip(".")
        yield doubtful(
            f"The alarm {name} rings: {reason}.",
            f"What to do is in docs/runbook.md#{name.removeprefix(patient.stage.alarm(''))}.",
        )


def logs(patient: Patient) -> Iterator[Sight]:
    """See that logs are kept as long as the configuration says.

    Chalice makes a group with each function.
    """
    prefix = f"/aws/lambda/{patient.stage.function('')}"
    found = patient.service("logs").pages(
        "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
    )
    kept = {one["logGroupName"].removeprefix(prefix): one.get("retentionInDays") for one in found}
    differ = [
        name
        for name in FUNCTIONS
        if name in kept
        and kept[name] != patient.stage.function_setting(name, "log_retention_in_days")
    ]
    if differ:
        yield doubtful(
            f"Logs of {', '.join(differ)} are kept for other than log_retention_in_days.",
            deploy(patient),
        )
    yield fine(f"{len(kept)} log groups are kept as long as is configured.")

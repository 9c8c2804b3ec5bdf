"""How people hear of it: the topic and who listens, the failure queue, the alarms, the logs."""

from collections.abc import Iterator

from aurora_restore.doctor.stacks import command_of, deploy, drift_advice, missing_advice
from aurora_restore.doctor.stage_view import StageView
from aurora_restore.documents import Described, allows
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.stages import FUNCTIONS
from chalicelib.aws.client import NotFoundError
from chalicelib.flow.text_limits import counted

AWS_KEY = "alias/aws/sns"
ALARMS = "cloudwatch.amazonaws.com"


def topic(view: StageView) -> Iterator[Finding]:
    """See that the topic exists, encrypted so that functions and alarms can publish to it.

    Where SNS_TOPIC_ARN names another for the functions, that is people's own: it has to be there,
    too.
    """
    if view.topic_arn != view.own_topic_arn:
        region = view.topic_arn.split(":")[3]
        if view.find("sns", "get_topic_attributes", region=region, TopicArn=view.topic_arn) is None:
            yield failed(
                f"There is no topic {view.topic_arn}.", "Correct SNS_TOPIC_ARN, or leave it out."
            )
        else:
            yield ok(f"{view.topic_arn}, for the functions.")
    found = view.find("sns", "get_topic_attributes", TopicArn=view.own_topic_arn)
    if found is None:
        yield failed(f"There is no topic {view.own_topic_arn}.", missing_advice(view))
        return
    yield ok(f"{view.own_topic_arn}.")
    drift = drift_advice(view)
    if not allows(found["Attributes"].get("Policy", "{}"), ALARMS):
        yield failed(
            f"The topic {view.stage.topic} does not let CloudWatch publish: no alarm reaches "
            "anybody.",
            drift,
        )
    key = found["Attributes"].get("KmsMasterKeyId", "")
    if not key:
        yield warning(f"The topic {view.stage.topic} is not encrypted.", drift)
    elif key.endswith(AWS_KEY):
        # Nobody can change the policy of that key (SNS developer guide, key management).
        yield failed(
            f"The topic {view.stage.topic} is encrypted with {AWS_KEY}, with which no alarm can "
            "publish.",
            drift,
        )
    else:
        yield from _key(view, key)


def _key(view: StageView, key: str) -> Iterator[Finding]:
    found = view.find("kms", "describe_key", KeyId=key)
    if found is None or found["KeyMetadata"]["KeyState"] != "Enabled":
        state = found["KeyMetadata"]["KeyState"] if found else "gone"
        yield failed(
            f"The key {key} of the topic is {state}, so no notification can be sent.",
            "Enable it: aws kms cancel-key-deletion, then aws kms enable-key.",
        )
        return
    document = view.service("kms").call(
        "get_key_policy", KeyId=found["KeyMetadata"]["KeyId"], PolicyName="default"
    )["Policy"]
    if not allows(document, ALARMS):
        unused = (
            f"The key {key} of the topic does not let CloudWatch use it: no alarm reaches anybody."
        )
        yield failed(unused, drift_advice(view))


def subscribers(view: StageView) -> Iterator[Finding]:
    """Count who listens to each topic; a subscription that nobody confirmed hears nothing."""
    for arn in sorted({view.own_topic_arn, view.topic_arn}):
        yield from _subscribers(view, arn)


def _subscribers(view: StageView, arn: str) -> Iterator[Finding]:
    region = arn.split(":")[3]
    try:
        found = view.service("sns", region).pages(
            "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn
        )
    except NotFoundError:
        yield warning("There is no topic to subscribe to.", "See the check `topic` first.")
        return
    confirmed = [each for each in found if each["SubscriptionArn"].startswith("arn:")]
    if confirmed:
        yield ok(f"{len(confirmed)} confirmed.")
    elif found:
        yield warning(
            f"No subscription is confirmed yet: {len(found)} are pending.",
            "Follow the link in the mail that AWS sent.",
        )
    else:
        yield warning(
            "The topic has no subscribers.",
            f"Set NOTIFICATION_EMAIL and run {command_of(view, 'deploy')}, or subscribe: aws "
            f"sns subscribe --region {region} --topic-arn {arn} --protocol email "
            "--notification-endpoint <address>.",
        )


def failure_queue(view: StageView) -> Iterator[Finding]:
    """See that the queue exists, that EventBridge may send to it, and that it is empty."""
    name = view.stage.failure_queue
    found = view.find("sqs", "get_queue_url", QueueName=name)
    if found is None:
        yield failed(
            f"There is no queue {name}: events that cannot be delivered or processed are lost.",
            missing_advice(view),
        )
        return
    url = found["QueueUrl"]
    attributes = view.service("sqs").call(
        "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )["Attributes"]
    if not allows(attributes.get("Policy", "{}"), "events.amazonaws.com"):
        yield failed(
            f"The queue {name} does not accept messages from EventBridge: events that cannot be "
            "delivered are lost.",
            drift_advice(view),
        )
    yield from waiting(view, url, view.stage.region)
    yield ok(f"{name} is empty.")


def waiting(view: StageView, url: str, region: str) -> Iterator[Finding]:
    """Count what waits in a failure queue."""
    found = view.service("sqs", region).call(
        "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )
    counts = [
        int(value)
        for name, value in found["Attributes"].items()
        if name.startswith("ApproximateNumberOf")
    ]
    name = url.rpartition("/")[2]
    section = (
        "failure-queue-not-empty" if region == view.stage.region else "forwarding-queue-not-empty"
    )
    if sum(counts):
        yield warning(
            f"About {counted(sum(counts), 'event')} in {name} could not be delivered, or made a "
            "function fail.",
            f"Look at them: aws sqs receive-message --region {region} --queue-url {url} "
            "--max-number-of-messages 10 --visibility-timeout 0. What to do then is in "
            f"docs/runbook.md#{section}.",
        )


def alarms(view: StageView) -> Iterator[Finding]:
    """See that every alarm of the foundation is there, speaks to the topic, and is quiet."""
    names = [
        each["PhysicalResourceId"]
        for each in view.foundation
        if each["ResourceType"] == "AWS::CloudWatch::Alarm"
    ]
    if not names:
        yield failed("The foundation has no alarms.", deploy(view))
        return
    found = view.service("cloudwatch").pages("describe_alarms", "MetricAlarms", AlarmNames=names)
    for name in sorted({*names} - {each["AlarmName"] for each in found}):
        yield failed(f"The alarm {name} is gone.", missing_advice(view))
    for each in found:
        yield from _alarm(view, each)
    yield ok(f"{len(found)} are quiet.")


def _alarm(view: StageView, alarm: Described) -> Iterator[Finding]:
    name = alarm["AlarmName"]
    if not alarm.get("ActionsEnabled") or view.own_topic_arn not in alarm.get("AlarmActions", []):
        yield failed(
            f"The alarm {name} notifies nobody.",
            f"aws cloudwatch enable-alarm-actions --region {view.stage.region} --alarm-names "
            f"{name}. " + drift_advice(view),
        )
    if alarm.get("StateValue") == "ALARM":
        reason = str(alarm.get("StateReason", "")).rstrip(".")
        yield warning(
            f"The alarm {name} has gone off: {reason}.",
            f"What to do is in docs/runbook.md#{name.removeprefix(view.stage.alarm(''))}.",
        )


def logs(view: StageView) -> Iterator[Finding]:
    """See that logs are kept as long as the configuration says.

    Chalice makes a group with each function.
    """
    prefix = f"/aws/lambda/{view.stage.function('')}"
    kept = {
        log_group["logGroupName"].removeprefix(prefix): log_group.get("retentionInDays")
        for log_group in view.log_groups
    }
    differ = [
        name
        for name in FUNCTIONS
        if name in kept and kept[name] != view.stage.function_setting(name, "log_retention_in_days")
    ]
    if differ:
        yield warning(
            f"The retention of the logs of {', '.join(differ)} is not log_retention_in_days.",
            deploy(view),
        )
    yield ok(f"{len(kept)} log groups are kept as long as is configured.")

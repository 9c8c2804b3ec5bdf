"""Queues and their policies."""

import json
from collections.abc import Iterable
from typing import Final

from localaws.cloudformation.coercion import changed_attributes, given_attributes
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)

_ATTRIBUTES: Final = {
    "DelaySeconds": "0",
    "KmsMasterKeyId": "",
    "MessageRetentionPeriod": "345600",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}


def _queue_exists(wanted: Properties, aws: AccountClients) -> bool:
    try:
        aws("sqs").get_queue_url(QueueName=wanted["QueueName"])
    except aws("sqs").exceptions.QueueDoesNotExist:
        return False
    return True


def _create_queue(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    tags = {tag["Key"]: tag["Value"] for tag in wanted.get("Tags", [])}
    attributes = given_attributes(_ATTRIBUTES, wanted)
    url = aws("sqs").create_queue(QueueName=wanted["QueueName"], Attributes=attributes, tags=tags)[
        "QueueUrl"
    ]
    names = {
        "QueueName": wanted["QueueName"],
        "Arn": aws.arn("sqs", wanted["QueueName"]),
        "QueueUrl": url,
    }
    return PhysicalResource(url, names)


def _update_queue(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    if changed := changed_attributes(_ATTRIBUTES, wanted, before):
        aws("sqs").set_queue_attributes(QueueUrl=made.physical_id, Attributes=changed)
    added, removed = changed_tags(before, wanted)
    if added:
        aws("sqs").tag_queue(
            QueueUrl=made.physical_id, Tags={tag["Key"]: tag["Value"] for tag in added}
        )
    if removed:
        aws("sqs").untag_queue(QueueUrl=made.physical_id, TagKeys=removed)


def _delete_queue(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("sqs").delete_queue(QueueUrl=made.physical_id)


def _put_queue_policy(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    for queue in wanted["Queues"]:
        aws("sqs").set_queue_attributes(
            QueueUrl=queue, Attributes={"Policy": json.dumps(wanted["PolicyDocument"])}
        )
    return PhysicalResource("-".join(queue.rsplit("/", 1)[-1] for queue in wanted["Queues"]))


def _update_queue_policy(
    _: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    _forget_queue_policy(set(before["Queues"]) - set(wanted["Queues"]), aws)
    _put_queue_policy(wanted, aws)


def _delete_queue_policy(_: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    _forget_queue_policy(wanted["Queues"], aws)


def _forget_queue_policy(queues: Iterable[str], aws: AccountClients) -> None:
    for queue in queues:
        aws("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})


RESOURCE_TYPES: Final = (
    kind(
        "AWS::SQS::Queue",
        " ".join(_ATTRIBUTES),
        name="QueueName",
        attributes="Arn QueueName QueueUrl",
        tags="list",
        exists=_queue_exists,
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
    ),
    kind(
        "AWS::SQS::QueuePolicy",
        "Queues PolicyDocument",
        create=_put_queue_policy,
        update=_update_queue_policy,
        delete=_delete_queue_policy,
    ),
)

"""Topics, their policies and subscriptions."""

import json
from collections.abc import Iterable
from typing import Any, Final

from localaws.cloudformation.coercion import changed_attributes, given_attributes
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)

_ATTRIBUTES: Final = {"DisplayName": "", "KmsMasterKeyId": ""}


def _topic_arn(wanted: Properties, aws: AccountClients) -> str:
    return aws.arn("sns", wanted["TopicName"])


def _topic_exists(wanted: Properties, aws: AccountClients) -> bool:
    topics = [
        topic["TopicArn"]
        for page in aws("sns").get_paginator("list_topics").paginate()
        for topic in page["Topics"]
    ]
    return _topic_arn(wanted, aws) in topics


def _create_topic(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    attributes = given_attributes(_ATTRIBUTES, wanted)
    arn = aws("sns").create_topic(
        Name=wanted["TopicName"], Attributes=attributes, Tags=wanted.get("Tags", [])
    )
    return PhysicalResource(
        arn["TopicArn"], {"TopicArn": arn["TopicArn"], "TopicName": wanted["TopicName"]}
    )


def _update_topic(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    for name, value in changed_attributes(_ATTRIBUTES, wanted, before).items():
        aws("sns").set_topic_attributes(
            TopicArn=made.physical_id, AttributeName=name, AttributeValue=value
        )
    added, removed = changed_tags(before, wanted)
    aws("sns").tag_resource(ResourceArn=made.physical_id, Tags=added)
    aws("sns").untag_resource(ResourceArn=made.physical_id, TagKeys=removed)


def _delete_topic(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("sns").delete_topic(TopicArn=made.physical_id)


def _put_topic_policy(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    for topic in wanted["Topics"]:
        _set_topic_policy(topic, wanted["PolicyDocument"], aws)
    return PhysicalResource("-".join(topic.rsplit(":", 1)[-1] for topic in wanted["Topics"]))


def _set_topic_policy(topic: str, policy: dict[str, Any], aws: AccountClients) -> None:
    aws("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
    )


def _update_topic_policy(
    _: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    _forget_topic_policy(set(before["Topics"]) - set(wanted["Topics"]), aws)
    _put_topic_policy(wanted, aws)


def _delete_topic_policy(_: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    _forget_topic_policy(wanted["Topics"], aws)


def _forget_topic_policy(topics: Iterable[str], aws: AccountClients) -> None:
    """Give topics back the policy that a new one has: its owner's account may use it."""
    for topic in topics:
        owner = {"StringEquals": {"AWS:SourceOwner": aws.account}}
        use = {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "SNS:Publish",
            "Resource": topic,
        }
        _set_topic_policy(
            topic, {"Version": "2008-10-17", "Statement": [{**use, "Condition": owner}]}, aws
        )


def _subscribe(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    return PhysicalResource(
        aws("sns").subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    )


def _unsubscribe(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("sns").unsubscribe(SubscriptionArn=made.physical_id)


def _cannot_change(*_: Any) -> None:
    """Stand where every property is fixed."""


RESOURCE_TYPES: Final = (
    kind(
        "AWS::SNS::Topic",
        "DisplayName KmsMasterKeyId",
        name="TopicName",
        attributes="TopicArn TopicName",
        tags="list",
        exists=_topic_exists,
        create=_create_topic,
        update=_update_topic,
        delete=_delete_topic,
    ),
    kind(
        "AWS::SNS::TopicPolicy",
        "Topics PolicyDocument",
        create=_put_topic_policy,
        update=_update_topic_policy,
        delete=_delete_topic_policy,
    ),
    kind(
        "AWS::SNS::Subscription",
        "",
        fixed="TopicArn Protocol Endpoint",
        create=_subscribe,
        update=_cannot_change,
        delete=_unsubscribe,
    ),
)

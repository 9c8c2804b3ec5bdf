"""Rules of the default bus, and who else may put events on it."""

import json
from typing import Any, Final

from localaws.cloudformation.coercion import shaped
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)


def _rule_exists(wanted: Properties, aws: AccountClients) -> bool:
    try:
        aws("events").describe_rule(Name=wanted["Name"])
    except aws("events").exceptions.ResourceNotFoundException:
        return False
    return True


def _create_rule(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    _put_rule(wanted, {}, aws)
    return PhysicalResource(wanted["Name"], {"Arn": aws.arn("events", f"rule/{wanted['Name']}")})


def _put_rule(wanted: Properties, before: Properties, aws: AccountClients) -> None:
    pattern = json.dumps(wanted["EventPattern"]) if "EventPattern" in wanted else None
    rule = {name: value for name, value in wanted.items() if name != "Targets"} | {
        "EventPattern": pattern
    }
    aws("events").put_rule(**shaped(aws("events"), "put_rule", rule))
    old, new = before.get("Targets", []), wanted.get("Targets", [])
    if gone := {target["Id"] for target in old} - {target["Id"] for target in new}:
        aws("events").remove_targets(Rule=wanted["Name"], Ids=sorted(gone))
    if new:
        aws("events").put_targets(
            **shaped(aws("events"), "put_targets", {"Rule": wanted["Name"], "Targets": new})
        )


def _update_rule(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    _put_rule(wanted, before, aws)
    added, removed = changed_tags(before, wanted)
    aws("events").tag_resource(ResourceARN=made.attributes["Arn"], Tags=added)
    aws("events").untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=removed)


def _delete_rule(made: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    if ids := [target["Id"] for target in wanted.get("Targets", [])]:
        aws("events").remove_targets(Rule=made.physical_id, Ids=ids)
    aws("events").delete_rule(Name=made.physical_id)


def _statements_of_bus(aws: AccountClients) -> list[dict[str, Any]]:
    policy = json.loads(aws("events").describe_event_bus().get("Policy") or '{"Statement": []}')
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def _put_bus_policy(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    own = {"Sid": wanted["StatementId"], **wanted["Statement"]}
    others = [other for other in _statements_of_bus(aws) if other["Sid"] != own["Sid"]]
    aws("events").put_permission(
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [*others, own]})
    )
    return PhysicalResource(wanted["StatementId"])


def _update_bus_policy(
    _: PhysicalResource, wanted: Properties, __: Properties, aws: AccountClients
) -> None:
    _put_bus_policy(wanted, aws)


def _delete_bus_policy(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("events").remove_permission(StatementId=made.physical_id)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::Events::Rule",
        "Description State EventPattern ScheduleExpression Targets",
        name="Name",
        attributes="Arn",
        tags="list",
        exists=_rule_exists,
        create=_create_rule,
        update=_update_rule,
        delete=_delete_rule,
    ),
    kind(
        "AWS::Events::EventBusPolicy",
        "Statement",
        fixed="StatementId",
        create=_put_bus_policy,
        update=_update_bus_policy,
        delete=_delete_bus_policy,
    ),
)

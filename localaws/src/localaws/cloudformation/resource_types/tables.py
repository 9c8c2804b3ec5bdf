"""DynamoDB tables."""

from typing import Any, Final

from localaws.cloudformation.coercion import shaped
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)

_AT_ONCE: Final = frozenset({"BillingMode", "DeletionProtectionEnabled"})
_AFTERWARDS: Final = ("PointInTimeRecoverySpecification", "TimeToLiveSpecification")
_OFF: Final[Properties] = {
    "DeletionProtectionEnabled": False,
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False},
}


def _create(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    client = aws("dynamodb")
    given = {name: value for name, value in wanted.items() if name not in _AFTERWARDS}
    arn = client.create_table(**shaped(client, "create_table", given))["TableDescription"][
        "TableArn"
    ]
    made = PhysicalResource(wanted["TableName"], {"Arn": arn})
    client.get_waiter("table_exists").wait(TableName=made.physical_id, WaiterConfig={"Delay": 1})
    _set_afterwards(made, wanted, {}, aws)
    return made


def _set_afterwards(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client, recovery, expiry = aws("dynamodb"), *_AFTERWARDS
    if wanted.get(recovery, _OFF[recovery]) != before.get(recovery, _OFF[recovery]):
        given = {"TableName": made.physical_id, recovery: wanted.get(recovery, _OFF[recovery])}
        client.update_continuous_backups(**shaped(client, "update_continuous_backups", given))
    if wanted.get(expiry) != before.get(expiry):
        given = wanted.get(expiry) or {**before[expiry], "Enabled": False}
        _set_expiry(client, made.physical_id, given)


def _set_expiry(client: Any, table: str, expiry: Properties) -> None:
    given = {"TableName": table, "TimeToLiveSpecification": expiry}
    client.update_time_to_live(**shaped(client, "update_time_to_live", given))


def _update(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client = aws("dynamodb")
    changed = {
        name: wanted.get(name, _OFF.get(name))
        for name in _AT_ONCE
        if wanted.get(name) != before.get(name)
    }
    if changed:
        client.update_table(
            **shaped(client, "update_table", {"TableName": made.physical_id, **changed})
        )
    _set_afterwards(made, wanted, before, aws)
    added, removed = changed_tags(before, wanted)
    if added:
        client.tag_resource(ResourceArn=made.attributes["Arn"], Tags=added)
    if removed:
        client.untag_resource(ResourceArn=made.attributes["Arn"], TagKeys=removed)


def _delete(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("dynamodb").delete_table(TableName=made.physical_id)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::DynamoDB::Table",
        " ".join((*_AT_ONCE, *_AFTERWARDS)),
        name="TableName",
        fixed="KeySchema",
        settled="AttributeDefinitions GlobalSecondaryIndexes",
        attributes="Arn",
        tags="list",
        create=_create,
        update=_update,
        delete=_delete,
    ),
)

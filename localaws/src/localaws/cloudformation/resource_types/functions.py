"""Lambda functions, who may invoke them, and what becomes of what they fail on.

And the groups of their logs.
"""

import secrets
from typing import Any, Final

from localaws.cloudformation.coercion import shaped
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)

_UNSET: Final[Properties] = {
    "Description": "",
    "Environment": {"Variables": {}},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
"""What holds where a template says nothing (Lambda API reference, CreateFunction)."""
_CONFIGURATION: Final = (*_UNSET, "Handler", "Role", "Runtime")


def _create(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    tags = {tag["Key"]: tag["Value"] for tag in wanted.get("Tags", [])}
    client = aws("lambda")
    made = client.create_function(**shaped(client, "create_function", {**wanted, "Tags": tags}))
    return PhysicalResource(wanted["FunctionName"], {"Arn": made["FunctionArn"]})


def _update(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client, about = aws("lambda"), {"FunctionName": made.physical_id}
    if (wanted["Code"], wanted.get("Architectures")) != (
        before["Code"],
        before.get("Architectures"),
    ):
        code = {**about, **wanted["Code"], "Architectures": wanted.get("Architectures")}
        client.update_function_code(**shaped(client, "update_function_code", code))
    now, then = _configuration(wanted), _configuration(before)
    if changed := {name: value for name, value in now.items() if value != then[name]}:
        client.update_function_configuration(
            **shaped(client, "update_function_configuration", {**about, **changed})
        )
    added, removed = changed_tags(before, wanted)
    if added:
        client.tag_resource(
            Resource=made.attributes["Arn"], Tags={tag["Key"]: tag["Value"] for tag in added}
        )
    if removed:
        client.untag_resource(Resource=made.attributes["Arn"], TagKeys=removed)


def _configuration(properties: Properties) -> Properties:
    return {name: (_UNSET | properties).get(name) for name in _CONFIGURATION}


def _delete(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("lambda").delete_function(FunctionName=made.physical_id)


def _permit(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    statement = f"permission-{secrets.token_hex(6)}"
    aws("lambda").add_permission(
        **shaped(aws("lambda"), "add_permission", {**wanted, "StatementId": statement})
    )
    return PhysicalResource(statement)


def _unpermit(made: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    aws("lambda").remove_permission(
        FunctionName=wanted["FunctionName"], StatementId=made.physical_id
    )


def _about(wanted: Properties) -> dict[str, Any]:
    return {"FunctionName": wanted["FunctionName"], "Qualifier": wanted["Qualifier"]}


def _has_setting(wanted: Properties, aws: AccountClients) -> bool:
    client = aws("lambda")
    try:
        client.get_function_event_invoke_config(**_about(wanted))
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _put_setting(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    client = aws("lambda")
    client.put_function_event_invoke_config(
        **shaped(client, "put_function_event_invoke_config", wanted)
    )
    return PhysicalResource(f"{wanted['FunctionName']}|{wanted['Qualifier']}")


def _update_setting(
    _: PhysicalResource, wanted: Properties, __: Properties, aws: AccountClients
) -> None:
    _put_setting(wanted, aws)


def _delete_setting(_: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    aws("lambda").delete_function_event_invoke_config(**_about(wanted))


def _create_group(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    name = wanted["LogGroupName"]
    aws("logs").create_log_group(logGroupName=name)
    made = PhysicalResource(name, {"Arn": aws.arn("logs", f"log-group:{name}:*")})
    _update_group(made, wanted, {}, aws)
    return made


def _update_group(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    logs = aws("logs")
    if "RetentionInDays" in wanted:
        logs.put_retention_policy(
            logGroupName=made.physical_id, retentionInDays=int(wanted["RetentionInDays"])
        )
    elif "RetentionInDays" in before:
        logs.delete_retention_policy(logGroupName=made.physical_id)
    added, removed = changed_tags(before, wanted)
    arn = made.attributes["Arn"].removesuffix(":*")
    if added:
        logs.tag_resource(resourceArn=arn, tags={tag["Key"]: tag["Value"] for tag in added})
    if removed:
        logs.untag_resource(resourceArn=arn, tagKeys=removed)


def _delete_group(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("logs").delete_log_group(logGroupName=made.physical_id)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::Lambda::Function",
        " ".join((*_CONFIGURATION, "Architectures", "Code")),
        name="FunctionName",
        attributes="Arn",
        tags="list",
        system_tags=True,
        create=_create,
        update=_update,
        delete=_delete,
    ),
    kind(
        "AWS::Lambda::Permission",
        "",
        fixed="Action FunctionName Principal SourceArn",
        create=_permit,
        update=lambda *_: None,
        delete=_unpermit,
    ),
    kind(
        "AWS::Lambda::EventInvokeConfig",
        "DestinationConfig MaximumEventAgeInSeconds MaximumRetryAttempts",
        fixed="FunctionName Qualifier",
        exists=_has_setting,
        create=_put_setting,
        update=_update_setting,
        delete=_delete_setting,
    ),
    kind(
        "AWS::Logs::LogGroup",
        "RetentionInDays",
        name="LogGroupName",
        attributes="Arn",
        tags="list",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
    ),
)

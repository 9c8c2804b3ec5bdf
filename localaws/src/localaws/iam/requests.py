"""The permission requests of each call: one table for all services.

A call that stands in no table is refused with a sentence (UnmodelledPermissionError): allowing it
would say that a role suffices which nobody has looked at.
"""

from collections.abc import Mapping
from typing import Any, Final

from localaws.iam import kms, rds, route53
from localaws.iam.permission_request import (
    Call,
    PermissionRequest,
    UnmodelledPermissionError,
    in_request,
)
from localaws.iam.resource_lookup import ResourceLookup

_TRANSACTED: Final = {
    "Update": "UpdateItem",
    "Put": "PutItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def permission_requests(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """List what a call asks for, in order; nothing for a call that needs no permission.

    Raises UnmodelledPermissionError for a call that is in no table, and for one that lacks the
    parameter that names its resource.
    """
    asking = _TABLES.get(call.service, {}).get(call.operation)
    if asking is None:
        raise UnmodelledPermissionError(
            f"localaws does not know which permissions {call.service}:{call.operation} needs."
        )
    try:
        return in_request(call, asking(call, world))
    except KeyError as error:
        what = f"{call.service}:{call.operation}"
        raise UnmodelledPermissionError(
            f"localaws does not know which permissions {what} needs without {error}."
        ) from error


def _put_events(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Request each bus once, with the sources and detail types of all its entries."""
    buses: dict[str, list[Mapping[str, Any]]] = {}
    for entry in call.parameters["Entries"]:
        name = str(entry.get("EventBusName") or "default")
        buses.setdefault(
            call.arn(name if name.startswith("arn:") else f"event-bus/{name}"), []
        ).append(entry)
    return [
        PermissionRequest(
            "events:PutEvents",
            bus,
            {
                "events:source": _values(entries, "Source"),
                "events:detail-type": _values(entries, "DetailType"),
            },
        )
        for bus, entries in buses.items()
    ]


def _values(entries: list[Mapping[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(entry.get(name, "")) for entry in entries))


def _table(call: Call, parameters: Mapping[str, Any]) -> str:
    name = str(parameters["TableName"])
    return call.arn(name if name.startswith("arn:") else f"table/{name}")


def _item(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    return [PermissionRequest(f"dynamodb:{call.operation}", _table(call, call.parameters))]


def _query(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the index, which is a resource of its own, or for the table."""
    table, index = _table(call, call.parameters), call.get("IndexName")
    return [PermissionRequest("dynamodb:Query", f"{table}/index/{index}" if index else table)]


def _transact(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for each item what its own operation asks: there is no permission for transactions."""
    enclosing = {"dynamodb:EnclosingOperation": call.operation}
    items = [
        (kind, what) for item in call.parameters["TransactItems"] for kind, what in item.items()
    ]
    return [
        PermissionRequest(f"dynamodb:{_TRANSACTED[kind]}", _table(call, what), enclosing)
        for kind, what in items
    ]


def _parameters_by_path(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Request the path as it was given, with or without its last slash (as AWS's refusals do)."""
    if call.get("WithDecryption"):
        raise UnmodelledPermissionError(
            "localaws does not know which key decrypts SSM's parameters: ask without decryption."
        )
    path = f"/{str(call.parameters['Path']).lstrip('/')}"
    return [
        PermissionRequest(
            "ssm:GetParametersByPath",
            call.arn(f"parameter{path}"),
            {"ssm:Recursive": _flag(call, "Recursive")},
        )
    ]


def _parameters(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for each parameter."""
    if call.get("WithDecryption") or call.get("Type") == "SecureString":
        raise UnmodelledPermissionError(
            "localaws does not know which key SSM's secure strings need: use plain strings."
        )
    names = call.parameters["Names"] if "Names" in call.parameters else [call.parameters["Name"]]
    return [
        PermissionRequest(f"ssm:{call.operation}", call.arn(f"parameter/{str(name).lstrip('/')}"))
        for name in names
    ]


def _flag(call: Call, name: str) -> str:
    return str(bool(call.get(name))).lower()


def _secret_value(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the whole ARN; for one that is not there, what was asked for stands for its name.

    The secret's ARN is in the context of its key's use (Secrets Manager user guide, secret
    encryption and decryption).
    """
    return _secret(call, world, ("Decrypt",))


def _secret(call: Call, world: ResourceLookup, uses: tuple[str, ...]) -> list[PermissionRequest]:
    action, reference = f"secretsmanager:{call.operation}", str(call.parameters["SecretId"])
    found = world.secret(call.account, call.region, reference)
    if found is None:
        return [PermissionRequest(action, call.arn(_named_secret(reference)))]
    key = kms.customer_key(call, world, call.region, found.key) if uses else None
    context = {"kms:EncryptionContext:SecretARN": found.arn}
    of_key = kms.through("secretsmanager", key, uses, context) if key else []
    return [PermissionRequest(action, found.arn), *of_key]


def _new_secret_value(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the secret, and for its key to encrypt what is written and to compare it.

    A version with the same token is read, to see whether it is the same (Secrets Manager user
    guide, secret encryption and decryption).
    """
    return _secret(call, world, ("GenerateDataKey", "Decrypt"))


def _secret_stage(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    return _secret(call, world, ())


def _named_secret(reference: str) -> str:
    return reference if reference.startswith("arn:") else f"secret:{reference}"


def _publish(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    topic = str(call.parameters["TopicArn"])
    key = kms.customer_key(call, world, topic.split(":")[3], world.topic_key(topic))
    of_topic = {"kms:EncryptionContext:aws:sns:topicArn": topic}
    return [
        PermissionRequest("sns:Publish", topic),
        *(kms.through("sns", key, ("GenerateDataKey", "Decrypt"), of_topic) if key else []),
    ]


def _topic(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    return [PermissionRequest(f"sns:{call.operation}", str(call.parameters["TopicArn"]))]


def _queue(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    account, name = str(call.parameters["QueueUrl"]).rstrip("/").split("/")[-2:]
    return [
        PermissionRequest(f"sqs:{call.operation}", f"arn:aws:sqs:{call.region}:{account}:{name}")
    ]


def _everything(call: Call, _world: ResourceLookup) -> list[PermissionRequest]:
    return [PermissionRequest(f"{call.service}:{call.operation}", "*")]


_TABLES: Final[Mapping[str, Mapping[str, rds.Asking]]] = {
    "rds": rds.ASKING,
    "dynamodb": {
        **dict.fromkeys(("GetItem", "PutItem", "UpdateItem", "DeleteItem"), _item),
        "Query": _query,
        "TransactWriteItems": _transact,
    },
    "ec2": {"DescribeSecurityGroups": _everything},
    "events": {"PutEvents": _put_events},
    "kms": {"DescribeKey": kms.describe_key},
    "route53": {
        "ChangeResourceRecordSets": route53.change_records,
        "GetChange": route53.of_change,
        "GetHostedZone": route53.of_zone,
        "ListResourceRecordSets": route53.of_zone,
    },
    "secretsmanager": {
        "GetSecretValue": _secret_value,
        "PutSecretValue": _new_secret_value,
        "UpdateSecretVersionStage": _secret_stage,
    },
    "sns": {"Publish": _publish, "GetTopicAttributes": _topic},
    "sqs": {"SendMessage": _queue},
    "ssm": {
        "GetParametersByPath": _parameters_by_path,
        **dict.fromkeys(("GetParameters", "PutParameter", "DeleteParameters"), _parameters),
    },
    "sts": {
        "GetCallerIdentity": lambda _call, _world: []
    },  # needs no permission (STS API reference)
}

KNOWN: Final[Mapping[str, frozenset[str]]] = {
    service: frozenset(table) for service, table in _TABLES.items()
}
"""Which calls of which service can be judged."""

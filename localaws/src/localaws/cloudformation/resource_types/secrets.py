"""Secrets, parameters and keys."""

import json
from typing import Final

from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)

PENDING_DAYS: Final = 30  # until a key that was deleted is gone, where the template does not say


# --- secrets: made without a value, which is all that localaws has to know ---


def _create_secret(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    arn = aws("secretsmanager").create_secret(**wanted)["ARN"]
    return PhysicalResource(arn, {"Id": arn})


def _update_secret(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client = aws("secretsmanager")
    changed = {
        name: wanted.get(name, "")
        for name in ("Description",)
        if wanted.get(name) != before.get(name)
    }
    if changed:
        client.update_secret(SecretId=made.physical_id, **changed)
    added, removed = changed_tags(before, wanted)
    client.tag_resource(SecretId=made.physical_id, Tags=added)
    client.untag_resource(SecretId=made.physical_id, TagKeys=removed)


def _delete_secret(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    """Delete it for good: CloudFormation leaves no days in which it could be had back."""
    aws("secretsmanager").delete_secret(SecretId=made.physical_id, ForceDeleteWithoutRecovery=True)


# --- parameters ---


def _create_parameter(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    tags = [{"Key": key, "Value": value} for key, value in wanted.get("Tags", {}).items()]
    aws("ssm").put_parameter(**{**wanted, "Tags": tags})
    return PhysicalResource(wanted["Name"], {"Type": wanted["Type"], "Value": wanted["Value"]})


def _update_parameter(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    given = {name: value for name, value in wanted.items() if name != "Tags"}
    aws("ssm").put_parameter(**given, Overwrite=True)
    old, new = before.get("Tags", {}), wanted.get("Tags", {})
    about = {"ResourceType": "Parameter", "ResourceId": made.physical_id}
    if added := [
        {"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value
    ]:
        aws("ssm").add_tags_to_resource(**about, Tags=added)
    if removed := [*(old.keys() - new.keys())]:
        aws("ssm").remove_tags_from_resource(**about, TagKeys=removed)


def _delete_parameter(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("ssm").delete_parameter(Name=made.physical_id)


# --- keys ---


def _create_key(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    client = aws("kms")
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in wanted.get("Tags", [])]
    policy = {"Policy": json.dumps(wanted["KeyPolicy"])} if "KeyPolicy" in wanted else {}
    key = client.create_key(Description=wanted.get("Description", ""), Tags=tags, **policy)[
        "KeyMetadata"
    ]
    made = PhysicalResource(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})
    _rotate(made, wanted, aws)
    return made


def _rotate(made: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    if str(wanted.get("EnableKeyRotation", False)).lower() == "true":
        aws("kms").enable_key_rotation(KeyId=made.physical_id)
    else:
        aws("kms").disable_key_rotation(KeyId=made.physical_id)


def _update_key(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client, about = aws("kms"), {"KeyId": made.physical_id}
    client.update_key_description(**about, Description=wanted.get("Description", ""))
    if wanted.get("KeyPolicy") != before.get("KeyPolicy"):
        client.put_key_policy(**about, PolicyName="default", Policy=json.dumps(wanted["KeyPolicy"]))
    _rotate(made, wanted, aws)
    added, removed = changed_tags(before, wanted)
    if added:
        client.tag_resource(
            **about, Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in added]
        )
    if removed:
        client.untag_resource(**about, TagKeys=removed)


def _delete_key(made: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    days = int(wanted.get("PendingWindowInDays", PENDING_DAYS))
    aws("kms").schedule_key_deletion(KeyId=made.physical_id, PendingWindowInDays=days)


def _create_alias(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    aws("kms").create_alias(AliasName=wanted["AliasName"], TargetKeyId=wanted["TargetKeyId"])
    return PhysicalResource(wanted["AliasName"])


def _update_alias(
    made: PhysicalResource, wanted: Properties, _: Properties, aws: AccountClients
) -> None:
    aws("kms").update_alias(AliasName=made.physical_id, TargetKeyId=wanted["TargetKeyId"])


def _delete_alias(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("kms").delete_alias(AliasName=made.physical_id)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::SecretsManager::Secret",
        "Description",
        name="Name",
        attributes="Id",
        tags="list",
        create=_create_secret,
        update=_update_secret,
        delete=_delete_secret,
    ),
    kind(
        "AWS::SSM::Parameter",
        "Type Value Description",
        name="Name",
        attributes="Type Value",
        tags="map",
        create=_create_parameter,
        update=_update_parameter,
        delete=_delete_parameter,
    ),
    kind(
        "AWS::KMS::Key",
        "Description KeyPolicy EnableKeyRotation PendingWindowInDays",
        attributes="Arn KeyId",
        tags="list",
        create=_create_key,
        update=_update_key,
        delete=_delete_key,
    ),
    kind(
        "AWS::KMS::Alias",
        "TargetKeyId",
        fixed="AliasName",
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
    ),
)

"""IAM roles, with the policies that stand in them."""

import json
from contextlib import suppress
from typing import Any, Final

from localaws.cloudformation.coercion import shaped
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)


def _create(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    client = aws("iam")
    given = {name: value for name, value in wanted.items() if name != "Policies"}
    trust = json.dumps(wanted["AssumeRolePolicyDocument"])
    role = client.create_role(
        **shaped(client, "create_role", {**given, "AssumeRolePolicyDocument": trust})
    )["Role"]
    made = PhysicalResource(role["RoleName"], {"Arn": role["Arn"], "RoleId": role["RoleId"]})
    _put_policies(made, wanted, {}, aws)
    return made


def _put_policies(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client, about = aws("iam"), {"RoleName": made.physical_id}
    old, new = _inline(before), _inline(wanted)
    for name in old.keys() - new.keys():
        # An update that failed half-way may not have made it.
        with suppress(client.exceptions.NoSuchEntityException):
            client.delete_role_policy(**about, PolicyName=name)
    for name, document in new.items():
        client.put_role_policy(**about, PolicyName=name, PolicyDocument=json.dumps(document))


def _inline(properties: Properties) -> dict[str, Any]:
    return {
        policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])
    }


def _update(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client, about = aws("iam"), {"RoleName": made.physical_id}
    client.update_assume_role_policy(
        **about, PolicyDocument=json.dumps(wanted["AssumeRolePolicyDocument"])
    )
    settings = {name: wanted.get(name) for name in ("Description", "MaxSessionDuration")}
    client.update_role(**shaped(client, "update_role", {**about, **settings}))
    _put_policies(made, wanted, before, aws)
    added, removed = changed_tags(before, wanted)
    if added:
        client.tag_role(**about, Tags=added)
    if removed:
        client.untag_role(**about, TagKeys=removed)


def _delete(made: PhysicalResource, wanted: Properties, aws: AccountClients) -> None:
    _put_policies(made, {}, wanted, aws)
    aws("iam").delete_role(RoleName=made.physical_id)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::IAM::Role",
        "AssumeRolePolicyDocument Description MaxSessionDuration Policies",
        name="RoleName",
        fixed="Path",
        attributes="Arn RoleId",
        tags="list",
        capability=True,
        create=_create,
        update=_update,
        delete=_delete,
    ),
)

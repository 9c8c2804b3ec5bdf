"""What services ask of KMS keys on their callers' behalf.

Keys that AWS manages ask nothing: everybody may use them so.

The policies of the keys themselves are not looked at: they are taken to leave the decision to IAM,
as a key's default policy does.
"""

from typing import Final

from localaws.iam.permission_request import Call, PermissionRequest
from localaws.iam.resource_lookup import ResourceLookup

TO_KEEP: Final = ("CreateGrant", "DescribeKey")
TO_READ: Final = ("CreateGrant", "Decrypt", "DescribeKey")
TO_MAKE: Final = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")
"""What RDS does under a customer's key (service authorization reference, CreateDBInstance)."""


def customer_key(
    call: Call, world: ResourceLookup, region: str, reference: str | None
) -> str | None:
    """Give the ARN of a customer managed key.

    None for one of AWS's, for none, and for one that is not there.
    """
    found = world.key(call.account, region, reference) if reference else None
    return found.arn if found and found.manager == "CUSTOMER" else None


def through(
    service: str, key: str, operations: tuple[str, ...], context: dict[str, str] | None = None
) -> list[PermissionRequest]:
    """Request operations on a key (ARN) that a service performs for the caller."""
    region = key.split(":")[3]
    via = {"kms:ViaService": f"{service}.{region}.amazonaws.com", **(context or {})}
    return [
        PermissionRequest(
            f"kms:{operation}",
            key,
            via | ({"kms:GrantIsForAWSResource": "true"} if operation == "CreateGrant" else {}),
            region,
        )
        for operation in operations
    ]


def describe_key(call: Call, world: ResourceLookup) -> list[PermissionRequest]:
    """Ask for the key itself, whatever it is called by.

    One that is not there is not found before anything is asked.
    """
    reference = str(call.parameters["KeyId"])
    found = world.key(call.account, call.region, reference)
    alias = {"kms:RequestAlias": reference} if reference.startswith("alias/") else {}
    return [PermissionRequest("kms:DescribeKey", found.arn, alias)] if found else []

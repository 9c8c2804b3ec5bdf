"""S3 buckets and their policies."""

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from localaws.cloudformation.coercion import shaped
from localaws.cloudformation.resource_type import AccountClients, PhysicalResource, Properties, kind

_SETTINGS: Final = (
    # property                         what puts it                        what takes it away
    # its argument
    (
        "BucketEncryption",
        "put_bucket_encryption",
        "delete_bucket_encryption",
        "ServerSideEncryptionConfiguration",
    ),
    (
        "LifecycleConfiguration",
        "put_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        "LifecycleConfiguration",
    ),
    (
        "OwnershipControls",
        "put_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
        "OwnershipControls",
    ),
    (
        "PublicAccessBlockConfiguration",
        "put_public_access_block",
        "delete_public_access_block",
        "PublicAccessBlockConfiguration",
    ),
    ("Tags", "put_bucket_tagging", "delete_bucket_tagging", "Tagging"),
    ("VersioningConfiguration", "put_bucket_versioning", None, "VersioningConfiguration"),
)
_SUSPENDED: Final = {"Status": "Suspended"}
_API_NAMES: Final = {
    "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
    "Id": "ID",
}
"""What S3's API calls otherwise than CloudFormation does."""


def _exists(wanted: Properties, aws: AccountClients) -> bool:
    try:
        aws("s3").head_bucket(Bucket=wanted["BucketName"])
    except ClientError as error:
        return str(error.response["Error"]["Code"]) != "404"
    return True


def _create(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    name, where = (
        wanted["BucketName"],
        {"CreateBucketConfiguration": {"LocationConstraint": aws.region}},
    )
    aws("s3").create_bucket(Bucket=name, **({} if aws.region == "us-east-1" else where))
    host = f"{name}.s3.{aws.region}.amazonaws.com"
    made = PhysicalResource(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": host,
        },
    )
    _update(made, wanted, {}, aws)
    return made


def _update(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client = aws("s3")
    for name, put, remove, argument in _SETTINGS:
        if wanted.get(name) == before.get(name):
            continue
        if name in wanted or remove is None:
            given = {
                "Bucket": made.physical_id,
                argument: _for_api(name, wanted.get(name, _SUSPENDED)),
            }
            getattr(client, put)(**shaped(client, put, given))
        else:
            getattr(client, remove)(Bucket=made.physical_id)


def _for_api(name: str, value: Any) -> Any:
    if name == "Tags":
        return {"TagSet": value}
    if name == "BucketEncryption":
        return {"Rules": _renamed(value["ServerSideEncryptionConfiguration"])}
    if name == "LifecycleConfiguration":
        return {
            "Rules": [
                {"Filter": {"Prefix": rule.pop("Prefix", "")}, **rule}
                for rule in _renamed(value["Rules"])
            ]
        }
    return value


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_API_NAMES.get(name, name): _renamed(member) for name, member in value.items()}
    return [_renamed(member) for member in value] if isinstance(value, list) else value


def _delete(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("s3").delete_bucket(Bucket=made.physical_id)


def _put_policy(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    aws("s3").put_bucket_policy(
        Bucket=wanted["Bucket"], Policy=json.dumps(wanted["PolicyDocument"])
    )
    return PhysicalResource(wanted["Bucket"])


def _update_policy(
    _: PhysicalResource, wanted: Properties, __: Properties, aws: AccountClients
) -> None:
    _put_policy(wanted, aws)


def _delete_policy(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("s3").delete_bucket_policy(Bucket=made.physical_id)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::S3::Bucket",
        " ".join(name for name, *_ in _SETTINGS),
        name="BucketName",
        tags="list",
        attributes="Arn DomainName RegionalDomainName",
        exists=_exists,
        create=_create,
        update=_update,
        delete=_delete,
    ),
    kind(
        "AWS::S3::BucketPolicy",
        "PolicyDocument",
        fixed="Bucket",
        create=_put_policy,
        update=_update_policy,
        delete=_delete_policy,
    ),
)

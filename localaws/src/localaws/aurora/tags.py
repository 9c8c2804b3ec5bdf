"""Tags: reading them from requests, and the three actions on tagged resources."""

import re
from typing import Any

from localaws.aurora import arns
from localaws.aurora.arns import Arn
from localaws.aurora.errors import RdsError, cluster_not_found, instance_not_found, invalid_value
from localaws.aurora.records import Tags
from localaws.aurora.state import Answer, Region, Request

TAGS_MAX = 50
RESERVED = ("aws:", "rds:")
# Letters, digits, spaces and some signs (API reference, Tag).
_ALLOWED = re.compile(r"[\w\s.:/=+\-@]*")
KEY_LENGTH_MAX = 128
VALUE_LENGTH_MAX = 256


def read_tags(request: Request) -> Tags:
    """Return the Tags parameter as a mapping, or refuse it."""
    return checked(
        {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in request.get("Tags", [])}
    )


def checked(tags: Tags) -> Tags:
    """Return tags that AWS accepts.

    `aws:` and `rds:` are reserved, keys and values have a length and few signs, and there are at
    most 50.
    """
    for key, value in tags.items():
        if not 1 <= len(key) <= KEY_LENGTH_MAX or len(value) > VALUE_LENGTH_MAX:
            raise invalid_value(f"The tag {key!r} is too long, or has no key.")
        for part in (key, value):
            if part.lower().startswith(RESERVED):
                raise invalid_value(
                    f"The tag {key!r} begins with the reserved prefix aws: or rds:."
                )
            if not _ALLOWED.fullmatch(part):
                raise invalid_value(f"The tag {key!r} has a character that RDS does not allow.")
    if len(tags) > TAGS_MAX:
        raise invalid_value(f"A resource has at most {TAGS_MAX} tags.")
    return tags


def tag_list(tags: Tags) -> list[dict[str, str]]:
    """Return tags as AWS answers them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def add_tags_to_resource(request: Request) -> Answer:
    """Add tags, or give existing ones another value."""
    tags = _tags_of(request)
    checked(tags | read_tags(request))
    tags.update(read_tags(request))
    return {}


def remove_tags_from_resource(request: Request) -> Answer:
    """Remove tags; those that are not there are no error."""
    tags = _tags_of(request)
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(request: Request) -> Answer:
    """List a resource's tags."""
    return {"TagList": tag_list(_tags_of(request))}


def _tags_of(request: Request) -> Tags:
    arn = Arn.parse(request["ResourceName"])
    if arn is None or (arn.account, arn.region) != (request.region.account, request.region.name):
        raise invalid_value(
            f"{request['ResourceName']!r} does not name a resource of this account and region."
        )
    resource = _resource(request.region, arn)
    if resource is None:
        raise _not_found(arn)
    tags: Tags = resource.tags
    return tags


def _resource(region: Region, arn: Arn) -> Any:
    shelves: dict[str, dict[str, Any]] = {
        arns.CLUSTER: region.clusters,
        arns.INSTANCE: region.instances,
        arns.SNAPSHOT: region.snapshots,
        arns.CLUSTER_ENDPOINT: region.custom_endpoints,
        arns.SUBNET_GROUP: region.subnet_groups,
        arns.CLUSTER_PARAMETER_GROUP: region.cluster_parameter_groups,
        arns.PARAMETER_GROUP: region.parameter_groups,
    }
    return shelves.get(arn.kind, {}).get(arn.identifier)


def _not_found(arn: Arn) -> RdsError:
    """Return the fault for a kind of resource.

    The tag actions model `DBSnapshotNotFound` for cluster snapshots too.
    """
    if arn.kind == arns.CLUSTER:
        return cluster_not_found(arn.identifier)
    if arn.kind == arns.INSTANCE:
        return instance_not_found(arn.identifier)
    if arn.kind == arns.SNAPSHOT:
        return RdsError("DBSnapshotNotFound", f"DBClusterSnapshot {arn.identifier} not found.")
    return invalid_value(f"{arn} does not name an existing resource.")

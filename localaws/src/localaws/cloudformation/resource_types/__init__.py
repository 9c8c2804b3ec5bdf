"""The resource types that localaws makes from templates. Every other is refused by name."""

from typing import Final

from localaws.cloudformation.resource_type import ResourceType
from localaws.cloudformation.resource_types import (
    buckets,
    cloudwatch,
    events,
    functions,
    queues,
    roles,
    secrets,
    tables,
    topics,
)

RESOURCE_TYPES: Final[dict[str, ResourceType]] = {
    known.type: known
    for module in (buckets, events, functions, queues, roles, secrets, tables, topics, cloudwatch)
    for known in module.RESOURCE_TYPES
}

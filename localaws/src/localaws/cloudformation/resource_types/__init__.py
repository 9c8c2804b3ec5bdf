"""The resource types that templates may have: one module a service, which lists its types.

Each says which properties it honours and makes, changes and deletes the resource through the
service's own API, by the clients that it is given. Every other type is refused by name.
"""

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

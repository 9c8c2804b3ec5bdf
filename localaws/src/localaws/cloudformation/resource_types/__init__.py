"""The resource types that localaws makes from templates. Every other is refused by name."""

from typing import Final

from localaws.cloudformation.resource_type import Kind
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

KINDS: Final[dict[str, Kind]] = {
    one.type: one
    for module in (buckets, events, functions, queues, roles, secrets, tables, topics, cloudwatch)
    for one in module.KINDS
}

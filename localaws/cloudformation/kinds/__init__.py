"""The resource types that localaws makes from templates. Every other is refused by name."""

from typing import Final

from localaws.cloudformation.kind import Kind
from localaws.cloudformation.kinds import buckets, events, functions, queues, roles, secrets, tables, topics, watching

KINDS: Final[dict[str, Kind]] = {
    one.type: one
    for module in (buckets, events, functions, queues, roles, secrets, tables, topics, watching)
    for one in module.KINDS
}

"""The tags that the new target gets from the old one: not AWS's, not ours, not EXTRA_TAGS."""

from collections.abc import Collection, Mapping
from contextlib import suppress

from chalicelib.flow.errors import UnreadableRecordError
from chalicelib.flow.extra_tags import RESERVED
from chalicelib.flow.ownership import OPERATION_TAG
from chalicelib.ports import Ports
from chalicelib.records.targets import TargetRecord

Tag = tuple[str, str]


def tags_of_plan(tags: Mapping[str, str], record: TargetRecord, ports: Ports) -> frozenset[Tag]:
    """Give the EXTRA_TAGS that a cluster or an endpoint was made with, as far as records tell.

    A rerun of the operation that made it may have had others.
    """
    root_id = tags.get(OPERATION_TAG)
    found: set[Tag] = set()
    for operation_id in filter(None, (root_id, record.last_success_operation)):
        with suppress(UnreadableRecordError):
            maker = ports.operations.read(operation_id)
            if maker and maker.root_id == root_id:
                found |= maker.plan.target.tags.items()
    return frozenset(found)


def own_tags(tags: Mapping[str, str], put: Collection[Tag] = frozenset()) -> dict[str, str]:
    """Leave out the tags that AWS or this application sets, and those that a setting put there."""
    return {
        key: value
        for key, value in tags.items()
        if not key.lower().startswith(RESERVED) and (key, value) not in put
    }

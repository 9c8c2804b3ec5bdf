"""The names of the target's clusters, and which target a cluster or an instance may be of."""

import re

_CLUSTER_SUFFIX = re.compile(r"-(?:next|previous|a|b)$")
_INSTANCE_SUFFIX = re.compile(r"(?:-[0-9a-f]{6})?-\d+$")


def swap_names(cluster_id: str) -> tuple[str, str]:
    """Name the new cluster before a swap, and the old one after it."""
    return f"{cluster_id}-next", f"{cluster_id}-previous"


def pointed_names(cluster_id: str) -> tuple[str, str]:
    """Name the two clusters that take turns as the target where pointers lead to it."""
    return f"{cluster_id}-a", f"{cluster_id}-b"


def targets_of_cluster(name: str) -> list[str]:
    """Name the targets that a cluster may be of: it is one itself, or has its name and a suffix."""
    return [*dict.fromkeys((name, _CLUSTER_SUFFIX.sub("", name)))]


def targets_of_instance(name: str) -> list[str]:
    """Name the targets that an instance may be of, by the names that the app gives; or none.

    Those are `<target>-<number>`, or `<target>-<digits>-<number>`. An instance with another name
    came with an adopted target and is only ever deleted; the event of its cluster follows.
    """
    if not _INSTANCE_SUFFIX.search(name):
        return []
    return [*dict.fromkeys((name.rpartition("-")[0], _INSTANCE_SUFFIX.sub("", name)))]

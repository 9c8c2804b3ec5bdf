"""The data behind snapshots: there from the moment the data plane has it, and forgotten exactly once."""

from localaws.aurora.records import Snapshot
from localaws.aurora.world import World

_WITHOUT_DATA = frozenset({"deleted", "failed"})


def keep(world: World, snapshot: Snapshot) -> None:
    """Note that the data plane has a snapshot's data.

    Forget it at once if the snapshot is gone meanwhile.
    """
    snapshot.has_data = True
    if snapshot.status in _WITHOUT_DATA:
        forget(world, snapshot)


def forget(world: World, snapshot: Snapshot) -> None:
    """Let the data plane forget a snapshot's data if it has it."""
    if snapshot.has_data:
        snapshot.has_data = False
        world.perform(lambda: world.data.delete_snapshot(snapshot.key))

"""The data behind snapshots, forgotten exactly once."""

from localaws.aurora.records import Snapshot
from localaws.aurora.state import AuroraState

_WITHOUT_DATA = frozenset({"deleted", "failed"})


def keep(state: AuroraState, snapshot: Snapshot) -> None:
    """Note that the data plane has a snapshot's data.

    Forget it at once if the snapshot is gone meanwhile.
    """
    snapshot.has_data = True
    if snapshot.status in _WITHOUT_DATA:
        forget(state, snapshot)


def forget(state: AuroraState, snapshot: Snapshot) -> None:
    """Let the data plane forget a snapshot's data if it has it."""
    if snapshot.has_data:
        snapshot.has_data = False
        state.perform(lambda: state.data.delete_snapshot(snapshot.key))

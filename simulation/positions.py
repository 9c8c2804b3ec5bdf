"""What stands under which name: told to the checker when it changes, and shown late on request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from localaws.aurora.records import Cluster
from localaws.aurora.state import Region

from simulation.history import Holder, Stood
from simulation.settings import ACCOUNT, TARGET_REGION
from simulation.stage import IdleStage

# In these a cluster answers its clients; a change or a backup interrupts nobody.
SERVING = frozenset(
    {"available", "backing-up", "modifying", "renaming", "resetting-master-credentials"}
)
_GONE = frozenset({"creating", "deleting", "failed"})  # statuses of an instance that is no use


class Positions:
    """The clusters of the target's region, as they are and as they were before the last change.

    While it is frozen, descriptions of clusters show what stood when that began.
    """

    def __init__(self, stage: IdleStage, see: Callable[[Stood], None]) -> None:
        self._stage, self._see = stage, see
        self._holders: dict[str, Holder] = {}
        self._now: dict[str, Cluster] = {}
        self._before: dict[str, Cluster] = {}
        self._frozen: dict[str, Cluster] | None = None

    def look(self) -> None:
        """See what stands, and tell it if it has changed."""
        region = self._region
        holders = {name: _holder(region, found) for name, found in region.clusters.items()}
        if holders == self._holders:
            return
        self._holders, self._before = holders, self._now
        self._now = {name: replace(found) for name, found in region.clusters.items()}
        self._see(Stood(self._stage.clock.now(), TARGET_REGION, holders))

    @property
    def are_changing(self) -> bool:
        """Tell whether a rename is under way."""
        return any(found.renamed_to for found in self._region.clusters.values())

    def freeze(self) -> None:
        """Show from now on what stands now."""
        self._frozen = {name: replace(found) for name, found in self._region.clusters.items()}

    def thaw(self) -> None:
        """Show what stands, again."""
        self._frozen = None

    @contextmanager
    def shown(self, *, stale: bool) -> Iterator[None]:
        """Let a description show what is shown now, or what stood before the last change."""
        past = self._before if stale else self._frozen
        if past is None:
            yield
            return
        region = self._region
        present = region.clusters
        region.clusters = past
        try:
            yield
        finally:
            region.clusters = present

    @property
    def _region(self) -> Region:
        return self._stage.aurora._state.region(ACCOUNT, TARGET_REGION)  # noqa: SLF001 # no call, no time


def _holder(region: Region, cluster: Cluster) -> Holder:
    instances = [region.instances[name] for name in cluster.members if name in region.instances]
    serves = any(instance.status not in _GONE for instance in instances)
    return Holder(cluster.resource_id, cluster.status, serves and cluster.status in SERVING)

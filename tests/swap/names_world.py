"""A small world of clusters and names, in which renames take time and answers may be stale."""

from dataclasses import dataclass, field, replace

from chalicelib.aws.rds import Cluster, ClusterSettings
from chalicelib.target.swap import Move, Names, Positions

TARGET, NEXT, PREVIOUS = "staging", "staging-next", "staging-previous"
OLD, NEW, THIRD = "cluster-OLD", "cluster-NEW", "cluster-THIRD"
NAMES = Names(TARGET, waiting=NEXT, parking=PREVIOUS)
LAG, RENAME = 1, 3  # ticks in which a rename does not show, and until it is done
SUBJECTS = {
    Move.START_OLD: OLD,
    Move.PARK_OLD: OLD,
    Move.NAME_OLD: OLD,
    Move.START_NEW: NEW,
    Move.PARK_NEW: NEW,
    Move.NAME_NEW: NEW,
}
NEW_NAMES = {
    Move.PARK_OLD: PREVIOUS,
    Move.NAME_OLD: TARGET,
    Move.PARK_NEW: NEXT,
    Move.NAME_NEW: TARGET,
}


@dataclass
class Standing:
    """One cluster: its name, its status, and the name that it is getting."""

    name: str
    status: str = "available"
    getting: str | None = None
    ticks: int = 0

    @property
    def shown_status(self) -> str:
        """The status as AWS tells it: a rename shows only after a while."""
        return "renaming" if self.getting and self.ticks >= LAG else self.status


@dataclass
class World:
    """What exists, and what AWS refused."""

    clusters: dict[str, Standing] = field(default_factory=dict)
    refused: int = 0

    def holder(self, name: str) -> str | None:
        """Give the resource id of the cluster that has a name."""
        return next((found for found, it in self.clusters.items() if it.name == name), None)

    def is_taken(self, name: str) -> bool:
        """Tell whether a cluster has a name, or is getting it."""
        return any(name in (it.name, it.getting) for it in self.clusters.values())

    def look(self, *, old_id: str | None = OLD) -> Positions:
        """Show everything as it is now."""
        return Positions(
            NAMES,
            old_id,
            NEW,
            old=self._shown(OLD) if old_id else None,
            new=self._shown(NEW),
            at_target=self.holder(TARGET),
            at_parking=self.holder(PREVIOUS),
        )

    def _shown(self, resource_id: str) -> Cluster | None:
        found = self.clusters.get(resource_id)
        if found is None:
            return None
        return replace(
            CLUSTER, identifier=found.name, resource_id=resource_id, status=found.shown_status
        )

    def make(self, move: Move, seen: Positions) -> None:
        """Do what a move asks, by the names that were seen, as AWS would; or refuse it."""
        if move not in SUBJECTS:
            return
        cluster = seen.old if SUBJECTS[move] == OLD else seen.new
        named = self.holder(cluster.identifier) if cluster else None
        if named is None:
            self.refused += 1
        elif move in (Move.START_OLD, Move.START_NEW):
            found = self.clusters[named]
            found.status = "available" if found.status == "stopped" else found.status
        else:
            self._rename(named, NEW_NAMES[move])

    def _rename(self, resource_id: str, to: str) -> None:
        found = self.clusters[resource_id]
        if self.is_taken(to) or found.getting or found.status != "available":
            self.refused += 1
            return
        found.getting, found.ticks = to, 0

    def tick(self) -> None:
        """Let time pass."""
        for resource_id, found in [*self.clusters.items()]:
            if found.getting:
                found.ticks += 1
                if found.ticks >= RENAME:
                    found.name, found.getting = found.getting, None
            elif found.status == "deleting":
                found.ticks += 1
                if found.ticks >= RENAME:
                    del self.clusters[resource_id]


CLUSTER = Cluster(
    arn="",
    identifier="",
    resource_id="",
    engine_version="",
    status="",
    endpoint=None,
    reader_endpoint=None,
    port=None,
    members=(),
    writer=None,
    pending_reboot=frozenset(),
    protected=False,
    global_cluster=None,
    replicates=None,
    password_pending=False,
    managed_secret=None,
    master_username="",
    settings=ClusterSettings.of({}),
    roles=(),
    domains=(),
    activity_stream=None,
    tags={},
)

"""Where the old and the new cluster are, and the one next move of a swap or of its rollback.

Clusters are known by resource id, because a rename changes everything else that names them. The
moves follow from what AWS shows at the moment and from nothing that was noted before: a move that
was lost, doubled or refused is decided again.

A rename shows for some seconds as `available`, then as `renaming` under the old name; the new name
is not found until it is done (seen by public scripts that rename clusters).
"""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import Health, health, is_lost, is_unusable

STOPPED, RENAMING = "stopped", "renaming"


class Move(StrEnum):
    """What a swap does next."""

    WAIT = "wait"
    START_OLD = "start the old cluster"  # a stopped cluster cannot be renamed
    START_NEW = "start the new cluster"
    PARK_OLD = "rename the old cluster to its other name"
    NAME_NEW = "rename the new cluster to the target's name"
    PARK_NEW = "rename the new cluster to its other name"
    NAME_OLD = "rename the old cluster to the target's name"
    DONE = "done"
    GIVE_UP = "give up"


@dataclass(frozen=True)
class Names:
    """The names of a swap: the target's, that of the new cluster before, of the old one after.

    `old` and `new` are what people call the two clusters.
    """

    target: str
    waiting: str
    parking: str
    old: str = "old cluster"
    new: str = "new cluster"


@dataclass(frozen=True)
class Positions:
    """What AWS shows: the two clusters by resource id, and who has the names.

    `old` and `new` are None where the cluster is not found, which may be a stale answer;
    `old_id` is None where there was no target. `at_target` and `at_parking` are resource ids.
    """

    names: Names
    old_id: str | None
    new_id: str
    old: Cluster | None
    new: Cluster | None
    at_target: str | None
    at_parking: str | None

    @property
    def third(self) -> str | None:
        """The resource id of another cluster that has the target's name."""
        ours = (self.old_id, self.new_id, None)
        return None if self.at_target in ours else self.at_target

    @property
    def is_moving(self) -> bool:
        """Tell whether one of the clusters is being renamed."""
        return any(cluster and cluster.status == RENAMING for cluster in (self.old, self.new))

    @property
    def is_stale(self) -> bool:
        """Tell whether two answers contradict each other: one of them is out of date."""
        return any(
            cluster is not None
            and (cluster.identifier == self.names.target) != (self.at_target == resource_id)
            for cluster, resource_id in ((self.old, self.old_id), (self.new, self.new_id))
        )

    def has_name(self, cluster: Cluster | None) -> bool:
        """Tell whether a cluster has the target's name, by both answers."""
        return (
            cluster is not None
            and cluster.identifier == self.names.target
            and self.at_target == cluster.resource_id
        )

    def __str__(self) -> str:
        """Say what is where, for people who may have to finish a swap by hand."""
        names = self.names
        old = [] if self.old_id is None else [_where(f"the {names.old}", self.old_id, self.old)]
        new = _where(f"the {names.new}", self.new_id, self.new)
        third = f"a third cluster, {self.third}, has the name {self.names.target}"
        nobody = f"no cluster has the name {self.names.target}"
        others = (self.old_id, self.new_id, None)
        parked = f"another cluster, {self.at_parking}, has the name {self.names.parking}"
        parking = parked if self.at_parking not in others else ""
        name = third if self.third else nobody if self.at_target is None else ""
        return "; ".join(filter(None, [*old, new, name, parking]))


def _where(what: str, resource_id: str, cluster: Cluster | None) -> str:
    if cluster is None:
        return f"{what} {resource_id} is not found"
    at = f" at {cluster.endpoint}" if cluster.endpoint else ""
    return f"{what} {resource_id} is {cluster.identifier}, {cluster.status}{at}"


def next_move(seen: Positions) -> Move:
    """Give the next move of a swap: the old cluster leaves the name, the new one takes it.

    GIVE_UP means that the old one has to get its name back, or keeps it.
    """
    if seen.third or (seen.new and is_lost(seen.new.status)):
        return Move.GIVE_UP
    if seen.new is None or seen.is_stale:
        return Move.WAIT
    if seen.new.status == STOPPED:
        return Move.START_NEW
    if seen.has_name(seen.new):
        return Move.DONE if _is_ready(seen.new) else Move.WAIT
    if seen.at_target is None:
        return Move.NAME_NEW if _is_ready(seen.new) else Move.WAIT
    return _park_old(seen)


def _park_old(seen: Positions) -> Move:
    """Free the name that the old cluster has, once the new one could take it."""
    if seen.new is None or not _is_ready(seen.new):
        return Move.WAIT
    is_free = seen.at_parking in (None, seen.old_id)
    move = Move.PARK_OLD if is_free else Move.WAIT
    # A lost one could not be brought back.
    return _rename(seen.old, move, start=Move.START_OLD, lost=Move.GIVE_UP)


def next_move_back(seen: Positions, *, old_is_gone: bool, is_settled: bool) -> Move:
    """Give the next move of a rollback: the new cluster leaves the name, the old one takes it.

    Where the old one is gone for good or cannot be used, the new one keeps the name or gets it:
    somebody's is better than nobody's. Where a third cluster has the name, nothing is moved. Until
    the answers have settled, a rename that was asked for before may not show yet.
    """
    if seen.third:
        return Move.DONE
    if seen.is_stale:
        return Move.WAIT
    if seen.old_id is None:
        return _park_new(seen) if seen.at_target else Move.DONE
    if seen.old is None:
        return _without_old(seen) if old_is_gone else Move.WAIT
    if is_unusable(seen.old.status):
        return _without_old(seen) if is_settled else Move.WAIT
    return _name_old(seen, seen.old, is_settled=is_settled)


def _name_old(seen: Positions, old: Cluster, *, is_settled: bool) -> Move:
    """Give a usable old cluster the name, which the new one leaves only for one that is ready."""
    if seen.has_name(old):
        is_leaving = old.status == RENAMING or not is_settled
        return Move.WAIT if is_leaving else Move.DONE
    move = _rename(old, Move.NAME_OLD, start=Move.START_OLD, lost=Move.WAIT)
    return _park_new(seen) if seen.at_target and move is Move.NAME_OLD else move


def _park_new(seen: Positions) -> Move:
    return _rename(seen.new, Move.PARK_NEW, start=Move.START_NEW, lost=Move.DONE)


def _without_old(seen: Positions) -> Move:
    if seen.new is None or is_unusable(seen.new.status):
        return Move.DONE
    if seen.new.status == STOPPED:
        return Move.START_NEW
    if seen.at_target:
        return Move.WAIT if seen.is_moving else Move.DONE
    return Move.NAME_NEW if _is_ready(seen.new) else Move.WAIT


def _rename(cluster: Cluster | None, move: Move, *, start: Move, lost: Move) -> Move:
    """Rename a cluster once it is available; one that is being deleted frees its name by itself."""
    if cluster is None or cluster.status == "deleting":
        return Move.WAIT
    if cluster.status == STOPPED:
        return start
    if is_lost(cluster.status):
        return lost
    return move if _is_ready(cluster) else Move.WAIT


def _is_ready(cluster: Cluster) -> bool:
    return health(cluster.status) is Health.READY

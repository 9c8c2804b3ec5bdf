"""The commands with which people give a cluster the target's name, or delete one in the way.

AWS gives another name to an available cluster only; a failed one it deletes (Aurora user guide).
"""

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from chalicelib.aws.rds import Cluster, Health, health, is_lost
from chalicelib.target.swap import Positions


def by_hand(seen: Positions, region: str) -> str:
    """Give the commands: for the old cluster, or for the new one if the old is lost at the name.

    There are none where neither needs the name, or could get it.
    """
    old, new = seen.old, seen.new
    if seen.third:
        return ""
    if _could_have(old, seen):
        at_name = new if seen.at_target == seen.new_id else None
        commands = _commands(at_name, old, seen, region)
        return f"To give the {seen.names.old} its name back: {commands}"
    lost = old is not None and is_lost(old.status) and seen.has_name(old)
    if lost and _could_have(new, seen):
        return f"To give the {seen.names.new} the name: {_commands(old, new, seen, region)}"
    return ""


def deleted_by_hand(cluster: Cluster, region: str) -> str:
    """Give the commands that delete a cluster with its instances."""
    return _typed(_deleting(cluster), region)


def renamed_by_hand(cluster: Cluster, name: str, region: str) -> str:
    """Give the command that gives a cluster another name."""
    return _typed([_renaming(cluster.identifier, name)], region)


def _could_have(cluster: Cluster | None, seen: Positions) -> TypeGuard[Cluster]:
    """Tell whether a cluster lives under another name than the target's."""
    if cluster is None or cluster.identifier == seen.names.target:
        return False
    return health(cluster.status) is Health.READY


def _commands(at_name: Cluster | None, wanted: Cluster, seen: Positions, region: str) -> str:
    steps = [*_freeing(at_name, seen.names.waiting)] if at_name else []
    steps.append(_renaming(wanted.identifier, seen.names.target))
    return _typed(steps, region)


def _typed(steps: Iterable[str], region: str) -> str:
    return "; ".join(f"aws rds {step} --region {region}" for step in steps)


def _freeing(at_name: Cluster, waiting: str) -> Iterator[str]:
    """Free the target's name: of a new cluster, which can be restored again, or of a lost one."""
    name = at_name.identifier
    if health(at_name.status) is not Health.TERMINAL:
        yield _renaming(name, waiting)
        yield f"wait db-cluster-available --db-cluster-identifier {waiting}"
        return
    yield from _deleting(at_name)


def _deleting(cluster: Cluster) -> Iterator[str]:
    name = cluster.identifier
    if cluster.protected:
        protection = "--no-deletion-protection --apply-immediately"
        yield f"modify-db-cluster --db-cluster-identifier {name} {protection}"
    if cluster.status != "deleting":
        for member in cluster.members:
            yield f"delete-db-instance --db-instance-identifier {member} --skip-final-snapshot"
        yield f"delete-db-cluster --db-cluster-identifier {name} --skip-final-snapshot"
    yield f"wait db-cluster-deleted --db-cluster-identifier {name}"


def _renaming(name: str, to: str) -> str:
    names = f"--db-cluster-identifier {name} --new-db-cluster-identifier {to}"
    return f"modify-db-cluster {names} --apply-immediately"

"""The commands with which people give a cluster the target's name, or delete one in the way.

AWS gives another name to an available cluster only; a failed one it deletes (Aurora user guide).
Until a rename is done, the new name is not found and the old one is (see `swap`): so what waits for
a name to be free waits for its cluster to be gone.
"""

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from chalicelib.aws.rds import Cluster
from chalicelib.aws.statuses import RECOVERABLE, Health, health, is_unusable
from chalicelib.target.swap import STOPPED, Positions

STARTABLE = (STOPPED, RECOVERABLE)  # the latter once its key is enabled (user guide)
ENABLING = ("enable-http-endpoint",)
RENEWING = ("disable-http-endpoint", *ENABLING)  # after a rename (user guide)


def by_hand(seen: Positions, region: str, *, data_api: bool = False) -> str:
    """Give the commands: for the old cluster, or for the new one where the old cannot be used.

    There are none where neither needs the name, or could get it. `data_api` says that the old one
    has the Data API.
    """
    old, new = seen.old, seen.new
    if seen.third:
        return ""
    is_lost = seen.old_id is not None and (old is None or is_unusable(old.status))
    if is_lost and _could_have(new, seen):
        at_name = old if old and seen.has_name(old) else None
        commands = _commands(at_name, new, seen, region)
        return f"To give the {seen.names.new} the name{_once_usable(at_name)}: {commands}"
    if _could_have(old, seen):
        at_name = new if seen.at_target == seen.new_id else None
        commands = _commands(at_name, old, seen, region)
        if data_api:
            arn = f"{old.arn.removesuffix(old.identifier)}{seen.names.target}"
            renewal = [_deleted(old.identifier), *_switching(arn, RENEWING)]
            commands = f"{commands}; {_typed(renewal, region)}"
        return f"To give the {seen.names.old} its name back{_once_usable(old)}: {commands}"
    if not is_lost or not seen.has_name(new):
        return ""
    return (
        f"The {seen.names.old} cannot be used, so the {seen.names.new} has the name: find out "
        "whether people can use that one."
    )


def _once_usable(cluster: Cluster | None) -> str:
    """Say which key has to be enabled before AWS takes a cluster's commands."""
    if cluster is None or cluster.status != RECOVERABLE:
        return ""
    key = " ".join(filter(None, ("its key", cluster.settings.kms_key_arn)))
    return f", once {key} is enabled"


def switched_by_hand(cluster: Cluster, region: str, verbs: Iterable[str]) -> str:
    """Give the commands that enable a cluster's Data API, or renew it."""
    return _typed(_switching(cluster.arn, verbs), region)


def protected_by_hand(cluster: Cluster, region: str) -> str:
    """Give the command that protects a cluster against its deletion."""
    protection = "--deletion-protection --apply-immediately"
    step = f"modify-db-cluster --db-cluster-identifier {cluster.identifier} {protection}"
    return _typed([step], region)


def deleted_by_hand(cluster: Cluster, region: str) -> str:
    """Give the commands that delete a cluster with its instances."""
    return _typed(_deleting(cluster), region)


def named_by_hand(
    cluster: Cluster, name: str, region: str, *, holder: Cluster | None, parking: str
) -> str:
    """Give the commands that give a cluster a name; another one that has it is parked before."""
    freeing = _freeing(holder, parking) if holder else ()
    return _typed([*_available(cluster), *freeing, _renaming(cluster.identifier, name)], region)


def _could_have(cluster: Cluster | None, seen: Positions) -> TypeGuard[Cluster]:
    """Tell whether a cluster lives, or can be started, under another name than the target's."""
    if cluster is None or cluster.identifier == seen.names.target:
        return False
    return health(cluster.status) is Health.READY or cluster.status in STARTABLE


def _commands(at_name: Cluster | None, wanted: Cluster, seen: Positions, region: str) -> str:
    name, waiting = seen.names.target, seen.names.waiting
    return named_by_hand(wanted, name, region, holder=at_name, parking=waiting)


def _typed(steps: Iterable[str], region: str) -> str:
    return "; ".join(f"aws rds {step} --region {region}" for step in steps)


def _freeing(at_name: Cluster, parking: str) -> Iterator[str]:
    """Free a cluster's name: the cluster gets another one, or is deleted where it is lost."""
    if health(at_name.status) is Health.TERMINAL:
        yield from _deleting(at_name)
        return
    yield from _available(at_name)
    yield _renaming(at_name.identifier, parking)
    yield _deleted(at_name.identifier)


def _available(cluster: Cluster) -> Iterator[str]:
    """Make a cluster available, and wait for that."""
    name = cluster.identifier
    if cluster.status in STARTABLE:
        yield f"start-db-cluster --db-cluster-identifier {name}"
    if cluster.status != "available":
        yield f"wait db-cluster-available --db-cluster-identifier {name}"


def _deleting(cluster: Cluster) -> Iterator[str]:
    name = cluster.identifier
    if cluster.status == STOPPED:  # AWS deletes none that is stopped
        yield from _available(cluster)
    if cluster.protected:
        protection = "--no-deletion-protection --apply-immediately"
        yield f"modify-db-cluster --db-cluster-identifier {name} {protection}"
    if cluster.status != "deleting":
        for member in cluster.members:
            yield f"delete-db-instance --db-instance-identifier {member} --skip-final-snapshot"
        yield f"delete-db-cluster --db-cluster-identifier {name} --skip-final-snapshot"
    yield _deleted(name)


def _deleted(name: str) -> str:
    """Wait until a cluster is gone, or has another name."""
    return f"wait db-cluster-deleted --db-cluster-identifier {name}"


def _switching(arn: str, verbs: Iterable[str]) -> Iterator[str]:
    yield from (f"{verb} --resource-arn {arn}" for verb in verbs)


def _renaming(name: str, to: str) -> str:
    names = f"--db-cluster-identifier {name} --new-db-cluster-identifier {to}"
    return f"modify-db-cluster {names} --apply-immediately"

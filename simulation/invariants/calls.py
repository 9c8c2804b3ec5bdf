"""What a call of the RDS API changes, makes and shows, as names.

A name is region, kind and identifier, as in an ARN.

A name has no account: a plan's source and target are clusters of one account.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.flow.choreography import SOURCE_PREFIX, STEPS
from simulation.history import Called

READING = ("Describe", "List", "Download")
FUNCTIONS = frozenset({*STEPS, "heartbeat", "cancel-restore"})
_KINDS = {  # how a parameter's name ends: what kind of resource it names
    "DBClusterSnapshotIdentifier": "cluster-snapshot",
    "DBClusterIdentifier": "cluster",
    "DBClusterEndpointIdentifier": "cluster-endpoint",
    "DBInstanceIdentifier": "db",
}
_NAMED_BY_ARN = ("ResourceName", "ResourceArn")
_MAKING = {  # what each of these makes; everything else they name exists already
    "RestoreDBClusterFromSnapshot": "DBClusterIdentifier",
    "CreateDBInstance": "DBInstanceIdentifier",
    "CreateDBClusterEndpoint": "DBClusterEndpointIdentifier",
    "CopyDBClusterSnapshot": "TargetDBClusterSnapshotIdentifier",
    "CreateDBClusterSnapshot": "DBClusterSnapshotIdentifier",
    "CreateDBCluster": "DBClusterIdentifier",
}
_SHOWN = {"DBCluster": "cluster", "DBInstance": "db", "DBClusterSnapshot": "cluster-snapshot"}
_ARN_PARTS = 7


@dataclass(frozen=True)
class Named:
    """The name of one resource; lower case, as RDS keeps them."""

    region: str
    kind: str
    identifier: str

    def __str__(self) -> str:
        return f"{self.kind} {self.identifier} in {self.region}"


@dataclass(frozen=True)
class Shown:
    """One resource as an answer shows it."""

    named: Named
    details: Mapping[str, Any]


def name(value: str, kind: str, region: str) -> Named:
    """Read an identifier or ARN; snapshot names may hold a colon (`rds:...`)."""
    parts = value.lower().split(":", _ARN_PARTS - 1)
    if parts[0] == "arn" and len(parts) == _ARN_PARTS:
        return Named(parts[3], parts[5], parts[6])
    return Named(region, kind, value.lower())


def is_change(call: Called) -> bool:
    """Tell whether a call asks RDS to change something."""
    return call.service == "rds" and not call.action.startswith(READING)


def is_effect(call: Called) -> bool:
    """Tell whether a call did change something."""
    return is_change(call) and call.error is None


def is_ours(call: Called, stage: str) -> bool:
    """Tell whether one of the stage's own functions made a call.

    People's calls break none of our invariants.
    """
    return (
        call.operation_id is not None
        or call.by.removeprefix(f"{SOURCE_PREFIX}-{stage}-") in FUNCTIONS
    )


def changed(call: Called) -> tuple[Named, ...]:
    """Name everything that a call may change. What parameters called `Source...` name is only read.

    The cluster of a new instance counts as changed; the snapshot of a restore
    (`SnapshotIdentifier`) and the name that a cluster is to get do not.
    """
    return tuple(_changed(call))


def _changed(call: Called) -> Iterator[Named]:
    for parameter, value in call.parameters.items():
        kind = next((kind for ending, kind in _KINDS.items() if parameter.endswith(ending)), None)
        if parameter in _NAMED_BY_ARN:
            yield name(str(value), "resource", call.region)
        elif kind and not parameter.startswith(("Source", "New")):
            yield name(str(value), kind, call.region)


def new_name(call: Called) -> Named | None:
    """Give the name that a call asks for a cluster, None where it renames nothing."""
    wanted = call.parameters.get("NewDBClusterIdentifier")
    return name(str(wanted), "cluster", call.region) if wanted else None


def resource_id(call: Called) -> str | None:
    """Give the immutable id of the cluster that an answer shows."""
    details = (found.details for found in shown(call) if found.named.kind == "cluster")
    ids = (str(found["DbClusterResourceId"]) for found in details if "DbClusterResourceId" in found)
    return next(ids, None)


def made(call: Called) -> Named | None:
    """Name what a call makes, None where it makes nothing."""
    parameter = _MAKING.get(call.action)
    if parameter is None or parameter not in call.parameters:
        return None
    kind = next(kind for ending, kind in _KINDS.items() if parameter.endswith(ending))
    return name(str(call.parameters[parameter]), kind, call.region)


def shown(call: Called) -> Iterator[Shown]:
    """List what an answer shows: one resource, or those of a list."""
    for member, kind in _SHOWN.items():
        resource = call.answer.get(member)
        for details in [
            *([resource] if isinstance(resource, Mapping) else []),
            *call.answer.get(f"{member}s", []),
        ]:
            identifier = details.get(f"{member}Arn") or details.get(f"{member}Identifier")
            if identifier:
                yield Shown(name(str(identifier), kind, call.region), details)


def tags(found: Any) -> dict[str, str]:
    """Read a list of tags."""
    return {str(tag.get("Key")): str(tag.get("Value", "")) for tag in found or ()}

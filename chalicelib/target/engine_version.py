"""The engine version of the new cluster: the snapshot's, or a higher one of its major version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.client import Service
from chalicelib.aws.rds import ENGINE
from chalicelib.flow.engine_versions import is_lower, major, numbers
from chalicelib.flow.errors import BeyondSettingsError, RefusedError, Retry
from chalicelib.flow.plan import Plan

MAJOR_MIN = 14  # of PostgreSQL: the statements for users need its syntax
Offer = Mapping[str, Any]


@dataclass(frozen=True)
class EngineVersion:
    """The version that the new cluster is restored with."""

    value: str
    is_offered: bool = False  # to new clusters; that of a snapshot may be deprecated
    logs: frozenset[str] = frozenset()  # that can be exported; empty where AWS does not say
    warning: str | None = None

    @property
    def major(self) -> str:
        """The major version."""
        return major(self.value)


def new_version(rds: Service, plan: Plan, of_snapshot: str) -> EngineVersion:
    """Choose the version: ENGINE_VERSION, the snapshot's, or the lowest one that can be created.

    Raises RefusedError where a restore could not have it.
    """
    if int(major(of_snapshot) or 0) < MAJOR_MIN:
        raise BeyondSettingsError(
            f"The snapshot is of PostgreSQL {of_snapshot}; the users can be set up from version "
            f"{MAJOR_MIN} on.",
            f"Upgrade production to version {MAJOR_MIN} or later.",
            retry=Retry.LATER_SNAPSHOT,
        )
    offered = _offers(rds, DBParameterGroupFamily=f"{ENGINE}{major(of_snapshot)}")
    known = _offers(rds, EngineVersion=of_snapshot, IncludeAll=True).get(of_snapshot)
    wanted, choices = plan.target.engine_version, _choices(known, of_snapshot, offered)
    if wanted and choices:
        _refuse_other(wanted, of_snapshot, plan, choices)
        return _chosen(wanted, offered, known)
    if known is None:
        raise BeyondSettingsError(
            f"{plan.target.region} does not offer {ENGINE} {of_snapshot}, which the snapshot is "
            "of.",
            "Upgrade production to a version that is offered there, or restore into a region that "
            "offers this one.",
            retry=Retry.LATER_SNAPSHOT,
        )
    higher = [] if of_snapshot in offered else _upgrades(known, offered)
    if not higher:  # of a deprecated one: AWS may still restore its snapshots
        return _chosen(of_snapshot, offered, known)
    warning = (
        f"{plan.target.region} creates no more clusters of version {of_snapshot}, which the "
        f"snapshot is of. The new cluster has {higher[0]}, the lowest version that it can be "
        "upgraded to."
    )
    return _chosen(higher[0], offered, known, warning)


def _refuse_other(wanted: str, of_snapshot: str, plan: Plan, choices: list[str]) -> None:
    """Raise RefusedError for an ENGINE_VERSION that a restore of the snapshot cannot have."""
    if wanted in choices:
        return
    if major(wanted) != major(of_snapshot):
        why = "a restore keeps the major version"
    elif is_lower(wanted, of_snapshot):
        why = "a restore cannot have a lower version"
    else:
        why = f"{plan.target.region} offers no upgrade from the one to the other"
    raise RefusedError(
        f"ENGINE_VERSION is {wanted}, and the snapshot is of version {of_snapshot}: {why}.",
        f"Set ENGINE_VERSION to one of {', '.join(choices)}, or remove it.",
    )


def _choices(known: Offer | None, of_snapshot: str, offered: Mapping[str, Offer]) -> list[str]:
    """List what ENGINE_VERSION may be; any higher one where AWS does not know the snapshot's."""
    if known is not None:
        return [of_snapshot, *_upgrades(known, offered)]
    return sorted((one for one in offered if is_lower(of_snapshot, one)), key=numbers)


def _upgrades(known: Offer, offered: Mapping[str, Offer]) -> list[str]:
    """List the versions that one can be upgraded to within its major version, lowest first."""
    targets = (str(target["EngineVersion"]) for target in known.get("ValidUpgradeTarget", ()))
    return sorted((target for target in targets if target in offered), key=numbers)


def _offers(rds: Service, **which: Any) -> Mapping[str, Offer]:
    """Describe versions; without IncludeAll only those that new clusters can have."""
    found = rds.pages("describe_db_engine_versions", "DBEngineVersions", Engine=ENGINE, **which)
    return {str(offer["EngineVersion"]): offer for offer in found}


def _chosen(
    version: str, offered: Mapping[str, Offer], known: Offer | None, warning: str | None = None
) -> EngineVersion:
    offer = offered.get(version) or known or {}
    logs = frozenset(offer.get("ExportableLogTypes") or ())
    return EngineVersion(version, version in offered, logs, warning)

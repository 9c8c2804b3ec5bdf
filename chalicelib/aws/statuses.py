"""The statuses of RDS's snapshots, clusters and instances, and what each means for who waits.

They are those of the Aurora user guide (viewing cluster and instance status).
"""

from enum import Enum

PENDING_REBOOT = "pending-reboot"  # how parameters are that take effect with a reboot
RECOVERABLE = "inaccessible-encryption-credentials-recoverable"  # for seven days (user guide)


class Health(Enum):
    """The meaning of a status for a step that waits."""

    READY = "ready"
    PROGRESSING = "progressing"
    MAY_RECOVER = "may recover"
    TERMINAL = "terminal"


_READY = frozenset({"available", "storage-optimization"})
_PROGRESSING = frozenset(
    {
        "creating",
        "copying",
        "migrating",
        "preparing-data-migration",
        "backing-up",
        "modifying",
        "rebooting",
        "resetting-master-credentials",
        "starting",
        "upgrading",
        "maintenance",
        "renaming",
        "failing-over",
        "promoting",
        "update-iam-db-auth",
        "scaling-compute",
        "scaling-storage",
        "storage-config-upgrade",
    }
)
_TERMINAL = frozenset(
    {
        "failed",
        "inaccessible-encryption-credentials",
        "deleting",
        "deleted",
        "restore-error",
        "insufficient-capacity",
    }
)


def health(status: str) -> Health:
    """Give the meaning of a status; an unknown one may recover, within the deadline."""
    if status in _READY:
        return Health.READY
    if status in _PROGRESSING or status.startswith("configuring-"):
        return Health.PROGRESSING
    if status in _TERMINAL or status.startswith("incompatible-") or status.endswith("-failed"):
        return Health.TERMINAL
    return Health.MAY_RECOVER


def is_unusable(status: str) -> bool:
    """Tell whether a resource of this status is lost, or comes back only if people act."""
    return status == RECOVERABLE or is_lost(status)


def is_lost(status: str) -> bool:
    """Tell whether a resource of this status never comes back."""
    return health(status) is Health.TERMINAL

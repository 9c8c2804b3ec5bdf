"""How long Aurora takes: one number of seconds per step of a life cycle."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Durations:
    """Seconds per step, as large as they commonly are on AWS.

    `scaled` makes a faster world of the same shape.
    """

    snapshot: float = 180
    copy: float = 1200
    snapshot_delete: float = 5
    cluster_create: float = 90
    restore: float = 600
    clone: float = 300
    export_start: float = 300
    export: float = 1800
    export_cancel: float = 60
    cluster_delete: float = 300
    cluster_modify: float = 30
    cluster_stop: float = 300
    cluster_start: float = 420
    endpoint_change: float = 60
    failover: float = 30
    rename_lag: float = 5
    rename: float = 115
    instance_create: float = 480
    instance_configure: float = 60
    instance_modify: float = 300
    instance_reboot: float = 60
    instance_delete: float = 180
    password_reset: float = 60
    status_lag: float = 5

    def scaled(self, factor: float) -> Self:
        """Return durations that are `factor` times shorter; a factor of 1 is AWS's own pace."""
        if factor <= 0:
            raise ValueError(
                f"Durations can be divided by a positive number only, not by {factor}."
            )
        return type(self)(
            **{field.name: getattr(self, field.name) / factor for field in fields(self)}
        )

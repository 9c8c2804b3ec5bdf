"""What the world is, but for times and names that are made up: two worlds of one fingerprint have the same future."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from localaws.aurora import statuses
from localaws.aurora.records import Cluster, Instance

from chalicelib.flow.choreography import TERMINAL
from chalicelib.flow.timestamps import iso_timestamp
from simulation.timeline import spelt

if TYPE_CHECKING:
    from simulation.world import World

_TIMES = frozenset(
    {
        "created_at",
        "entered_at",
        "ended_at",
        "due_at",
        "deadline",
        "lease_until",
        "lease_owner",
        "written_by",
        "durations",
        "active_seconds",
        "waiting_for",
        "attempts",
        "transient_errors",
        "version",
        "settings",
        "facts",
    }
)
_FACT_TIMES = frozenset({"password_set_at", "copy_retry_until", "progress"})


def fingerprint(world: "World") -> int:
    """Give the number of a world.

    Of a moment only its order to now is kept: due, past its deadline, lease live.
    """
    return hash(
        repr(
            (
                sorted(
                    map(
                        repr,
                        (_record(item, world) for item in world.store.tables["state"].values()),
                    )
                ),
                _aurora(world),
                _logins(world),
                list(map(spelt, world.queue)),
                world.waiting,
                sorted(world.deaf),
                _is_to_come(world.silent_until, world),
                _is_to_come(world.throttled_until, world),
            )
        )
    )


def _record(item: dict[str, Any], world: "World") -> Any:
    if "state" not in item:  # a target
        return sorted((key, str(value)) for key, value in item.items() if not key.endswith("_at"))
    if item["state"] in TERMINAL and "open" not in item:
        return (item["operation_id"], item["state"])
    now, facts = iso_timestamp(world.clock.now()), item["facts"]
    return (
        [(key, str(value)) for key, value in sorted(item.items()) if key not in _TIMES],
        [
            (phase, key, str(value))
            for phase, known in sorted(facts.items())
            for key, value in sorted(known.items())
            if key not in _FACT_TIMES
        ],
        "password_set_at" in facts["attempts"],
        item.get("lease_until", "") > now,
        item["deadline"] < now,
        item.get("due_at", "") <= now,
        _left(item, world) // 300,
        min(item.get("transient_errors", 0), 2),
        item.get("attempts", 0) == 0,
    )


def _is_to_come(moment: datetime | None, world: "World") -> bool:
    return moment is not None and moment > world.clock.now()


def _left(item: dict[str, Any], world: "World") -> float:
    """Give the seconds until the deadline: how much of it is left decides how much may still go wrong."""
    return (datetime.fromisoformat(item["deadline"]) - world.clock.now()).total_seconds()


def _aurora(world: "World") -> Any:
    regions = world.aurora._state.regions  # noqa: SLF001 # a look behind the face: no call, no time
    return [
        (
            [
                (
                    one.identifier,
                    one.resource_id,
                    one.status,
                    _shown(one, world),
                    one.members,
                    sorted(one.pending),
                )
                for one in region.clusters.values()
            ],
            [
                (one.identifier, one.status, _shown(one, world), sorted(one.tags.items()))
                for one in region.instances.values()
            ],
            [
                (one.identifier, one.status, sorted(one.tags.items()))
                for one in region.snapshots.values()
            ],
        )
        for _, region in sorted(regions.items())
    ]


def _shown(resource: Cluster | Instance, world: "World") -> str:
    return statuses.shown(world.aurora._state, resource)  # noqa: SLF001 # as above


def _logins(world: "World") -> Any:
    return [
        (
            resource_id,
            [(name, role.can_login, role.password) for name, role in sorted(cluster.roles.items())],
        )
        for resource_id, cluster in sorted(world.data.clusters.items())
    ]

"""What a simulation is, but for times and made-up names: two of one fingerprint go on alike."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from localaws.aurora import statuses
from localaws.aurora.records import Cluster, Instance

from chalicelib.flow.choreography import TERMINAL
from chalicelib.flow.timestamps import iso_timestamp
from simulation.bus import describe

if TYPE_CHECKING:
    from simulation.simulation import Simulation

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
_FACT_TIMES = frozenset({"password_set_at", "copy_retry_until", "progress", "record_change"})


def fingerprint(simulation: "Simulation") -> int:
    """Give the number of a simulation.

    Of a moment only its order to now is kept: due, past its deadline, lease live.
    """
    return hash(
        repr(
            (
                sorted(
                    map(
                        repr,
                        (
                            _record(item, simulation)
                            for item in simulation.stage.store.tables["state"].values()
                        ),
                    )
                ),
                _aurora(simulation),
                _logins(simulation),
                sorted(simulation.recorder.pointers.hosts().items()),
                list(map(describe, simulation.stage.queue)),
                simulation.bus.waiting,
                sorted(simulation.functions.disabled),
                _is_to_come(simulation.bus.silent_until, simulation),
                _is_to_come(simulation.functions.throttled_until, simulation),
            )
        )
    )


def _record(item: dict[str, Any], simulation: "Simulation") -> Any:
    if "state" not in item:  # a target
        return sorted((key, str(value)) for key, value in item.items() if not key.endswith("_at"))
    if item["state"] in TERMINAL and "open" not in item:
        return (item["operation_id"], item["state"])
    now, facts = iso_timestamp(simulation.stage.clock.now()), item["facts"]
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
        _left(item, simulation) // 300,
        min(item.get("transient_errors", 0), 2),
        item.get("attempts", 0) == 0,
    )


def _is_to_come(moment: datetime | None, simulation: "Simulation") -> bool:
    return moment is not None and moment > simulation.stage.clock.now()


def _left(item: dict[str, Any], simulation: "Simulation") -> float:
    """Give the seconds until the deadline.

    How much of it is left decides how much may still go wrong.
    """
    return (datetime.fromisoformat(item["deadline"]) - simulation.stage.clock.now()).total_seconds()


def _aurora(simulation: "Simulation") -> Any:
    regions = simulation.stage.aurora._state.regions  # noqa: SLF001 # a look behind the face: no call, no time
    return [
        (
            [
                (
                    cluster.identifier,
                    cluster.resource_id,
                    cluster.status,
                    _shown(cluster, simulation),
                    cluster.members,
                    sorted(cluster.pending),
                    cluster.renamed_to,
                )
                for cluster in region.clusters.values()
            ],
            [
                (
                    instance.identifier,
                    instance.status,
                    _shown(instance, simulation),
                    sorted(instance.tags.items()),
                )
                for instance in region.instances.values()
            ],
            [
                (snapshot.identifier, snapshot.status, sorted(snapshot.tags.items()))
                for snapshot in region.snapshots.values()
            ],
        )
        for _, region in sorted(regions.items())
    ]


def _shown(resource: Cluster | Instance, simulation: "Simulation") -> str:
    return statuses.shown(simulation.stage.aurora._state, resource)  # noqa: SLF001 # as above


def _logins(simulation: "Simulation") -> Any:
    return [
        (
            resource_id,
            [(name, role.can_login, role.password) for name, role in sorted(cluster.roles.items())],
        )
        for resource_id, cluster in sorted(simulation.stage.data.clusters.items())
    ]

"""What production's cluster did by itself is stopped in the night, once its logins are closed and
before ours open.
"""

from collections.abc import Collection
from typing import Any

from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import TransientError
from chalicelib.flow.facts import Facts
from simulation.in_memory_database import InMemoryCluster, InMemoryDatabase
from simulation.stage import APP
from tests.choreography.run_night import FaultyStage
from tests.choreography.test_revoked_logins import CrashingNight

FOUND = {"user-mappings": 2, "cron-jobs": 3, "aws-callers": 1}


def production(stage: FaultyStage) -> InMemoryCluster:
    """Return what is in production's cluster."""
    return next(iter(stage.data.clusters.values()))


def test_what_was_stopped_is_reported() -> None:
    """Record, trail, notice and event name what was stopped, by kind and count."""
    stage = FaultyStage()
    production(stage).active |= FOUND
    ended = stage.run_night()
    row = next(
        row for row in stage.trail(ended.operation_id) if row["to_state"] == "READERS_CREATING"
    )
    told = (
        "stopped or cut off: 3 pg_cron jobs disabled, 2 user mappings dropped; reported only: 1 "
        "function that calls AWS"
    )
    left = stage.cluster_at(ended.facts.target.endpoint or "").active

    assert (State.SUCCEEDED, FOUND, ()) == (ended.state, ended.facts.users.quieted, ended.warnings)
    assert {"user-mappings": 0, "cron-jobs": 0, "aws-callers": 1} == left
    assert told in row["what"]
    assert f"Production's jobs and outbound connections: {told}." in stage.notices()[-1]["text"]
    assert FOUND == stage.notices()[-1]["quieted"]


def test_excluded_kinds_are_left_running_and_reported() -> None:
    """QUIESCE names what stays as it is in production."""
    stage = FaultyStage({"QUIESCE": "-cron-jobs,-event-triggers"})
    production(stage).active |= FOUND
    ended = stage.run_night()
    expected = "left as in production (QUIESCE): event-triggers, cron-jobs."

    assert 3 == stage.cluster_at(ended.facts.target.endpoint or "").active["cron-jobs"]
    assert {"user-mappings": 2, "aws-callers": 1} == ended.facts.users.quieted
    assert expected in stage.notices()[-1]["text"]


def test_a_remaining_connection_to_production_fails_the_operation_before_users_are_created() -> (
    None
):
    """Production's logins are disabled, ours are not made, and the remedy is QUIESCE."""
    stage = FaultyStage()
    production(stage).active |= {"dblink": 1}
    production(stage).unstoppable = frozenset({"dblink"})
    ended = stage.run_night()
    cluster = stage.cluster_at(ended.facts.target.endpoint or "")

    assert (State.FAILED, True) == (ended.state, ended.facts.users.production_logins_closed)
    assert "The copy may still reach production" in (ended.reason or "")
    assert "QUIESCE=-dblink" in (ended.remedy or "")
    assert APP["app_username"] not in cluster.roles


def test_other_things_that_remain_are_warnings() -> None:
    """A job that cannot be stopped does not cost people their cluster."""
    stage = FaultyStage()
    production(stage).active |= {"event-triggers": 1}
    production(stage).unstoppable = frozenset({"event-triggers"})
    ended = stage.run_night()
    expected = ("Could not be stopped on the copy: event-triggers: the master may not.",)

    assert State.SUCCEEDED == ended.state
    assert expected == ended.warnings


def test_a_crash_at_any_point_loses_no_count() -> None:
    """The counts are saved before anything is stopped: afterwards the cluster does not show it."""
    for point in range(1, 40):
        stage = CrashingNight(["reporter"])
        production(stage).active |= FOUND
        stage.night()
        stage.reach(State.RESTORED)
        stage.points_to_go = point
        ended = stage.run_to_the_end()

        assert (State.SUCCEEDED, FOUND) == (ended.state, ended.facts.users.quieted), point
        if not stage.crashes:
            return
    raise AssertionError("There are more points than were tried.")


class HeldDatabase(InMemoryDatabase):
    """A cluster in which a prepared transaction of production's holds a role, as long as it is
    there.
    """

    def revoke_production_logins(self, *, keep: Collection[str]) -> list[str]:
        """Fail as long as it is there."""
        if self._cluster.active.get("prepared-transactions"):
            raise TransientError("A prepared transaction holds reporter.")
        return super().revoke_production_logins(keep=keep)


class HeldNight(FaultyStage):
    """A night on such a cluster."""

    def database(self, place: Endpoint, master: Login, database: str) -> Any:
        """Open a database, changed for the test."""
        return HeldDatabase(self.cluster_at(place.host), place, master, database)


def test_a_prepared_transaction_that_holds_a_role_is_rolled_back_for_the_lock_out() -> None:
    """Nothing else ends it; and it is counted."""
    stage = HeldNight()
    production(stage).active |= {"prepared-transactions": 1}
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert {"prepared-transactions": 1} == ended.facts.users.quieted


def test_a_record_of_an_older_version_has_no_counts() -> None:
    """Facts that lack the count are read as nothing found."""
    assert {} == Facts().users.quieted

"""Whose login was taken is known whatever happens: the names are written down before the first is
closed.
"""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.text_limits import NAMES_MAX
from simulation.in_memory_database import InMemoryDatabase, InMemoryRole
from simulation.instrumented import RecordingStore
from simulation.stage import SOURCE_REGION
from tests.choreography.fault_injection import CrashError
from tests.choreography.requests import again
from tests.choreography.run_night import FaultyStage

POINTS_MAX = 40


class CrashingStore(RecordingStore):
    """A store before and after whose every write a function may end."""

    point: Callable[[], None] = staticmethod(lambda: None)

    def change(self, change: Any) -> Any:
        """Write one item, unless the function ends before; it may end after, too."""
        self.point()
        written = super().change(change)
        self.point()
        return written


class CrashingNight(FaultyStage):
    """A night whose set-up of users ends at one point: a write to the tables, or a statement to the
    database.
    """

    def __init__(self, logins: list[str], environment: dict[str, str] | None = None) -> None:
        super().__init__(environment)
        self.points_to_go: int | None = None
        tables, self.store = self.store.tables, CrashingStore(self.recorder.wrote)
        self.store.tables = tables
        self.store.point = self._point
        (source,) = self.rds(SOURCE_REGION).describe_db_clusters(
            DBClusterIdentifier="prod-cluster"
        )["DBClusters"]
        roles = self.data.clusters[source["DbClusterResourceId"]].roles
        roles |= {name: InMemoryRole("Production-1") for name in logins}

    def database(self, place: Endpoint, master: Login, database: str) -> Any:
        """Open a database, changed for the test."""
        opened: InMemoryDatabase = self.cluster_at(place.host).open(place, master, database)
        opened.statement = lambda _text: self._point()
        return opened

    def _point(self) -> None:
        if self.running != "setup-db-users" or self.points_to_go is None:
            return
        self.points_to_go -= 1
        if self.points_to_go == 0:
            raise CrashError


def closed(operation: Operation) -> tuple[bool | None, tuple[str, ...], int]:
    """Give what an operation knows of the logins it closed."""
    facts = operation.facts
    return (
        facts.users.production_logins_closed,
        facts.users.logins_closed,
        facts.users.logins_closed_in_all,
    )


def crashed_at(point: int, logins: list[str]) -> CrashingNight:
    """Let a night come to the set-up of users, whose function ends at a point."""
    stage = CrashingNight(logins)
    stage.night()
    stage.reach(State.RESTORED)
    stage.points_to_go = point
    return stage


@pytest.mark.parametrize("ends_by", ["itself", "a rerun"])
@pytest.mark.parametrize(
    "logins", [["billing", "reporter"], [f"user{number:03d}" for number in range(60)]], ids=len
)
def test_a_crash_at_any_point_loses_no_name(logins: list[str], ends_by: str) -> None:
    """Between all writes and statements of the set-up, and where the operation ends there and is
    run again, too.
    """
    everybody = sorted([*logins, "shop_app"])
    for point in range(1, POINTS_MAX + len(everybody), 1 if len(logins) < NAMES_MAX else 11):
        stage = crashed_at(point, logins)
        while stage.crashes == 0 and stage.all_operations()[-1].open:
            stage.deliver() if stage.queue else stage.step_time()
        if ends_by == "a rerun" and stage.crashes and stage.all_operations()[-1].cancellable:
            first = stage.all_operations()[-1].operation_id
            stage.request("CancelRequested", operation_id=first, reason="now")
            stage.run_to_the_end()
            again(stage, first)
        ended = stage.run_to_the_end()

        assert (State.SUCCEEDED, []) == (ended.state, stage.broken_promises())
        assert (True, tuple(everybody[:NAMES_MAX]), len(everybody)) == closed(ended), point
        if not stage.crashes:
            return
    raise AssertionError("There are more points than were tried.")


def test_a_login_that_was_kept_and_is_not_any_more_is_among_those_that_are_closed() -> None:
    """A rerun without KEEP_LOGIN_ROLES closes it, and says so."""
    stage = CrashingNight(["reporter"], {"KEEP_LOGIN_ROLES": "reporter"})
    stage.night()
    first = stage.reach(State.USERS_READY)
    stage.request("CancelRequested", operation_id=first.operation_id, reason="close it, too")
    stage.run_to_the_end()
    stage.environment["KEEP_LOGIN_ROLES"] = ""
    again(stage, first.operation_id)
    before, after = stage.all_operations()

    assert (True, ("shop_app",), 1) == closed(before)
    assert ("reporter",) == before.facts.users.logins_kept
    assert (True, ("reporter", "shop_app"), 2) == closed(after)
    assert () == after.facts.users.logins_kept


def test_a_login_that_could_not_be_closed_and_is_kept_then_is_not_among_those_that_are_closed() -> (
    None
):
    """The refusal's own remedy: name it in KEEP_LOGIN_ROLES."""
    stage = CrashingNight([])
    (source,) = stage.rds(SOURCE_REGION).describe_db_clusters(DBClusterIdentifier="prod-cluster")[
        "DBClusters"
    ]
    roles = stage.data.clusters[source["DbClusterResourceId"]].roles
    roles["auditor"] = InMemoryRole("Production-1", alterable=False)
    failed = stage.run_night()
    stage.environment["KEEP_LOGIN_ROLES"] = "auditor"
    again(stage, failed.operation_id)
    ended = stage.all_operations()[-1]

    assert (False, ("auditor", "shop_app"), 2) == closed(failed)
    assert (True, ("shop_app",), 1) == closed(ended)
    assert ("auditor",) == ended.facts.users.logins_kept

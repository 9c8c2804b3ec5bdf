"""A master user that production left unable to come in: the night ends soon, and says what to
change in production.
"""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.in_memory_database import InMemoryCluster
from simulation.stage import MASTER_SECRET, PRODUCTION_PASSWORD
from tests.choreography.requests import again
from tests.choreography.run_night import FaultyStage
from tests.refusals.remedies import secret

MINUTE = 60
LONG = {"USERS_DEADLINE": "7200", "RESTORE_CHECK_INTERVAL": "30"}
Left = Callable[[InMemoryCluster], None]


def master(**left: Any) -> Left:
    """Leave the master user so."""

    def leave(cluster: InMemoryCluster) -> None:
        for attribute, value in left.items():
            setattr(cluster.roles["master"], attribute, value)

    return leave


def closed(sqlstate: str, *, may_open: bool) -> Left:
    """Leave the database of the master's secret so that it answers with a code."""

    def leave(cluster: InMemoryCluster) -> None:
        cluster.closed, cluster.may_open = {"shop": sqlstate}, may_open

    return leave


def night_of(leave: Left) -> FaultyStage:
    """Give a night of a production that is left so."""
    stage = FaultyStage(LONG)
    leave(next(iter(stage.data.clusters.values())))
    return stage


def minutes_at_users(ended: Operation) -> float:
    """Say for how long the users were being set up."""
    return (
        sum(duration.seconds for duration in ended.durations if duration.state == State.RESTORED)
        / MINUTE
    )


def passwords_set(stage: FaultyStage) -> int:
    """Count how often Aurora was asked for the master password."""
    return len(
        [
            call
            for call in stage.calls_of("modify_db_cluster")
            if "MasterUserPassword" in call.parameters
        ]
    )


@pytest.mark.parametrize(
    ("leave", "told", "remedy", "minutes", "asked"),
    [
        (
            master(expired=True),
            "refuses the password of user master, which Aurora was asked to set 2 times",
            "ALTER ROLE master VALID UNTIL 'infinity'",
            12,
            2,
        ),
        (
            master(full=True),
            "had no connection for it for 10 minutes (SQLSTATE 53300)",
            "ALTER ROLE master CONNECTION LIMIT -1",
            13,
            1,
        ),
        (
            closed("53300", may_open=False),
            "had no connection for it for 10 minutes (SQLSTATE 53300)",
            "ALTER DATABASE shop CONNECTION LIMIT -1",
            13,
            1,
        ),
        (master(can_login=False), "User master may not log in", "ALTER ROLE master LOGIN", 3, 1),
        (
            closed("42501", may_open=False),
            "User master may not connect to database shop",
            "GRANT CONNECT ON DATABASE shop TO master",
            3,
            1,
        ),
        (
            closed("55000", may_open=False),
            "Database shop on",
            "ALTER DATABASE shop ALLOW_CONNECTIONS true",
            3,
            1,
        ),
        (
            master(by_token="rds_ad"),
            "asks the master user master for another proof than a password",
            "REVOKE rds_iam, rds_ad FROM master",
            8,
            1,
        ),
    ],
    ids=[
        "expired",
        "no connections",
        "full database",
        "NOLOGIN",
        "no CONNECT",
        "closed database",
        "token",
    ],
)
def test_a_master_that_cannot_log_in_fails_the_operation_soon(
    leave: Left, told: str, remedy: str, minutes: int, asked: int
) -> None:
    """The failure has its own reason; its remedy names the SQL and a rerun of a later snapshot."""
    stage = night_of(leave)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert minutes_at_users(ended) < minutes
    assert asked == passwords_set(stage)
    assert told in str(ended.reason)
    assert remedy in str(ended.remedy)
    assert "Later snapshots have the change" in stage.notices()[-1]["text"]


@pytest.mark.parametrize("sqlstate", ["53300", "42501"])
def test_a_database_that_the_master_may_open_is_opened(sqlstate: str) -> None:
    """The master opens a closed database from another one, without a person's help."""
    assert State.SUCCEEDED is night_of(closed(sqlstate, may_open=True)).run_night().state


def test_a_server_that_is_full_for_a_while_is_waited_for() -> None:
    """A server whose clients leave within ten minutes does not fail the operation."""
    stage = night_of(master(full=True))
    stage.night()
    restored = stage.reach(State.RESTORED)
    stage.deliver()
    stage.run(8 * MINUTE)
    stage.data.clusters[str(restored.facts.target.cluster_resource_id)].roles["master"].full = False

    assert State.SUCCEEDED is stage.run_to_the_end().state


@pytest.mark.parametrize(
    "leave",
    [master(), master(full=True), master(can_login=False), closed("42501", may_open=False)],
    ids=["as it is", "no connections", "NOLOGIN", "no CONNECT"],
)
def test_productions_own_master_password_is_refused_also_where_it_does_not_open_the_copy(
    leave: Left,
) -> None:
    """The server knows it, whatever else keeps the master user out: nothing is set."""
    stage = night_of(leave)
    secret(MASTER_SECRET, password=PRODUCTION_PASSWORD)(stage)
    ended = stage.run_night()

    assert (State.FAILED, 0) == (ended.state, passwords_set(stage))
    assert "holds the password that master has in production" in str(ended.reason)


def test_a_rerun_sets_the_password_anew(stage: FaultyStage) -> None:
    """A rerun counts its own password resets and not those of the operation before."""
    stage.run_night()
    again(stage, "last", from_step="setup-db-users")
    found = [operation.facts.attempts.passwords_set for operation in stage.all_operations()]

    assert [1, 1] == found

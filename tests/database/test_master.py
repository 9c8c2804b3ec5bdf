"""What production may have left of its master user: told by code and time, or mended where it may
do that itself.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import MASTER, Server

MAY_ALTER_ITSELF = 160_000  # before this server_version a role with CREATEROLE may
AS_IT_WAS = (
    "ALTER ROLE master LOGIN PASSWORD 'Master-Password-1' CONNECTION LIMIT -1 VALID UNTIL "
    "'infinity';ALTER DATABASE shop OWNER TO master; ALTER DATABASE shop ALLOW_CONNECTIONS true "
    "CONNECTION LIMIT -1"
)


@pytest.fixture(autouse=True)
def _master_again(server: Server) -> Iterator[None]:
    """Give the server's other tests the master that they know."""
    yield
    server.query(AS_IT_WAS)


@pytest.mark.parametrize(
    ("left", "sqlstate"),
    [
        ("ALTER ROLE master VALID UNTIL '2020-01-01'", "28P01"),
        ("ALTER ROLE master NOLOGIN", "28000"),
        ("ALTER ROLE master CONNECTION LIMIT 0", "53300"),
        ("ALTER ROLE master PASSWORD NULL", "28P01"),
        ("ALTER DATABASE shop ALLOW_CONNECTIONS false", "55000"),
    ],
)
def test_a_master_that_is_kept_out_is_answered_by_a_code(
    server: Server, shop: Database, left: str, sqlstate: str
) -> None:
    """The code after the password check shows that the password is right; an expired one is refused
    like a wrong one.
    """
    server.query(left)
    answers = (shop.try_master(), shop.enter_as_master())
    found = [
        (answer.sqlstate, answer.password_requested, answer.password_correct) for answer in answers
    ]

    assert [(sqlstate, True, sqlstate != "28P01")] * 2 == found


@pytest.mark.parametrize(
    "left",
    [
        "ALTER DATABASE shop CONNECTION LIMIT 0",
        "REVOKE CONNECT ON DATABASE shop FROM PUBLIC, master",
    ],
)
def test_a_master_opens_its_own_database_from_another_one(
    server: Server, shop: Database, left: str
) -> None:
    """The database of the master's secret is opened like any other, from another database."""
    server.query(left)
    before = shop.try_master()

    assert before.accepted is False
    assert before.password_correct is True
    assert shop.enter_as_master().accepted is True


def test_a_database_that_the_master_may_not_open_stays_closed(
    server: Server, shop: Database
) -> None:
    """Where the master may not open its database, the server's answer is returned unchanged."""
    server.query(
        "ALTER DATABASE shop OWNER TO rdsadmin; REVOKE CONNECT ON DATABASE shop FROM PUBLIC"
    )

    assert "42501" == shop.enter_as_master().sqlstate


@pytest.mark.parametrize("limit", ["CONNECTION LIMIT 9", "VALID UNTIL '2099-01-01'"])
def test_limits_that_leave_enough_are_lifted_or_let_be(
    server: Server, shop: Database, limit: str
) -> None:
    """A limit that leaves enough connections stops nothing, lifted or not."""
    server.query(f"ALTER ROLE master {limit}")

    assert shop.enter_as_master().accepted


def test_a_master_with_too_few_connections_is_refused_or_has_them_lifted(
    server: Server, shop: Database
) -> None:
    """A limit that would stop the set-up half-way is lifted, or refused before it begins."""
    server.query("ALTER ROLE master CONNECTION LIMIT 2")
    ((version,),) = server.query("SELECT current_setting('server_version_num')::int")
    if version >= MAY_ALTER_ITSELF:
        with pytest.raises(RefusedError, match="User master may have no more than 2 connections"):
            shop.enter_as_master()
        server.query("ALTER ROLE master CONNECTION LIMIT -1")

    assert shop.enter_as_master().accepted


def test_limits_of_a_master_that_may_alter_itself_are_lifted(server: Server) -> None:
    """Limits of a master that may alter itself are lifted: on Aurora rds_superuser may be more than
    CREATEROLE is here.
    """
    server.query(
        "CREATE ROLE chief LOGIN SUPERUSER PASSWORD 'Chief-1' CONNECTION LIMIT 2 VALID UNTIL "
        "'2099-01-01'"
    )
    chief = replace(MASTER, username="chief", password=SecretStr("Chief-1"))
    entered = Database(server.endpoint, chief, "shop").enter_as_master()
    found = server.query(
        "SELECT rolconnlimit, rolvaliduntil = 'infinity' FROM pg_roles WHERE rolname = 'chief'"
    )

    assert (True, [(-1, True)]) == (entered.accepted, found)

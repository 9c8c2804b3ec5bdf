"""Databases and names in other encodings than UTF-8: LATIN1, and SQL_ASCII, where every byte is
taken as it comes.
"""

from collections.abc import Iterator

import pytest

from chalicelib.database.encoding import decode, encode
from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from tests.database.encodings import (
    BOOKS,
    CAFE,
    LOGIN,
    ROLE,
    forget,
    make_database,
    make_owner,
    say,
)
from tests.database.postgres_server import MASTER, Server, login
from tests.database.production import set_up

APPLICATION = login("anwendung_ü", "Application-1")
READ_ONLY = login("лесен", "Read-only-1")
OBJECTS = 'CREATE SCHEMA "entrée"; CREATE TABLE "entrée"."façade" ("numéro" int)'


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def encoded(request: pytest.FixtureRequest, server: Server) -> Iterator[str]:
    """Make a database with another encoding beside the others; give its name."""
    name = make_database(server, request.param)
    yield name
    forget(server, name)


def test_users_are_let_in_to_databases_of_other_encodings(
    server: Server, shop: Database, encoded: str
) -> None:
    """Names of roles are the same bytes in every database, whatever its encoding."""
    say(server, OBJECTS.encode("latin-1"), encoded)
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    proven = shop.verify_users(APPLICATION, READ_ONLY).proven

    assert f"anwendung_ü reads and writes in database {encoded} (tried on 1 table)." in proven
    assert f"лесен reads in database {encoded} and is refused a write (tried on 1 table)." in proven
    assert [True] * 2 == [shop.try_login(user, encoded) for user in (APPLICATION, READ_ONLY)]


def test_the_set_up_may_begin_in_such_a_database(server: Server, encoded: str) -> None:
    """The master's own database is the one that its secret names."""
    say(server, LOGIN, encoded)
    say(server, b"CREATE ROLE reporter LOGIN PASSWORD 'Production-1'", encoded)
    database = Database(server.endpoint, MASTER, encoded)

    assert [decode(CAFE), "reporter"] == database.revoke_production_logins(keep=[])
    database.ensure_users(APPLICATION, READ_ONLY)
    assert () == database.verify_users(APPLICATION, READ_ONLY).warnings


def test_a_role_whose_name_is_no_text_here_loses_its_login(
    server: Server, shop: Database, encoded: str
) -> None:
    """A role that was made in another encoding loses its login, and is named by its bytes."""
    say(server, LOGIN, encoded)
    cafe = login(decode(CAFE), "Production-1")
    before = shop.try_login(cafe)

    assert [cafe.username] == shop.revoke_production_logins(keep=[])
    assert (True, False) == (before, shop.try_login(cafe))
    say(server, b"ALTER ROLE %s LOGIN" % ROLE, encoded)
    assert not shop.try_login(cafe)


def test_a_role_without_login_whose_name_is_no_text_here_loses_its_password(
    server: Server, shop: Database, encoded: str
) -> None:
    """Such a role loses its password beside others in the same statement."""
    say(server, LOGIN.replace(b"LOGIN", b"NOLOGIN"), encoded)
    server.query("CREATE ROLE grouped NOLOGIN PASSWORD 'Production-1'", as_user=MASTER)
    shop.revoke_production_logins(keep=[])
    say(server, b"ALTER ROLE %s LOGIN; ALTER ROLE grouped LOGIN" % ROLE, encoded)

    tried = [shop.try_login(login(name, "Production-1")) for name in (decode(CAFE), "grouped")]
    assert [False] * 2 == tried


def test_an_owner_whose_name_is_no_text_here_is_named(
    server: Server, shop: Database, encoded: str
) -> None:
    """An owner that no statement here can name is refused: production has to rename it."""
    make_owner(server, encoded)

    with pytest.raises(RefusedError) as refusal:
        set_up(shop)
    assert "ALTER ROLE … RENAME TO" in refusal.value.remedy


def test_a_database_whose_name_is_no_text_here_is_named(
    server: Server, shop: Database, encoded: str
) -> None:
    """A database to which no client in UTF-8 can connect is named; the others are set up."""
    say(server, b"CREATE DATABASE %s TEMPLATE template0" % BOOKS, encoded)
    shop.ensure_users(APPLICATION, READ_ONLY)
    found = shop.verify_users(APPLICATION, READ_ONLY)

    name = decode(BOOKS[1:-1])
    assert any(
        f"Database {name} is closed to both users: its name is not written in UTF-8" in sentence
        for sentence in found.untried
    )
    assert f"anwendung_ü logs in to database {encoded}." in found.proven
    may_enter = (
        "SELECT DISTINCT has_database_privilege(pg_roles.oid, pg_database.oid, 'CONNECT') FROM "
        f"pg_roles, pg_database WHERE rolname IN ('{APPLICATION.username}', "
        f"'{READ_ONLY.username}') AND pg_database.oid = (SELECT max(oid) FROM pg_database)"
    )
    assert [(False,)] == server.query(may_enter)


@pytest.mark.parametrize("raw", [b"plain", "naïve 漢".encode(), CAFE, b"\xff\x80"])
def test_what_was_read_can_be_written(raw: bytes) -> None:
    """Any bytes that were read can be written again, and their text can be stored."""
    assert raw == encode(decode(raw))
    assert decode(raw).encode("utf-8").decode("utf-8") == decode(raw)

"""What the demo asks PostgreSQL, against a real one: who gets in, what is there, who may write."""

from collections.abc import Iterator

import pytest

from demo import databases
from demo.activity import Activity, observe_activity
from demo.databases import Access, DatabaseLogin, TableContent
from tests.database.postgres_server import MASTER, Server
from tests.demo.furnished_server import furnished_server

FURNISH = """
CREATE ROLE writer LOGIN PASSWORD 'writer-password';
CREATE ROLE reader LOGIN PASSWORD 'reader-password';
CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE TABLE stale_marker ();
INSERT INTO orders (what) VALUES ('tea'), ('cake');
CREATE TABLE hidden (secret text);
INSERT INTO hidden VALUES ('x');
GRANT SELECT, UPDATE ON orders, stale_marker TO writer;
GRANT SELECT ON orders TO reader
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Start a server with two users, and tables that they may do different things with."""
    with furnished_server(FURNISH) as server:
        yield server


def login(server: Server, username: str, password: str | None = None) -> DatabaseLogin:
    """Make one user's login."""
    return DatabaseLogin(server.address, server.port, username, password or f"{username}-password")


def master(server: Server) -> DatabaseLogin:
    """Make the master's login."""
    return login(server, MASTER.username, MASTER.secret)


def test_a_right_password_opens_and_a_wrong_one_does_not(server: Server) -> None:
    """The demo tries a login by connecting with it."""
    assert databases.can_log_in(login(server, "writer"), "shop")
    assert not databases.can_log_in(login(server, "writer", "another"), "shop")


def test_contents_are_read_by_the_first_user_with_access(server: Server) -> None:
    """What the reader may not see, the master reads.

    The checksum does not depend on the order of the rows.
    """
    everything = databases.contents([login(server, "reader"), master(server)], "shop")
    by_master = databases.contents([master(server)], "shop")
    expected = {
        "shop.public.hidden": 1,
        "shop.public.orders": 2,
        "shop.public.stale_marker": 0,
    }

    assert everything == by_master
    assert {name: content.rows for name, content in everything.items()} == expected


def test_other_rows_are_another_checksum(server: Server) -> None:
    """A table with as many but other rows has another checksum."""
    before = databases.contents([master(server)], "shop")["shop.public.hidden"]
    server.query("UPDATE hidden SET secret = 'y'", as_user=MASTER, database="shop")
    after = databases.contents([master(server)], "shop")["shop.public.hidden"]

    assert (before.rows, after.rows) == (1, 1)
    assert before != after
    assert isinstance(after, TableContent)


def test_access_is_the_outcome_of_an_attempt(server: Server) -> None:
    """A user's reads and writes are tried; what it cannot read is a problem and no refusal."""
    denied = "shop.public.hidden: permission denied for table hidden"

    assert databases.access(login(server, "writer"), "shop") == Access(
        "shop",
        read=("shop.public.orders", "shop.public.stale_marker"),
        written=("shop.public.orders",),
        problems=(denied,),
    )


def test_a_refused_write_differs_from_a_refused_read(server: Server) -> None:
    """The read-only user reads the orders, and its write to them is refused."""
    seen = databases.access(login(server, "reader"), "shop")

    assert seen.read == ("shop.public.orders",)
    assert seen.written == ()
    assert seen.refused == ("shop.public.orders",)


@pytest.mark.parametrize(
    "guard",
    [
        "CREATE RULE keep AS ON UPDATE TO entry DO INSTEAD NOTHING",
        "CREATE RULE copy AS ON UPDATE TO entry DO INSTEAD INSERT INTO other VALUES (new.id)",
        "CREATE TRIGGER keep BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION keep()",
        "CREATE TRIGGER keep BEFORE UPDATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION keep()",
    ],
)
def test_a_table_that_takes_no_changes_is_tried_by_a_lock(server: Server, guard: str) -> None:
    """A table that takes no changes is tried by its rights: no rule or trigger stands in the way or
    makes a refusal a success.
    """
    server.query("CREATE DATABASE guarded", as_user=MASTER)
    server.query(
        "CREATE TABLE entry (id int); INSERT INTO entry VALUES (1); CREATE TABLE other (id "
        "int);CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION "
        f"'kept'; END$$;{guard}; GRANT SELECT, UPDATE ON entry TO writer; GRANT SELECT ON entry TO "
        "reader;",
        as_user=MASTER,
        database="guarded",
    )
    by_writer, by_reader = (
        databases.access(login(server, name), "guarded") for name in ("writer", "reader")
    )
    server.query("DROP DATABASE guarded", as_user=MASTER)

    assert (("guarded.public.entry",), ()) == (by_writer.written, by_writer.refused)
    assert ((), ("guarded.public.entry",)) == (by_reader.written, by_reader.refused)


def test_row_security_neither_hides_rows_nor_runs_a_policy(server: Server) -> None:
    """Row security neither hides rows nor stops a check.

    The owner's count is used, and rights are tried without a row, because a policy may fail as it
    does in production.
    """
    server.query("CREATE DATABASE tenants", as_user=MASTER)
    server.query(
        "CREATE TABLE entry (id int); INSERT INTO entry VALUES (1), (2); ALTER TABLE entry ENABLE "
        "ROW LEVEL SECURITY;CREATE POLICY own ON entry USING (current_setting('app.tenant') = "
        "'a');CREATE TABLE forced (id int); INSERT INTO forced VALUES (1); ALTER TABLE forced "
        "ENABLE ROW LEVEL SECURITY;ALTER TABLE forced FORCE ROW LEVEL SECURITY; GRANT SELECT, "
        "UPDATE ON entry, forced TO writer;GRANT SELECT ON entry, forced TO reader",
        as_user=MASTER,
        database="tenants",
    )
    found = databases.contents([login(server, "writer"), master(server)], "tenants")
    by_writer, by_reader = (
        databases.access(login(server, name), "tenants") for name in ("writer", "reader")
    )
    server.query("DROP DATABASE tenants", as_user=MASTER)
    names = ("tenants.public.entry", "tenants.public.forced")

    assert (2, True) == (found[names[0]].rows, found[names[0]].is_whole)
    assert not found[names[1]].is_whole
    assert Access("tenants", names, names) == by_writer
    assert Access("tenants", names, (), names) == by_reader


def test_a_database_that_stays_closed_is_an_error(server: Server) -> None:
    """A database that refuses a login is a named problem, and the demo goes on."""
    seen = databases.access(login(server, "reader"), "no_such_database")

    assert seen.problems[0].startswith("reader does not get into no_such_database: ")


def test_a_table_is_found_by_its_name(server: Server) -> None:
    """A table is found in every database and schema that has one of its name."""
    assert databases.tables_called(master(server), "shop", "stale_marker") == ("shop.public",)


def test_a_password_is_never_shown(server: Server) -> None:
    """A printed login does not show its password."""
    assert "password" not in repr(login(server, "writer"))


def test_activity_is_counted_in_every_database(server: Server) -> None:
    """Activity is counted in every database; a server that was cut off and an unreadable foreign
    table do not count.
    """
    server.query(
        "CREATE FOREIGN DATA WRAPPER other; CREATE SERVER home FOREIGN DATA WRAPPER other OPTIONS "
        "(host 'home');CREATE SERVER nowhere FOREIGN DATA WRAPPER other OPTIONS (host "
        "'/cut-off');CREATE USER MAPPING FOR PUBLIC SERVER home; CREATE FOREIGN TABLE far (id int) "
        "SERVER home",
        database="shop",
    )
    server.query("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'one'")
    try:
        found = observe_activity([master(server)], "shop")
    finally:
        server.query("ROLLBACK PREPARED 'one'")
        server.query("DROP FOREIGN DATA WRAPPER other CASCADE", database="shop")

    assert Activity({"prepared-transactions": 1, "user-mappings": 1, "foreign-servers": 1}) == found

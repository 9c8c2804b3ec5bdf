"""From the copy nobody reaches production, however its databases reached others."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.postgres_server import MASTER, Server, clean, login
from tests.database.postgres_versions import WANTED, Servers
from tests.database.production import APPLICATION, READ_ONLY, set_up

PRODUCTIONS = """
CREATE ROLE partner LOGIN PASSWORD 'Production-1';
"""
LEDGER = """
CREATE TABLE ledger (id int, what text);
INSERT INTO ledger VALUES (1, 'real');
GRANT ALL ON ledger TO partner
"""
OWNERS = (
    "CREATE ROLE app_owner LOGIN PASSWORD 'Production-1'; GRANT CREATE ON DATABASE shop TO "
    "app_owner"
)
EXTENSIONS = """
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION dblink;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO app_owner;
CREATE SCHEMA sales AUTHORIZATION app_owner
"""
OWNED_DBLINK = """
UPDATE pg_proc SET proowner = 'app_owner'::regrole, proacl = NULL
 WHERE starts_with(proname, 'dblink')
"""  # as if its owner were a customer's; PostgreSQL lets superusers install it only
FOREIGN = """
SET ROLE app_owner;
CREATE SERVER production FOREIGN DATA WRAPPER postgres_fdw
  OPTIONS (host '{host}', port '{port}', dbname 'shop');
CREATE USER MAPPING FOR PUBLIC SERVER production OPTIONS (user 'partner', password 'Production-1');
GRANT USAGE ON FOREIGN SERVER production TO PUBLIC;
CREATE FOREIGN TABLE sales.ledger (id int, what text)
  SERVER production OPTIONS (schema_name 'public');
CREATE VIEW sales.entries AS SELECT * FROM sales.ledger;
CREATE FUNCTION sales.ask() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT *
    FROM public.dblink(
           'host={host} port={port} dbname=shop user=partner password=Production-1',
           'SELECT what FROM ledger') AS found(what text) $$;
RESET ROLE
"""
DEFINER = """
CREATE FUNCTION sales.by_owner() RETURNS SETOF text
  LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM sales.ask()';
GRANT EXECUTE ON FUNCTION sales.by_owner() TO PUBLIC
"""
NO_WAY = (
    psycopg2.errors.SqlclientUnableToEstablishSqlconnection,
    psycopg2.errors.InsufficientPrivilege,
    psycopg2.errors.UndefinedObject,  # no user mapping
)


@pytest.fixture
def production(servers: Servers) -> Server:
    """Return production: a server of its own, with a ledger that a partner may write."""
    server = servers.get("embedded-16")
    clean(server)
    server.query(PRODUCTIONS)
    server.query(LEDGER, database="shop")
    return server


@pytest.fixture(params=[name for name in WANTED if name.startswith("debian")])
def copy(request: pytest.FixtureRequest, servers: Servers, production: Server) -> Iterator[Server]:
    """Return a restored copy, with PostgreSQL's own extensions, whose owner reaches production in
    four ways.
    """
    server = servers.get(request.param)
    clean(server)
    server.query(OWNERS)
    rds_roles.put_roles_within_reach(server.postgres)
    server.query(EXTENSIONS, database="shop")
    server.query(OWNED_DBLINK, database="shop")
    server.query(FOREIGN.format(host=production.address, port=production.port), database="shop")
    server.query(f"SET ROLE app_owner; {DEFINER}", database="shop")
    yield server
    server.query("DROP DATABASE shop WITH (FORCE)")
    server.query("CREATE DATABASE shop OWNER master")


@pytest.fixture
def restored(copy: Server) -> Database:
    """Return what the set-up sees of the copy."""
    return Database(copy.endpoint, MASTER, "shop")


COUNTS = {
    "user-mappings": 1,
    "foreign-servers": 1,
    "foreign-data-wrappers": 1,
    "dblink": 1,
    "dblink-callers": 1,
}
RDS_OWN = "foreign-data-wrappers: postgres_fdw in database shop (SQLSTATE 42501)"
WAYS = {
    "a foreign table": "SELECT what FROM sales.ledger",
    "a view over one": "SELECT what FROM sales.entries",
    "dblink": "SELECT * FROM sales.ask()",
    "dblink as its owner": "SELECT * FROM sales.by_owner()",
}


def test_without_it_the_application_user_reads_and_writes_production(
    copy: Server, restored: Database, production: Server
) -> None:
    """Without QUIESCE the application user reads and writes production, so the other tests refuse
    something real.
    """
    restored.quiesce([])
    set_up(restored)
    found = {
        way: copy.query(query, as_user=APPLICATION, database="shop") for way, query in WAYS.items()
    }
    copy.query(
        "INSERT INTO sales.entries VALUES (2, 'by a copy')", as_user=APPLICATION, database="shop"
    )

    assert {way: [("real",)] for way in WAYS} == found
    assert [(2,)] == production.query("SELECT count(*) FROM ledger", database="shop")


def test_no_way_leads_from_the_copy_to_production(
    copy: Server, restored: Database, production: Server
) -> None:
    """Neither user nor the master reaches it, and production's log sees no connection."""
    counted = restored.count_active(KINDS)
    remaining = [str(left) for left in restored.quiesce(KINDS)]
    set_up(restored)
    before = production.log.count("user=partner")

    assert COUNTS == counted
    assert [RDS_OWN] == remaining
    for who in (APPLICATION, READ_ONLY, MASTER):
        for query in (*WAYS.values(), "INSERT INTO sales.entries VALUES (2, 'by a copy')"):
            with pytest.raises(NO_WAY):
                copy.query(query, as_user=who, database="shop")
    assert before == production.log.count("user=partner")
    assert [("real",)] == production.query("SELECT what FROM ledger", database="shop")


def test_no_password_of_production_can_be_read(copy: Server, restored: Database) -> None:
    """The user mapping that held it is gone; what code holds is counted."""
    restored.quiesce(KINDS)

    assert [] == copy.query("SELECT umoptions FROM pg_user_mapping", database="shop")
    assert {"dblink-callers": 1, "foreign-data-wrappers": 1} == restored.count_active(KINDS)


def test_a_new_user_mapping_does_not_open_it_again(copy: Server, restored: Database) -> None:
    """Nobody who logs in may use the server, and it leads nowhere: not even with production's
    password.
    """
    restored.quiesce(KINDS)
    set_up(restored)
    mapping = (
        "CREATE USER MAPPING FOR {} SERVER production OPTIONS (user 'partner', password "
        "'Production-1')"
    )

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        copy.query(mapping.format("CURRENT_USER"), as_user=APPLICATION, database="shop")
    copy.query(mapping.format("app_user"), database="shop")
    with pytest.raises(
        psycopg2.errors.SqlclientUnableToEstablishSqlconnection, match="cut-off-from-production"
    ):
        copy.query("SELECT FROM sales.ledger", as_user=APPLICATION, database="shop")


@pytest.mark.parametrize(
    "options",
    [
        "hostaddr '10.0.0.1'",
        "service 'production'",
        "host 'a', hostaddr '10.0.0.1', port '5433'",
        "host 'a,b'",
    ],
)
def test_a_server_is_cut_off_however_it_is_addressed(
    copy: Server, restored: Database, options: str
) -> None:
    """Options that outrank the host are dropped, and the host leads nowhere."""
    copy.query(
        f"CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({options})",
        database="shop",
    )
    copy.query("ALTER SERVER other OWNER TO app_owner", database="shop")

    assert [RDS_OWN] == [str(left) for left in restored.quiesce(KINDS)]
    (found,) = copy.query(
        "SELECT srvoptions FROM pg_foreign_server WHERE srvname = 'other'", database="shop"
    )
    assert {"host=/cut-off-from-production"} == {
        option for option in found[0] if not option.startswith("port")
    }


RDS_DBLINK = "UPDATE pg_proc SET proowner = 10 WHERE starts_with(proname, 'dblink')"
OF_THE_MASTER = "; UPDATE pg_extension SET extowner = 'master'::regrole WHERE extname = 'dblink'"


def ways(database: Database) -> list[str]:
    """Quiet the copy, and name what may still reach production."""
    return [str(left) for left in database.quiesce(KINDS) if left.reaches_production]


def test_dblink_that_is_not_the_masters_to_close_remains(copy: Server, restored: Database) -> None:
    """Dblink that the master cannot close is returned as a way to production."""
    copy.query(RDS_DBLINK, database="shop")

    assert ["dblink: extension dblink in database shop (SQLSTATE 42501)"] == ways(restored)


def test_dblink_whose_functions_are_rdss_is_dropped(copy: Server, restored: Database) -> None:
    """The extension dblink is dropped where its functions belong to RDS."""
    copy.query(RDS_DBLINK + OF_THE_MASTER, database="shop")

    assert [] == ways(restored)
    assert [] == copy.query(
        "SELECT FROM pg_proc WHERE starts_with(proname, 'dblink')", database="shop"
    )


def test_dblink_that_a_view_needs_is_not_dropped(copy: Server, restored: Database) -> None:
    """The extension stays and is named where a view of production's depends on it."""
    view = "; CREATE VIEW sales.links AS SELECT public.dblink_get_connections()"
    copy.query(RDS_DBLINK + OF_THE_MASTER + view, database="shop")

    assert ["dblink: extension dblink in database shop (SQLSTATE 2BP01)"] == ways(restored)


def test_functions_that_were_taken_out_of_dblink_are_closed(
    copy: Server, restored: Database
) -> None:
    """ALTER EXTENSION … DROP FUNCTION leaves them as they are, and no member of anything."""
    copy.query("ALTER EXTENSION dblink DROP FUNCTION dblink(text, text)", database="shop")
    restored.quiesce(KINDS)
    set_up(restored)  # which gives the application the routines of production, but none in C
    allowed = "SELECT has_function_privilege({}, 'dblink(text, text)', 'EXECUTE')"

    for user in ("'app_owner'", "'app_user'", "'readonly_user'"):
        assert [(False,)] == copy.query(allowed.format(user), database="shop")


def test_sessions_with_open_connections_end_when_logins_are_revoked(
    copy: Server, restored: Database, production: Server
) -> None:
    """A connection that a session of production's user opened ends with that session."""
    with closing(copy.connect(login("app_owner", "Production-1"), "shop")) as session:
        session.cursor().execute("SELECT FROM sales.ledger")
        restored.revoke_production_logins(keep=[])
        restored.quiesce(KINDS)
        with pytest.raises(psycopg2.OperationalError):
            session.cursor().execute("SELECT FROM sales.ledger")

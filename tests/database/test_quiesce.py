"""What production's cluster did by itself ends on the copy; whatever cannot be ended is named."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import psycopg2.extensions
import pytest
from localaws.postgres import rds_roles

from chalicelib.database.quiesce import stop
from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import TransientError
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.encodings import BOOKS, forget, make_database, say
from tests.database.postgres_server import MASTER, Server, login
from tests.database.production import READ_ONLY, set_up

ADMIN = login("admin", "Production-1")

# As pg_cron 1.6 makes it, with the right to change it that RDS gives to rds_superuser.
CRON = """
CREATE SCHEMA cron;
CREATE TABLE cron.job (
  jobid bigint PRIMARY KEY, schedule text, command text, nodename text, nodeport int, database text,
  username text DEFAULT current_user, active boolean DEFAULT true, jobname text);
GRANT USAGE ON SCHEMA cron TO PUBLIC;
GRANT SELECT, UPDATE ON cron.job TO rds_superuser;
INSERT INTO cron.job VALUES (1, '* * * * *', 'SELECT bill()'), (2, '0 4 * * *', 'VACUUM');
INSERT INTO cron.job VALUES (3, '0 5 * * *', 'SELECT', '', 0, 'shop', 'admin', false)
"""
PARTMAN = """
CREATE SCHEMA parts AUTHORIZATION admin;
SET ROLE admin;
CREATE TABLE parts.part_config (
  parent_table text PRIMARY KEY, automatic_maintenance text DEFAULT 'on');
INSERT INTO parts.part_config VALUES ('sales.orders', 'on'), ('sales.visits', 'off');
RESET ROLE
"""
PGLOGICAL = """
CREATE SCHEMA pglogical;
CREATE TABLE pglogical.subscription (sub_id oid, sub_name name, sub_enabled boolean);
CREATE TABLE pglogical.node_interface (if_id oid, if_name name, if_dsn text);
ALTER TABLE pglogical.subscription OWNER TO admin;
ALTER TABLE pglogical.node_interface OWNER TO admin;
GRANT USAGE ON SCHEMA pglogical TO admin;
INSERT INTO pglogical.subscription VALUES (1, 'from_production', true);
INSERT INTO pglogical.node_interface
VALUES (1, 'production', 'host=production password=Production-1')
"""


def install(server: Server, extension: str, script: str, *tables: str) -> None:
    """Make what an extension makes, and tell the catalog that it is the extension's: the server has
    no files of it.
    """
    server.query(script, database="shop")
    server.query(
        "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, "
        f"extversion) SELECT max(oid)::int + 1, '{extension}', 10, 'public'::regnamespace, false, "
        "'1' FROM pg_class",
        database="shop",
    )
    for table in tables:
        server.query(f"ALTER EXTENSION {extension} ADD TABLE {table}", database="shop")


@pytest.fixture
def quiet(server: Server) -> Iterator[Server]:
    """Return the server with an administrator of production's, as after a restore.

    Clear what blocks a DROP after.
    """
    server.query(
        "CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'Production-1'; GRANT CREATE ON DATABASE shop "
        "TO admin"
    )
    rds_roles.put_roles_within_reach(server.postgres)
    yield server
    for (gid,) in server.query("SELECT gid FROM pg_prepared_xacts"):
        server.query(f"ROLLBACK PREPARED '{gid}'", database="shop")
    server.query("ALTER DATABASE shop RESET ALL")
    for (name,) in server.query("SELECT subname FROM pg_subscription"):
        server.query(f"ALTER SUBSCRIPTION {name} DISABLE", database="shop")
        server.query(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)", database="shop")
        server.query(f"DELETE FROM pg_subscription_rel; DROP SUBSCRIPTION {name}", database="shop")
    server.query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    server.query("ALTER ROLE master NOREPLICATION")
    server.query(
        "DROP DATABASE shop WITH (FORCE)"
    )  # what an extension has cannot be dropped by itself
    server.query("CREATE DATABASE shop OWNER master")


def memberships(server: Server) -> list[str]:
    """List whose member the master is; rds_superuser is RDS's own."""
    found = server.query(
        "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'master'::regrole ORDER "
        "BY 1"
    )
    return [name for (name,) in found]


def test_jobs_of_pg_cron_are_stopped(quiet: Server, shop: Database) -> None:
    """Active jobs are counted and stopped; a table that only looks the same is left alone."""
    install(quiet, "pg_cron", CRON, "cron.job")
    quiet.query(
        "CREATE SCHEMA mine; CREATE TABLE mine.job AS SELECT true AS active",
        as_user=MASTER,
        database="shop",
    )

    assert ({"cron-jobs": 2}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
    assert [(False,)] == quiet.query("SELECT DISTINCT active FROM cron.job", database="shop")
    assert [(True,)] == quiet.query("SELECT active FROM mine.job", database="shop")


def test_jobs_hidden_by_row_security_are_reported(quiet: Server, shop: Database) -> None:
    """Jobs that pg_cron hides from the master by row security are reported as not seen."""
    own = (
        "CREATE POLICY own ON cron.job USING (username = current_user); ALTER TABLE cron.job "
        "ENABLE ROW LEVEL SECURITY"
    )
    install(quiet, "pg_cron", CRON, "cron.job")
    quiet.query(own, database="shop")
    (remaining,) = shop.quiesce(KINDS)

    assert "cron-jobs: what cron.job in database shop hides from the master user" == str(remaining)
    assert not remaining.reaches_production


def test_maintenance_of_pg_partman_is_stopped(quiet: Server, shop: Database) -> None:
    """Its table belongs to whoever made the extension.

    The master is its owner for as long as it takes.
    """
    install(quiet, "pg_partman", PARTMAN, "parts.part_config")

    assert ({"partman": 1}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
    assert [("off",)] == quiet.query(
        "SELECT DISTINCT automatic_maintenance FROM parts.part_config", database="shop"
    )
    assert ["rds_superuser"] == memberships(quiet)


def test_a_trigger_that_imitates_a_lost_connection_is_reported(
    quiet: Server, shop: Database
) -> None:
    """A trigger that raises the code of a lost server is reported, and not waited for."""
    install(quiet, "pg_partman", PARTMAN, "parts.part_config")
    quiet.query(
        "CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'x' USING "
        "ERRCODE = '57P01'; END $$;CREATE TRIGGER gone BEFORE UPDATE ON parts.part_config FOR EACH "
        "ROW EXECUTE FUNCTION gone()",
        database="shop",
    )
    found = [str(left) for left in shop.quiesce(KINDS)]

    assert ["partman: parts.part_config in database shop (SQLSTATE 57P01)"] == found


def test_pglogical_is_cut_off_like_a_subscription(quiet: Server, shop: Database) -> None:
    """Pglogical subscribes by tables of its own, which hold production's password."""
    install(quiet, "pglogical", PGLOGICAL, "pglogical.subscription", "pglogical.node_interface")

    assert ({"subscriptions": 2}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
    kept = quiet.query(
        "SELECT sub_enabled, if_dsn FROM pglogical.subscription, pglogical.node_interface",
        database="shop",
    )
    assert [(False, "host=/cut-off-from-production user=nobody password=none")] == kept


def test_subscriptions_end_without_a_word_to_the_publisher(quiet: Server, shop: Database) -> None:
    """Tables that are not copied yet have slots there, which DROP SUBSCRIPTION would drop in
    production.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as production:
        port = production.getsockname()[1]
        quiet.query(
            f"CREATE SUBSCRIPTION orders CONNECTION 'host=127.0.0.1 port={port} password=P "
            "connect_timeout=2' PUBLICATION everything WITH (connect = false); CREATE TABLE "
            "copied (id int); INSERT INTO pg_subscription_rel SELECT oid, 'copied'::regclass, "
            "'d', NULL FROM pg_subscription; UPDATE pg_subscription SET subowner = "
            "'admin'::regrole",
            database="shop",
        )
        assert ({"subscriptions": 1}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
        production.setblocking(False)
        with pytest.raises(BlockingIOError):
            production.accept()

    assert [] == quiet.query("SELECT subname FROM pg_subscription")
    assert ["rds_superuser"] == memberships(quiet)


def test_replication_slots_are_dropped(quiet: Server, shop: Database) -> None:
    """Slots are dropped, because they would keep the copy's log for ever; each is counted once."""
    quiet.query(
        "SELECT pg_create_physical_replication_slot('standby', true); ALTER ROLE master REPLICATION"
    )

    assert ({"replication-slots": 1}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
    assert [] == quiet.query("SELECT slot_name FROM pg_replication_slots")


def test_a_slot_that_the_master_may_not_drop_is_reported(quiet: Server, shop: Database) -> None:
    """A slot that stays is reported once, whichever database is looked at."""
    quiet.query("SELECT pg_create_physical_replication_slot('standby')")
    found = [str(left) for left in shop.quiesce(KINDS)]

    assert ["replication-slots: standby (SQLSTATE 42501)"] == found


def test_prepared_transactions_are_rolled_back_as_their_owner(
    quiet: Server, shop: Database
) -> None:
    """A prepared transaction that holds a role is rolled back as its owner, and then logins can be
    revoked.
    """
    quiet.query(
        "CREATE ROLE reporter LOGIN PASSWORD 'Production-1'; GRANT reporter TO admin WITH ADMIN "
        "OPTION"
    )
    rds_roles.put_roles_within_reach(quiet.postgres)
    with closing(quiet.connect(ADMIN, "shop")) as session:
        session.cursor().execute(
            "BEGIN; ALTER ROLE reporter VALID UNTIL '2030-01-01'; PREPARE TRANSACTION 'it''s'"
        )
    with pytest.raises(TransientError):
        shop.revoke_production_logins(keep=[])

    assert ({"prepared-transactions": 1}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
    assert "reporter" in shop.revoke_production_logins(keep=[])
    assert not shop.try_login(login("reporter", "Production-1"))
    assert ["rds_superuser"] == memberships(quiet)


def test_a_prepared_transaction_of_a_superuser_is_reported(quiet: Server, shop: Database) -> None:
    """A prepared transaction that only a superuser may end is reported."""
    quiet.query("BEGIN; CREATE TABLE ghost (); PREPARE TRANSACTION 'theirs'", database="shop")
    found = [str(left) for left in shop.quiesce(KINDS)]

    assert ["prepared-transactions: theirs in database shop (SQLSTATE 42501)"] == found


def test_a_prepared_transaction_of_a_dropped_owner_is_reported(
    quiet: Server, shop: Database
) -> None:
    """A prepared transaction whose owner was dropped is reported: only a superuser may end it."""
    quiet.query("CREATE ROLE gone LOGIN PASSWORD 'Production-1'")
    with closing(quiet.connect(login("gone", "Production-1"), "shop")) as session:
        session.cursor().execute("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'orphan'")
    quiet.query("DROP ROLE gone")
    found = [str(left) for left in shop.quiesce(KINDS)]

    assert ["prepared-transactions: orphan in database shop (SQLSTATE 42501)"] == found


def test_an_event_trigger_that_was_added_to_an_extension_is_disabled(
    quiet: Server, shop: Database
) -> None:
    """An event trigger of an extension counts as production's unless its function is in C."""
    quiet.query(
        f"CREATE EXTENSION {quiet.extension};CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE "
        "plpgsql AS 'BEGIN RAISE ''no''; END';CREATE EVENT TRIGGER ours ON ddl_command_start WHEN "
        f"TAG IN ('GRANT') EXECUTE FUNCTION stop();ALTER EXTENSION {quiet.extension} ADD EVENT "
        "TRIGGER ours;UPDATE pg_event_trigger SET evtowner = 'admin'::regrole",
        database="shop",
    )

    assert ({"event-triggers": 1}, []) == (shop.count_active(KINDS), shop.quiesce(KINDS))
    assert {} == shop.count_active(KINDS)


def test_event_triggers_are_disabled_before_anything_fires_them(
    quiet: Server, shop: Database
) -> None:
    """Event triggers are disabled first; one that the master may not disable stops nothing else."""
    quiet.query(
        "CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; "
        "END';CREATE EVENT TRIGGER ours ON ddl_command_start EXECUTE FUNCTION stop();CREATE EVENT "
        "TRIGGER theirs ON ddl_command_start WHEN TAG IN ('CREATE RULE') EXECUTE FUNCTION "
        "stop();UPDATE pg_event_trigger SET evtowner = 'admin'::regrole WHERE evtname = 'ours'",
        database="shop",
    )  # RDS lets its master make event triggers; PostgreSQL's own ALTER would refuse that owner
    wrapper = "CREATE FOREIGN DATA WRAPPER other; CREATE SERVER home FOREIGN DATA WRAPPER other;"
    quiet.query(
        f"ALTER EVENT TRIGGER ours DISABLE; {wrapper} ALTER EVENT TRIGGER ours ENABLE",
        database="shop",
    )
    quiet.query("UPDATE pg_foreign_server SET srvowner = 'admin'::regrole", database="shop")
    quiet.query(
        "INSERT INTO pg_user_mapping SELECT 99999, 0, oid FROM pg_foreign_server", database="shop"
    )

    assert {"event-triggers": 2, "user-mappings": 1} == shop.count_active(KINDS)
    assert ["event-triggers: theirs in database shop (SQLSTATE 42501)"] == [
        str(left) for left in shop.quiesce(KINDS)
    ]
    assert {"event-triggers": 1} == shop.count_active(KINDS)


def test_code_that_calls_aws_is_counted(quiet: Server, shop: Database) -> None:
    """Code that calls AWS is counted by its text, and not changed."""
    quiet.query(
        "CREATE FUNCTION tell() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM "
        "aws_lambda.invoke(''x'', ''{}''); END';CREATE FUNCTION unload() RETURNS void LANGUAGE "
        "plpgsql AS 'BEGIN PERFORM aws_s3.query_export_to_s3(); END';CREATE FUNCTION ask() RETURNS "
        "void LANGUAGE plpgsql AS 'BEGIN PERFORM dblink(''password=P'', ''x''); END'",
        as_user=MASTER,
        database="shop",
    )

    assert {"aws-callers": 2, "dblink-callers": 1} == shop.count_active(KINDS)
    assert [] == shop.quiesce(KINDS)
    assert 3 == len(
        quiet.query(
            "SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace", database="shop"
        )
    )


def test_every_database_that_somebody_can_enter_is_quieted(quiet: Server, shop: Database) -> None:
    """Every database with connections is searched, templates too; others are named."""
    for name in ("shape", "closed"):
        quiet.query(f"CREATE DATABASE {name}")
        quiet.query("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS '-- aws_s3'", database=name)
    quiet.query(
        "ALTER DATABASE shape IS_TEMPLATE true; REVOKE CONNECT ON DATABASE closed FROM PUBLIC"
    )
    try:
        told = (shop.count_active(KINDS), [str(left) for left in shop.quiesce(KINDS)])
    finally:
        quiet.query("ALTER DATABASE shape IS_TEMPLATE false")
    expected = (
        {"aws-callers": 1},
        ["what runs in database closed, which the master user may not enter"],
    )

    assert expected == told


def test_what_is_held_in_one_database_keeps_nothing_running_in_another(
    quiet: Server, shop: Database
) -> None:
    """All databases are gone through before it is reported that one of them is busy."""
    quiet.query("CREATE DATABASE books")  # comes before shop
    for name in ("books", "shop"):
        quiet.query(
            "CREATE FOREIGN DATA WRAPPER home; GRANT USAGE ON FOREIGN DATA WRAPPER home TO master;"
            "CREATE SERVER home FOREIGN DATA WRAPPER home; ALTER SERVER home OWNER TO master;"
            "CREATE USER MAPPING FOR PUBLIC SERVER home OPTIONS (password 'Production-1')",
            database=name,
        )
    with quiet.postgres.session("books") as holding:
        holding.execute(
            "BEGIN; ALTER USER MAPPING FOR PUBLIC SERVER home OPTIONS (SET password 'x')"
        )
        with pytest.raises(TransientError):
            shop.quiesce(KINDS)
        holding.execute("ROLLBACK")

    assert [(0,)] == quiet.query("SELECT count(*) FROM pg_user_mapping", database="shop")


def test_activity_in_an_unreachable_database_is_reported(quiet: Server, shop: Database) -> None:
    """A subscription there would take production's changes from its publisher, so it is a way to
    production.
    """
    quiet.query("CREATE DATABASE closed")
    quiet.query(
        "CREATE SUBSCRIPTION orders CONNECTION 'host=127.0.0.1 port=1 password=P' PUBLICATION "
        "everything WITH (connect = false); UPDATE pg_subscription SET subenabled = true",
        database="closed",
    )
    quiet.query(
        "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'theirs'", database="closed"
    )
    quiet.query("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    try:
        counted, remaining = shop.count_active(KINDS), shop.quiesce(KINDS)
    finally:
        quiet.query("ROLLBACK PREPARED 'theirs'", database="closed")
        quiet.query("ALTER SUBSCRIPTION orders DISABLE", database="closed")
        quiet.query("ALTER SUBSCRIPTION orders SET (slot_name = NONE)", database="closed")
        quiet.query("DROP SUBSCRIPTION orders", database="closed")

    assert {"prepared-transactions": 1, "subscriptions": 1} == counted
    assert ["subscriptions: orders in database closed"] == [
        str(left) for left in remaining if left.reaches_production
    ]
    assert "prepared-transactions: theirs in database closed" in map(str, remaining)


def test_what_is_quieted_does_not_hinder_the_users(quiet: Server, shop: Database) -> None:
    """Users are set up after the stop, and nothing that was stopped comes back."""
    install(quiet, "pg_cron", CRON, "cron.job")
    shop.quiesce(KINDS)
    set_up(shop)

    assert {} == shop.count_active(KINDS)
    assert shop.try_login(READ_ONLY)


def test_the_catalog_is_asked_by_its_own_names(quiet: Server, shop: Database) -> None:
    """A view that production put before pg_event_trigger, in the search path of database and role,
    hides nothing.
    """
    quiet.query(
        "CREATE SCHEMA trap; CREATE VIEW trap.pg_user_mappings AS SELECT * FROM pg_user_mappings "
        "WHERE false;CREATE FUNCTION trap.format(text) RETURNS text LANGUAGE sql AS 'SELECT "
        "1/0';CREATE FOREIGN DATA WRAPPER other; CREATE SERVER home FOREIGN DATA WRAPPER "
        "other;CREATE USER MAPPING FOR admin SERVER home; ALTER DATABASE shop SET search_path = "
        "trap, pg_catalog",
        database="shop",
    )

    assert {"user-mappings": 1} == shop.count_active(KINDS)


def test_no_password_is_written_to_the_log(quiet: Server, shop: Database) -> None:
    """The server logs every statement.

    Those that end a subscription or a mapping have none of production's words.
    """
    quiet.query(
        "CREATE FOREIGN DATA WRAPPER other; CREATE SERVER home FOREIGN DATA WRAPPER other OPTIONS "
        "(host 'home');SET log_statement = none; SET log_min_duration_statement = -1;CREATE USER "
        "MAPPING FOR admin SERVER home OPTIONS (password 'Only-in-the-mapping');CREATE "
        "SUBSCRIPTION orders CONNECTION 'host=127.0.0.1 port=1 password=Only-in-the-string' "
        "PUBLICATION everything WITH (connect = false)",
        database="shop",
    )
    quiet.query("UPDATE pg_subscription SET subowner = 'admin'::regrole", database="shop")
    before = len(quiet.log)
    shop.quiesce(KINDS)
    said = quiet.log[before:]

    assert "DROP SUBSCRIPTION" in said
    assert "Only-in-the" not in said


class StoppedError(Exception):
    """The function ended here."""


class DyingSession(psycopg2.extensions.connection):  # type: ignore[misc]  # psycopg2 publishes no types
    """A session whose function ends after so many statements."""

    statements_left = 0


class DyingCursor(psycopg2.extensions.cursor):  # type: ignore[misc]  # psycopg2 publishes no types
    """A cursor of such a session."""

    def execute(self, query: Any, parameters: Any = None) -> None:
        """Run one statement, unless the function has ended."""
        session = cast("DyingSession", self.connection)
        session.statements_left -= 1
        if session.statements_left < 0:
            raise StoppedError
        super().execute(query, parameters)


def dying(server: Server, statements: int) -> Any:
    """Open a session of the master's that ends after so many statements."""
    session = psycopg2.connect(
        host=server.address,
        port=server.port,
        user=MASTER.username,
        password=MASTER.secret,
        dbname="shop",
        options="-c search_path=",
        connection_factory=DyingSession,
        cursor_factory=DyingCursor,
    )
    session.autocommit = True
    session.statements_left = statements
    return session


OBJECTS = """
DROP FOREIGN DATA WRAPPER IF EXISTS other CASCADE;
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER home FOREIGN DATA WRAPPER other OPTIONS (host 'home');
GRANT USAGE ON FOREIGN SERVER home TO rds_ad WITH GRANT OPTION;
SET ROLE rds_ad;
GRANT USAGE ON FOREIGN SERVER home TO PUBLIC;
RESET ROLE;
CREATE USER MAPPING FOR PUBLIC SERVER home;
CREATE USER MAPPING FOR admin SERVER home;
ALTER SERVER home OWNER TO admin
"""
WAYS_OUT = ("prepared-transactions", "user-mappings", "foreign-servers")
STATEMENTS_MAX = 100
EVERY = 1 if "TEST_SERVERS" in os.environ else 3


def test_a_run_that_ends_after_any_of_its_statements_is_finished_by_the_next(
    quiet: Server, shop: Database
) -> None:
    """The next run stops everything, wherever the run before it ended.

    `make test` ends it after every third statement, `make test-servers` after each.
    """
    for statements in range(0, STATEMENTS_MAX, EVERY):
        quiet.query(OBJECTS, database="shop")
        with closing(quiet.connect(ADMIN, "shop")) as session:
            session.cursor().execute(
                "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'one'"
            )
        with closing(dying(quiet, statements)) as session:
            try:
                stop(session, quiet.endpoint, WAYS_OUT)
            except StoppedError:
                pass
            else:
                assert statements > 10
                return
        remaining = shop.quiesce(WAYS_OUT)
        assert ([], {}) == (remaining, shop.count_active(WAYS_OUT)), statements
    raise AssertionError("There are more statements than were tried.")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_names_in_other_encodings_are_written_as_they_are(
    quiet: Server, shop: Database, encoding: str
) -> None:
    """A server whose name is no UTF-8 is cut off like any other."""
    name = make_database(quiet, encoding)
    quiet.query("CREATE FOREIGN DATA WRAPPER other", database=name)
    with quiet.postgres.session(name) as cursor:
        cursor.execute(b"CREATE SERVER %s FOREIGN DATA WRAPPER other OPTIONS (host 'home')" % BOOKS)
        cursor.execute(b"CREATE USER MAPPING FOR PUBLIC SERVER %s" % BOOKS)
        cursor.execute(b"ALTER SERVER %s OWNER TO admin" % BOOKS)

    assert {"user-mappings": 1, "foreign-servers": 1} == shop.count_active(KINDS)
    assert ([], {}) == (shop.quiesce(KINDS), shop.count_active(KINDS))


def test_a_database_whose_name_cannot_be_written_is_reported(quiet: Server, shop: Database) -> None:
    """A database whose name is no UTF-8 cannot be entered, and is reported."""
    name = make_database(quiet, "SQL_ASCII")
    say(
        quiet,
        b"CREATE DATABASE %s ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        % BOOKS,
        name,
    )
    try:
        (remaining,) = shop.quiesce(KINDS)
    finally:
        forget(quiet, name)

    assert "which the master user may not enter" in str(remaining)

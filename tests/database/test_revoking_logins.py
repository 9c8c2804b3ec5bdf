"""Taking production's logins out of a real server: sessions, prolongable roles, and what no log may
hold.
"""

from contextlib import closing

import psycopg2.errors
import pytest
from localaws.postgres import rds_roles

from chalicelib.database import logins
from chalicelib.database.connection import rows, session, transaction
from chalicelib.database.restored_database import Database, DatabaseBusyError
from chalicelib.flow.errors import RefusedError
from tests.database.cutting_proxy import proxy
from tests.database.postgres_server import MASTER, Server, login

REPORTER = login("reporter", "Production-1")
CREATE_REPORTER = "CREATE ROLE reporter LOGIN PASSWORD 'Production-1'"


def test_a_session_that_is_already_in_is_ended(server: Server, shop: Database) -> None:
    """A session that was opened before the login was revoked is ended."""
    server.query(CREATE_REPORTER, as_user=MASTER)
    inside = server.connect(REPORTER, "shop")
    shop.revoke_production_logins(keep=[])

    with pytest.raises(psycopg2.OperationalError), inside.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_session_that_an_earlier_run_left_is_ended(server: Server, shop: Database) -> None:
    """A session is ended though an earlier run died after it revoked the login."""
    server.query(CREATE_REPORTER, as_user=MASTER)
    inside = server.connect(REPORTER, "shop")
    server.query("ALTER ROLE reporter NOLOGIN PASSWORD NULL", as_user=MASTER)
    shop.revoke_production_logins(keep=[])

    with pytest.raises(psycopg2.OperationalError), inside.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_session_opened_with_productions_master_password_is_ended(
    server: Server, shop: Database
) -> None:
    """A master's session from before the change of password is ended, because it could open every
    login; our own goes on.
    """
    server.query(CREATE_REPORTER, as_user=MASTER)
    with closing(server.connect(MASTER, "shop")) as inside, inside.cursor() as cursor:
        assert ["reporter"] == shop.revoke_production_logins(keep=[])
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("ALTER ROLE reporter LOGIN PASSWORD 'Production-1'")

    assert not shop.try_login(REPORTER)


def test_the_sessions_of_kept_roles_go_on(server: Server, shop: Database) -> None:
    """A session of a role in KEEP_LOGIN_ROLES is not ended."""
    server.query(CREATE_REPORTER, as_user=MASTER)
    inside = server.connect(REPORTER, "shop")
    shop.revoke_production_logins(keep=["reporter"])

    with inside.cursor() as cursor:
        cursor.execute("SELECT 1")
    inside.close()


def test_an_expired_password_is_taken_too(server: Server, shop: Database) -> None:
    """A password that has expired is removed, because VALID UNTIL can be prolonged."""
    server.query(CREATE_REPORTER + " VALID UNTIL '2001-01-01'", as_user=MASTER)
    taken = shop.revoke_production_logins(keep=[])
    server.query("ALTER ROLE reporter LOGIN VALID UNTIL 'infinity'")

    assert ["reporter"] == taken
    assert not shop.try_login(REPORTER)


def test_a_superuser_of_rds_is_left_alone(server: Server, shop: Database) -> None:
    """A superuser called rds… is RDS's own, because only RDS can make superusers on Aurora."""
    server.query("CREATE ROLE rdsnewservice LOGIN SUPERUSER PASSWORD 'Only-AWS-knows'")

    assert [] == shop.revoke_production_logins(keep=[])


def test_a_group_that_could_log_in_still_gives_its_members_their_rights(
    server: Server, shop: Database
) -> None:
    """A role that loses its login keeps its objects and its members' rights."""
    server.query(
        CREATE_REPORTER + "; CREATE ROLE kept LOGIN PASSWORD 'Kept-1' IN ROLE reporter",
        as_user=MASTER,
    )
    shop.revoke_production_logins(keep=["kept"])
    found = server.query("SELECT pg_has_role('reporter', 'USAGE')", as_user=login("kept", "Kept-1"))

    assert [(True,)] == found


def test_what_production_set_for_the_master_does_not_hold(server: Server, shop: Database) -> None:
    """Settings of the master's role (ALTER ROLE … SET) have no effect on our sessions."""
    server.query(CREATE_REPORTER + "; GRANT reporter TO master", as_user=MASTER)
    server.query(
        "ALTER ROLE master SET default_transaction_read_only = on; ALTER ROLE master SET role = "
        "'reporter'"
    )
    try:
        assert ["reporter"] == shop.revoke_production_logins(keep=[])
    finally:
        server.query("ALTER ROLE master RESET ALL")


def test_a_login_opened_meanwhile_is_found_by_the_second_verification(server: Server) -> None:
    """The second check names a login that was opened after the first found none."""
    server.query(CREATE_REPORTER, as_user=MASTER)

    def open_again(statement: str) -> bool:
        if statement.startswith("CREATE DATABASE"):  # of the second proof
            server.query("ALTER ROLE reporter LOGIN")
        return True

    with (
        proxy(server, open_again) as endpoint,
        pytest.raises(RefusedError, match="still open the copy for reporter"),
    ):
        Database(endpoint, MASTER, "shop").revoke_production_logins(keep=[])


def test_two_set_ups_at_once_wait_for_each_other(server: Server, shop: Database) -> None:
    """A second set-up is refused after its lock timeout, and nothing runs side by side."""
    with (
        shop._with_setup_lock(),
        pytest.raises(DatabaseBusyError, match="a lock that another session holds"),
    ):
        shop.revoke_production_logins(keep=[])

    assert [] == shop.revoke_production_logins(keep=[])


def test_no_server_log_ever_holds_a_password(server: Server, shop: Database) -> None:
    """The server logs every statement and no password, because only verifiers are sent."""
    application, readonly = (
        login("app_user", "Never-logged-1"),
        login("readonly_user", "Never-logged-2"),
    )
    shop.ensure_users(application, readonly)
    shop.ensure_users(application, readonly)
    shop.verify_users(application, readonly)
    server.query("ALTER ROLE app_user BYPASSRLS")
    with pytest.raises(Exception, match="BYPASSRLS"):
        shop.ensure_users(application, readonly)
    shop.try_login(login("app_user", "Never-logged-3"))

    assert 'ROLE "app_user" LOGIN' in server.log
    assert "Never-logged" not in server.log


def test_every_session_has_its_limits(server: Server) -> None:
    """Every session has limits for statements, locks and idle transactions."""
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "search_path",
    )
    with session(server.endpoint, MASTER, "shop") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))

        assert ("20s", "1s", "20s", "") == cursor.fetchone()


def test_rdsadmin_stays_as_it_is(server: Server, shop: Database) -> None:
    """Rdsadmin keeps its login."""
    shop.revoke_production_logins(keep=[])

    assert "rdsadmin" in shop.login_roles()


def test_a_session_whose_role_was_dropped_is_ended(server: Server, shop: Database) -> None:
    """A session is ended though its role was dropped, which DROP ROLE does not do."""
    server.query(CREATE_REPORTER)
    inside = server.connect(REPORTER, "shop")
    server.query("DROP ROLE reporter")
    shop.revoke_production_logins(keep=[])

    with pytest.raises(psycopg2.OperationalError), inside.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_session_that_ended_by_itself_is_not_waited_for(server: Server) -> None:
    """A session that ended by itself is not waited for, though the server answers "false"."""
    other = server.connect(MASTER, "shop")
    with session(server.endpoint, MASTER, "shop") as ours, transaction(ours):
        rows(ours, "SELECT FROM pg_stat_activity")  # which stands still for the transaction
        server.query(f"SELECT pg_terminate_backend({other.info.backend_pid}, 5000)")

        assert [] == logins._end_sessions(ours)


def test_a_role_without_login_that_somebody_holds_is_named(server: Server, shop: Database) -> None:
    """A role whose password cannot be removed now is named, and loses it once it is free."""
    server.query(
        "CREATE ROLE held PASSWORD 'Production-1'; CREATE ROLE free PASSWORD 'Production-1'"
    )
    rds_roles.put_roles_within_reach(server.postgres)
    with server.postgres.session("shop") as cursor:
        cursor.execute("BEGIN; ALTER ROLE held CREATEDB")
        with pytest.raises(DatabaseBusyError, match=r"production's passwords: held\."):
            shop.revoke_production_logins(keep=[])
        cursor.execute("ROLLBACK")
    freed = shop.has_password(login("free", "Production-1"))
    shop.revoke_production_logins(keep=[])

    assert (False, False) == (freed, shop.has_password(login("held", "Production-1")))


BOMB = """
CREATE FUNCTION reopen(int) RETURNS int LANGUAGE plpgsql AS $$
  BEGIN ALTER ROLE reporter LOGIN PASSWORD 'Production-1'; RETURN $1; END $$;
CREATE FUNCTION harmless(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
CREATE TABLE armed (id int);
INSERT INTO armed VALUES (1);
CREATE INDEX ON armed (harmless(id));
CREATE OR REPLACE FUNCTION harmless(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
  BEGIN RETURN public.reopen($1); END $$;
ALTER TABLE armed OWNER TO admin;
CREATE FUNCTION run() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT public.reopen(1)';
ALTER FUNCTION run() OWNER TO admin
"""


@pytest.mark.parametrize("kind", ["LOGIN", "NOLOGIN"])
@pytest.mark.parametrize("deed", ["ANALYZE armed", "SELECT run()"])
def test_what_runs_as_a_role_of_productions_opens_no_login(
    server: Server, shop: Database, kind: str, deed: str
) -> None:
    """Code that runs as a revoked role, by autovacuum or SECURITY DEFINER, opens no login."""
    server.query(f"CREATE ROLE admin {kind} CREATEROLE PASSWORD 'Production-1'; {CREATE_REPORTER}")
    rds_roles.put_roles_within_reach(server.postgres)
    server.query("GRANT reporter TO admin WITH ADMIN OPTION")
    server.query(BOMB, database="shop")
    shop.revoke_production_logins(keep=[])
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        server.query(deed, database="shop")

    assert not shop.try_login(REPORTER)

"""What production set for databases and roles has no effect on our sessions or our users."""

from collections.abc import Iterator

import pytest
from localaws.postgres import rds_roles

from chalicelib.database.connection import session
from chalicelib.database.restored_database import Database, DatabaseBusyError
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import MASTER, Server, login, skip_before_16
from tests.database.production import APPLICATION, READ_ONLY, set_up

REPORTER = login("reporter", "Production-1")
TRAP = """
CREATE SCHEMA trap AUTHORIZATION reporter;
SET ROLE reporter;
CREATE VIEW trap.pg_roles AS
  SELECT oid, rolname, false AS rolcanlogin, rolsuper, rolvaliduntil, rolreplication,
       rolbypassrls FROM pg_catalog.pg_roles;
CREATE VIEW trap.pg_database AS SELECT * FROM pg_catalog.pg_database WHERE false;
CREATE VIEW trap.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity WHERE false;
CREATE TABLE trap.ran (by text);
CREATE FUNCTION trap.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO trap.ran VALUES (session_user); RETURN $2; END $$;
CREATE FUNCTION trap.starts_with(name, text) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO trap.ran VALUES (session_user); RETURN true; END $$;
CREATE FUNCTION trap.same(name, name) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO trap.ran VALUES (session_user); RETURN true; END $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.same);
GRANT USAGE ON SCHEMA trap TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA trap TO PUBLIC;
RESET ROLE;
ALTER DATABASE shop SET search_path = trap, pg_catalog
"""
HOSTILE = {
    "default_transaction_read_only": "on",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "search_path": "trap, pg_catalog",
    "row_security": "off",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "default_transaction_isolation": "serializable",
    "role": "reporter",
}


@pytest.fixture(autouse=True)
def _as_before(server: Server) -> Iterator[None]:
    server.query("CREATE ROLE reporter LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    server.query("GRANT reporter TO master", as_user=MASTER)
    yield
    server.query(
        "ALTER ROLE master RESET ALL; ALTER DATABASE shop RESET ALL; ALTER DATABASE postgres RESET "
        "ALL"
    )
    server.query("ALTER ROLE master CONNECTION LIMIT -1 VALID UNTIL 'infinity'")


def test_an_owners_views_and_functions_stand_in_for_nothing(server: Server, shop: Database) -> None:
    """Views and functions that an owner puts before the system's own are neither read nor run."""
    server.query(TRAP, database="shop")
    set_up(shop)

    assert not shop.try_login(REPORTER)
    assert [] == server.query("SELECT * FROM trap.ran", database="shop")


@pytest.mark.parametrize("whose", ["DATABASE shop", "DATABASE postgres", "ROLE master"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_setting_of_production_reaches_no_session_of_ours(
    server: Server, name: str, whose: str
) -> None:
    """Our sessions outrank settings of database and role from their first statement on."""
    database = whose.removeprefix("DATABASE ") if whose.startswith("DATABASE") else "shop"
    server.query(
        f"ALTER {whose} SET {name} = "
        f"{HOSTILE[name] if name == 'search_path' else repr(HOSTILE[name])}"
    )
    try:
        with (
            session(server.endpoint, MASTER, database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SHOW {name}")
            (found,) = cursor.fetchone()
    finally:
        server.query(
            f"ALTER {whose} RESET {name}",
            database="template1" if database == "postgres" else "postgres",
        )

    assert found != HOSTILE[name]


def test_what_production_set_for_our_users_is_reset(production: Server, shop: Database) -> None:
    """Their names came with production, and so did settings, general and for one database."""
    production.query("CREATE ROLE app_user LOGIN; CREATE ROLE readonly_user LOGIN", as_user=MASTER)
    for name in ("app_user", "readonly_user"):
        production.query(
            f"ALTER ROLE {name} SET statement_timeout = '1ms'; ALTER ROLE {name} IN DATABASE shop "
            f"SET search_path = x;ALTER ROLE {name} IN DATABASE postgres SET "
            "default_transaction_read_only = on"
        )
    set_up(shop)
    settings = "SELECT DISTINCT setconfig FROM pg_db_role_setting WHERE setrole <> 0"

    assert [(["default_transaction_read_only=on"],)] == production.query(settings)


def test_a_setting_of_the_database_that_stops_plain_clients_is_named(
    production: Server, shop: Database
) -> None:
    """A setting that stops plain clients stays and is named. No proof claims that the application
    writes there, and no other setting is shown.
    """
    production.query("ALTER DATABASE shop SET default_transaction_read_only = on")
    production.query("ALTER DATABASE shop SET app.signing_key = 'Never-told-1'")
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    proofs = shop.verify_users(APPLICATION, READ_ONLY)
    expected = "production set default_transaction_read_only=on for all sessions there."

    assert "Never-told" not in str(proofs)
    assert ["app_user is stopped in database shop as any plain client is"] == [
        sentence.partition(" (")[0] for sentence in proofs.warnings
    ]
    assert expected in proofs.warnings[0]
    assert not any("app_user" in sentence and "shop" in sentence for sentence in proofs.proven)


def test_a_database_whose_sessions_end_at_an_error_is_set_up(
    production: Server, shop: Database
) -> None:
    """The set-up works with exit_on_error on, which would end a session at the first refusal."""
    production.query(
        "ALTER DATABASE shop SET exit_on_error = on; ALTER ROLE master SET exit_on_error = on"
    )
    try:
        assert () != set_up(shop)
    finally:
        production.query("ALTER ROLE master RESET ALL")


def test_untried_checks_are_reported(production: Server, shop: Database) -> None:
    """A table with policies, triggers or rules runs code, so it is not tried but named."""
    production.query(
        "ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;"
        'CREATE RULE quiet AS ON DELETE TO "Odd ""schema""; --"."Per%cent" DO INSTEAD NOTHING',
        database="shop",
    )
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    proofs = shop.verify_users(APPLICATION, READ_ONLY)

    assert any(
        sentence.startswith("In database shop app_user logged in; there was no table")
        for sentence in proofs.untried
    )
    assert not any("reads and writes in database shop" in sentence for sentence in proofs.proven)


def test_a_write_that_is_tried_runs_nobodys_code(production: Server, shop: Database) -> None:
    """A default or a trigger that raises an error disturbs no verification."""
    production.query(
        "CREATE FUNCTION sales.boom() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran'; END "
        "$$;CREATE FUNCTION sales.bang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran'; "
        "END $$;ALTER TABLE sales.orders ADD price int DEFAULT NULL, ADD twice int GENERATED "
        "ALWAYS AS (id * 2) STORED;ALTER TABLE sales.orders ALTER price SET DEFAULT "
        "sales.boom();CREATE TABLE sales.audited (id int); ALTER TABLE sales.audited OWNER TO "
        "accounts;GRANT USAGE ON SCHEMA sales TO accounts;CREATE TRIGGER each AFTER DELETE OR "
        "UPDATE ON sales.audited EXECUTE FUNCTION sales.bang()",
        database="shop",
    )

    assert "app_user reads and writes in database shop (tried on 2 tables)." in set_up(shop)


@pytest.mark.parametrize(
    "how",
    [
        "NOLOGIN",
        "LOGIN VALID UNTIL '2001-01-01'",
        "NOLOGIN VALID UNTIL '2001-01-01'",
        "LOGIN CONNECTION LIMIT 0",
    ],
)
def test_a_password_is_known_also_of_a_role_that_cannot_come_in(
    server: Server, shop: Database, how: str
) -> None:
    """Production's password is told from another one without opening the role's login."""
    server.query(f"CREATE ROLE app_user {how} PASSWORD 'Production-1'", as_user=MASTER)
    attributes = (
        "SELECT rolcanlogin, rolvaliduntil::text, rolconnlimit FROM pg_roles WHERE rolname = "
        "'app_user'"
    )
    before = server.query(attributes)
    known = shop.has_password(login("app_user", "Production-1"))

    assert (True, False) == (known, shop.has_password(login("app_user", "another")))
    assert before == server.query(attributes)
    assert not shop.has_password(login("nobody", "Production-1"))


def test_a_role_that_cannot_log_in_loses_its_password(server: Server, shop: Database) -> None:
    """LOGIN alone opens none of production's roles afterwards."""
    server.query("CREATE ROLE grouped NOLOGIN PASSWORD 'Production-1'", as_user=MASTER)
    shop.revoke_production_logins(keep=[])
    server.query("ALTER ROLE grouped LOGIN")

    assert not shop.try_login(login("grouped", "Production-1"))


def test_a_role_that_somebody_holds_keeps_no_other_open(server: Server, shop: Database) -> None:
    """A role that another transaction changes is named, and all other logins are revoked."""
    server.query(
        "CREATE ROLE held LOGIN PASSWORD 'Production-1'; CREATE ROLE zoe LOGIN PASSWORD "
        "'Production-1'"
    )
    rds_roles.put_roles_within_reach(server.postgres)
    with server.postgres.session("shop") as cursor:
        cursor.execute("BEGIN; ALTER ROLE held CREATEDB")
        with pytest.raises(DatabaseBusyError, match=r"still have production's passwords: held\.$"):
            shop.revoke_production_logins(keep=[])
        cursor.execute("ROLLBACK")

    assert not shop.try_login(login("zoe", "Production-1"))
    assert ["held"] == shop.revoke_production_logins(keep=[])


def test_a_session_of_a_revoked_login_that_holds_a_role_is_ended(
    server: Server, shop: Database
) -> None:
    """A session of a revoked login that holds another role is ended with its transaction."""
    server.query("CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'Production-1'", as_user=MASTER)
    held = server.connect(login("admin", "Production-1"), "shop")
    held.autocommit = False
    with held.cursor() as cursor:
        cursor.execute("CREATE ROLE aaa LOGIN PASSWORD 'Production-1'")
    held.commit()
    rds_roles.put_roles_within_reach(server.postgres)
    with held.cursor() as cursor:
        cursor.execute("ALTER ROLE aaa CONNECTION LIMIT 3")

    assert ["aaa", "admin", "reporter"] == shop.revoke_production_logins(keep=[])


def test_the_second_verification_leaves_no_database_behind(server: Server, shop: Database) -> None:
    """The database that is made for the second check is dropped, also one that a dead run left."""
    server.query("CREATE DATABASE aurora_restore_proof_dead", as_user=MASTER)
    shop.revoke_production_logins(keep=[])
    found = server.query(
        "SELECT datname FROM pg_database WHERE starts_with(datname, 'aurora_restore_proof')"
    )

    assert [] == found


def test_a_role_that_can_still_log_in_is_found_by_the_second_verification(
    server: Server, shop: Database
) -> None:
    """The second check asks in a database that holds nothing of production's."""
    skip_before_16(server)
    server.query("CREATE ROLE theirs LOGIN PASSWORD 'Production-1'")

    with pytest.raises(RefusedError, match="still open the copy for theirs"):
        shop.revoke_production_logins(keep=[])

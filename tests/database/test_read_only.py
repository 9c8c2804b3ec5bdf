"""Everything through which the read-only user could write, of every kind that PostgreSQL has a right for."""

import psycopg2.errors
import pytest
from psycopg2.sql import SQL

from chalicelib.database import Database
from chalicelib.errors import RefusedError
from localaws.postgres import likeness
from tests.database.production import APPLICATION, READ_ONLY, refused, set_up
from tests.database.server import MASTER, Server, login

DEPLOYER = login("deployer", "Production-1")
EXTENSIONS = """
CREATE SCHEMA cron AUTHORIZATION app_owner; CREATE EXTENSION {name};
CREATE TABLE cron.job (id int); ALTER TABLE cron.job OWNER TO app_owner;
CREATE TABLE cron.log (id int); ALTER TABLE cron.log OWNER TO app_owner;
CREATE SEQUENCE cron.turn; ALTER SEQUENCE cron.turn OWNER TO app_owner;
CREATE FUNCTION cron.wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM cron.job';
ALTER FUNCTION cron.wipe() OWNER TO app_owner;
ALTER EXTENSION {name} ADD TABLE cron.job; ALTER EXTENSION {name} ADD SEQUENCE cron.turn;
ALTER EXTENSION {name} ADD FUNCTION cron.wipe(); ALTER EXTENSION {name} ADD SCHEMA cron;
GRANT ALL ON SCHEMA cron TO PUBLIC; GRANT ALL ON cron.job, cron.log TO PUBLIC; GRANT ALL ON SEQUENCE cron.turn TO PUBLIC
"""


def test_what_belongs_to_an_extension_is_not_written(production: Server, shop: Database) -> None:
    """Its schema, tables, sequences and definers: whoever owns an extension may put anything into it."""
    production.query(EXTENSIONS.format(name=production.extension), database="shop")
    shop.lock_out(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    shop.verify_users(APPLICATION, READ_ONLY)

    for statement in (
        "CREATE TABLE cron.mine ()",
        "INSERT INTO cron.job VALUES (1)",
        "INSERT INTO cron.log VALUES (1)",
        "SELECT nextval('cron.turn')",
        "SELECT cron.wipe()",
    ):
        assert refused(production, statement), statement
    production.query("SET ROLE payments; INSERT INTO cron.job VALUES (1)", database="shop")


def test_large_objects_of_others_are_not_written(production: Server, shop: Database) -> None:
    """PUBLIC may update them in production; the application's user and production's roles still do."""
    production.query(
        "SET ROLE app_owner; SELECT lo_from_bytea(4711, 'abc'); SELECT lo_from_bytea(4712, 'def');"
        "GRANT SELECT, UPDATE ON LARGE OBJECT 4711 TO PUBLIC; GRANT SELECT ON LARGE OBJECT 4712 TO PUBLIC",
        database="shop",
    )
    set_up(shop)

    assert refused(production, "SELECT lo_put(4711, 0, 'x')")
    assert refused(production, "SELECT lo_unlink(4712)")
    production.query("SELECT lo_put(4711, 0, 'x')", as_user=APPLICATION, database="shop")
    production.query("SET ROLE payments; SELECT lo_put(4711, 1, 'y')", database="shop")

    assert [(b"xyc",)] == [
        (bytes(data),) for (data,) in production.query("SELECT lo_get(4711)", as_user=READ_ONLY, database="shop")
    ]


def test_large_objects_that_it_made_are_taken_at_the_next_set_up(production: Server, shop: Database) -> None:
    """No right forbids to make them. They are kept, and whoever made them can no longer write them."""
    set_up(shop)
    make = "SET transaction_read_only = off; SELECT lo_from_bytea(4713, 'abc')"
    production.query(make, as_user=READ_ONLY, database="shop")
    set_up(shop)

    assert refused(production, "SELECT lo_put(4713, 0, 'x')")
    assert [(True,)] == production.query("SELECT lo_get(4713) = 'abc'", database="shop")


def test_temporary_objects_of_its_sessions_do_not_stop_a_set_up(production: Server, shop: Database) -> None:
    """They are the session's own, and are gone with it: no sign of a user that owns what stays."""
    set_up(shop)
    session = production.connect(READ_ONLY, "shop")
    try:
        session.cursor().execute(
            "SET transaction_read_only = off; CREATE TEMPORARY TABLE scratch (id serial, what text);"
            "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE pg_temp.t AS ENUM ('a')"
        )
        shop.ensure_users(APPLICATION, READ_ONLY)
    finally:
        session.close()


def test_it_enters_no_template(production: Server, shop: Database) -> None:
    """What PUBLIC may do in a template is nobody's to look after, so the read-only user stays out; others go in."""
    production.query("CREATE ROLE deployer LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    production.query("CREATE DATABASE mould IS_TEMPLATE true", as_user=MASTER)
    try:
        production.query("CREATE TABLE public.notes (id int); GRANT ALL ON public.notes TO PUBLIC", database="mould")
        shop.lock_out(keep=["deployer"])
        shop.ensure_users(APPLICATION, READ_ONLY)
        shop.verify_users(APPLICATION, READ_ONLY, keep=["deployer"])

        for template in ("mould", "template1"):
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                production.query("SELECT", as_user=READ_ONLY, database=template)
        production.query("INSERT INTO public.notes VALUES (1)", as_user=DEPLOYER, database="mould")
    finally:
        production.query("ALTER DATABASE mould IS_TEMPLATE false")


def test_a_template_that_cannot_be_shut_is_set_up_like_any_other(production: Server, shop: Database) -> None:
    """It is rdsadmin's, and what PUBLIC may write there is refused by name."""
    production.query("CREATE DATABASE mould IS_TEMPLATE true")
    try:
        assert "readonly_user logs in to database mould." in set_up(shop)
        production.query("CREATE TABLE public.notes (id int); GRANT ALL ON public.notes TO PUBLIC", database="mould")

        with pytest.raises(RefusedError, match=r"more than read in database mould: .* table public\.notes"):
            shop.ensure_users(APPLICATION, READ_ONLY)
    finally:
        production.query("ALTER DATABASE mould IS_TEMPLATE false")


def test_a_database_that_the_master_cannot_shut_or_enter_is_refused(production: Server, shop: Database) -> None:
    """Nobody knows what the read-only user may do there."""
    production.query("CREATE ROLE readonly_user", as_user=MASTER)
    production.query("CREATE DATABASE theirs")
    production.query("REVOKE CONNECT ON DATABASE theirs FROM PUBLIC; GRANT CONNECT ON DATABASE theirs TO readonly_user")

    with pytest.raises(RefusedError, match="may connect to database theirs, where the master user cannot see"):
        set_up(shop)


def test_an_aggregate_runs_no_definer(production: Server, shop: Database) -> None:
    """PostgreSQL asks an aggregate's owner, not its caller, for the right to call its functions."""
    production.query(
        "SET ROLE app_owner; CREATE FUNCTION sales.step(int, text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN EXECUTE $2; RETURN 1; END $$; REVOKE ALL ON FUNCTION sales.step FROM PUBLIC;"
        "CREATE AGGREGATE sales.run(text) (SFUNC = sales.step, STYPE = int, INITCOND = '0');"
        "CREATE FUNCTION sales.pass(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION sales.ending(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';"
        "CREATE AGGREGATE sales.last_one(int) (SFUNC = sales.pass, STYPE = int, FINALFUNC = sales.ending);"
        "CREATE AGGREGATE sales.kept(int) (SFUNC = sales.pass, STYPE = int, INITCOND = '0')",
        database="shop",
    )
    set_up(shop)

    assert refused(production, "SELECT sales.run('DELETE FROM sales.orders')")
    assert refused(production, "SELECT sales.last_one(1)")
    assert [(1,)] == production.query("SELECT sales.kept(1)", as_user=READ_ONLY, database="shop")


def test_a_range_type_runs_no_definer(production: Server, shop: Database) -> None:
    """Nobody is asked for the right to call its functions when a temporary table is indexed."""
    production.query(
        "SET ROLE app_owner; CREATE FUNCTION sales.apart(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE "
        "SECURITY DEFINER AS $$ BEGIN DELETE FROM sales.orders; RETURN 1; END $$;"
        "CREATE TYPE sales.span AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = sales.apart)",
        database="shop",
    )
    set_up(shop)

    assert refused(production, "CREATE TEMPORARY TABLE spans (span sales.span)")


def test_servers_wrappers_tablespaces_and_parameters_are_taken(production: Server, shop: Database) -> None:
    """Also where QUIESCE leaves servers and wrappers as they are."""
    production.query(
        "CREATE FOREIGN DATA WRAPPER way; ALTER ROLE app_owner SUPERUSER;"
        "ALTER FOREIGN DATA WRAPPER way OWNER TO app_owner; ALTER ROLE app_owner NOSUPERUSER;"
        "SET ROLE app_owner; CREATE SERVER out FOREIGN DATA WRAPPER way;"
        "GRANT USAGE ON FOREIGN DATA WRAPPER way TO PUBLIC; GRANT USAGE ON FOREIGN SERVER out TO PUBLIC",
        database="shop",
    )
    production.query("GRANT SET ON PARAMETER log_min_messages TO master WITH GRANT OPTION")
    production.query("GRANT SET ON PARAMETER log_min_messages TO PUBLIC", as_user=MASTER)
    try:
        set_up(shop)

        assert refused(production, "CREATE SERVER mine FOREIGN DATA WRAPPER way")
        assert refused(production, "CREATE USER MAPPING FOR CURRENT_USER SERVER out")
        assert refused(production, "SET log_min_messages = 'debug5'")
    finally:
        production.query("REVOKE ALL ON PARAMETER log_min_messages FROM master CASCADE")


def test_rights_on_columns_move_as_they_are(production: Server, shop: Database) -> None:
    """Who could update one column can update that one, and no other."""
    production.query("CREATE ROLE deployer LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    production.query(
        'SET ROLE app_owner; ALTER TABLE sales.orders ADD "Odd, {}" text; GRANT USAGE ON SCHEMA sales TO PUBLIC;'
        'GRANT UPDATE ("Odd, {}") ON sales.orders TO PUBLIC',
        database="shop",
    )
    likeness.put_roles_within_reach(production.postgres)
    shop.lock_out(keep=["deployer"])
    shop.ensure_users(APPLICATION, READ_ONLY)

    production.query("""UPDATE sales.orders SET "Odd, {}" = 'x'""", as_user=DEPLOYER, database="shop")
    assert refused(production, """UPDATE sales.orders SET "Odd, {}" = 'x'""")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        production.query("UPDATE sales.orders SET what = 'x'", as_user=DEPLOYER, database="shop")


def test_it_gives_no_right_on(production: Server, shop: Database) -> None:
    """Production let a role of its name grant what it may read."""
    production.query("CREATE ROLE readonly_user", as_user=MASTER)
    production.query(
        "SET ROLE app_owner; GRANT SELECT ON sales.orders TO readonly_user WITH GRANT OPTION;"
        "GRANT USAGE ON SCHEMA sales TO readonly_user WITH GRANT OPTION",
        database="shop",
    )
    set_up(shop)

    assert [(False,)] == production.query(
        "SELECT has_table_privilege('readonly_user', 'sales.orders', 'SELECT WITH GRANT OPTION')"
        " OR has_schema_privilege('readonly_user', 'sales', 'USAGE WITH GRANT OPTION')",
        database="shop",
    )


def test_what_everybody_would_write_later_is_taken(production: Server, shop: Database) -> None:
    """Default privileges of PUBLIC go to the others."""
    production.query("CREATE ROLE deployer LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    large = "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT UPDATE ON LARGE OBJECTS TO PUBLIC;"
    production.query(
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA sales GRANT INSERT ON TABLES TO PUBLIC;"
        f"GRANT USAGE ON SCHEMA sales TO PUBLIC; {large if production.version >= 18 else ''}",
        database="shop",
    )
    shop.lock_out(keep=["deployer"])
    shop.ensure_users(APPLICATION, READ_ONLY)
    production.query(
        "SET ROLE app_owner; CREATE TABLE sales.later (id int); SELECT lo_from_bytea(4714, 'abc')", database="shop"
    )

    assert refused(production, "INSERT INTO sales.later VALUES (1)")
    assert refused(production, "SELECT lo_put(4714, 0, 'x')")
    production.query("INSERT INTO sales.later VALUES (1)", as_user=DEPLOYER, database="shop")


def test_its_own_password_is_the_secrets_again(production: Server, shop: Database) -> None:
    """No right forbids the change. It is said, and the next set-up undoes it, as it does its own settings."""
    set_up(shop)
    production.query(
        "SET transaction_read_only = off; ALTER ROLE CURRENT_USER PASSWORD 'Mine-alone-1';"
        "ALTER ROLE CURRENT_USER SET default_transaction_read_only = off",
        as_user=READ_ONLY,
        database="shop",
    )
    shop.ensure_users(APPLICATION, READ_ONLY)

    assert [("on",)] == production.query("SHOW transaction_read_only", as_user=READ_ONLY, database="shop")
    (said,) = shop.verify_users(APPLICATION, READ_ONLY).allowed
    assert said.startswith("readonly_user may change its own password until the next set-up")


def test_everybody_elses_group_opens_nothing(production: Server, shop: Database) -> None:
    """It cannot log in and is in no group, also where production had a role of its name; the two users are outside."""
    production.query("CREATE ROLE aurora_restore_everybody_else LOGIN CREATEDB PASSWORD 'Production-1'", as_user=MASTER)
    production.query("GRANT payments TO aurora_restore_everybody_else", as_user=MASTER)
    set_up(shop)
    group = "'aurora_restore_everybody_else'"

    assert [(False, False)] == production.query(
        SQL(f"SELECT rolcanlogin, rolcreatedb FROM pg_roles WHERE rolname = {group}")
    )
    assert [(False, False, False)] == production.query(
        f"SELECT pg_has_role({group}, 'payments', 'MEMBER'), pg_has_role('readonly_user', {group}, 'MEMBER'),"
        f" pg_has_role('app_user', {group}, 'MEMBER')"
    )

"""Everything through which the read-only user could write, of every kind that PostgreSQL has a
right for.
"""

from collections.abc import Iterator
from functools import partial

import psycopg2.errors
import pytest
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database
from tests.database.postgres_server import MASTER, Server, clean, login
from tests.database.postgres_versions import WANTED, Servers
from tests.database.production import APPLICATION, READ_ONLY, create_production, refused

DEPLOYER = login("deployer", "Production-1")
ROLES = """
CREATE ROLE deployer LOGIN PASSWORD 'Production-1';
CREATE ROLE readonly_user;
CREATE ROLE aurora_restore_everybody_else LOGIN CREATEDB PASSWORD 'Production-1';
GRANT payments TO aurora_restore_everybody_else
"""
EXTENSION = """
CREATE SCHEMA cron AUTHORIZATION app_owner; CREATE EXTENSION {name};
CREATE TABLE cron.job (id int); ALTER TABLE cron.job OWNER TO app_owner;
CREATE TABLE cron.log (id int); ALTER TABLE cron.log OWNER TO app_owner;
CREATE SEQUENCE cron.turn; ALTER SEQUENCE cron.turn OWNER TO app_owner;
CREATE FUNCTION cron.wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM cron.job';
ALTER FUNCTION cron.wipe() OWNER TO app_owner;
ALTER EXTENSION {name} ADD TABLE cron.job; ALTER EXTENSION {name} ADD SEQUENCE cron.turn;
ALTER EXTENSION {name} ADD FUNCTION cron.wipe(); ALTER EXTENSION {name} ADD SCHEMA cron;
GRANT ALL ON SCHEMA cron TO PUBLIC;
GRANT ALL ON cron.job, cron.log TO PUBLIC;
GRANT ALL ON SEQUENCE cron.turn TO PUBLIC
"""
LARGE_OBJECTS = """
SET ROLE app_owner; SELECT lo_from_bytea(4711, 'abc'); SELECT lo_from_bytea(4712, 'def');
GRANT SELECT, UPDATE ON LARGE OBJECT 4711 TO PUBLIC; GRANT SELECT ON LARGE OBJECT 4712 TO PUBLIC
"""
AGGREGATES = """
SET ROLE app_owner;
CREATE FUNCTION sales.step(int, text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN EXECUTE $2; RETURN 1; END $$;
REVOKE ALL ON FUNCTION sales.step FROM PUBLIC;
CREATE AGGREGATE sales.run(text) (SFUNC = sales.step, STYPE = int, INITCOND = '0');
CREATE FUNCTION sales.pass(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION sales.ending(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
CREATE AGGREGATE sales.last_one(int) (SFUNC = sales.pass, STYPE = int, FINALFUNC = sales.ending);
CREATE AGGREGATE sales.kept(int) (SFUNC = sales.pass, STYPE = int, INITCOND = '0');
CREATE FUNCTION sales.apart(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER AS
  $$ BEGIN DELETE FROM sales.orders; RETURN 1; END $$;
CREATE TYPE sales.span AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = sales.apart)
"""
SERVERS = """
CREATE FOREIGN DATA WRAPPER way; ALTER ROLE app_owner SUPERUSER;
ALTER FOREIGN DATA WRAPPER way OWNER TO app_owner; ALTER ROLE app_owner NOSUPERUSER;
SET ROLE app_owner; CREATE SERVER out FOREIGN DATA WRAPPER way;
GRANT USAGE ON FOREIGN DATA WRAPPER way TO PUBLIC; GRANT USAGE ON FOREIGN SERVER out TO PUBLIC
"""
RIGHTS = """
SET ROLE app_owner; GRANT USAGE ON SCHEMA sales TO PUBLIC;
ALTER TABLE sales.orders ADD "Odd, {}" text; GRANT UPDATE ("Odd, {}") ON sales.orders TO PUBLIC;
GRANT SELECT ON sales.orders TO readonly_user WITH GRANT OPTION;
GRANT USAGE ON SCHEMA sales TO readonly_user WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA sales GRANT INSERT ON TABLES TO PUBLIC
"""
LARGE_OBJECTS_LATER = (
    "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT UPDATE ON LARGE OBJECTS TO PUBLIC"
)


@pytest.fixture(scope="module", params=WANTED)
def copy(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Server]:
    """Set the users up once, where production lets PUBLIC write whatever there is a right for."""
    server = servers.get(request.param)
    clean(server)
    create_production(server)
    in_shop = partial(server.query, database="shop")
    server.query(ROLES, as_user=MASTER)
    rds_roles.put_roles_within_reach(server.postgres)
    for what in (
        EXTENSION.format(name=server.extension),
        LARGE_OBJECTS,
        AGGREGATES,
        SERVERS,
        RIGHTS,
    ):
        in_shop(what)
    if server.version >= 18:
        in_shop(LARGE_OBJECTS_LATER)
    server.query("CREATE DATABASE mould IS_TEMPLATE true", as_user=MASTER)
    notes = "CREATE TABLE public.notes (id int); GRANT ALL ON public.notes TO PUBLIC"
    server.query(notes, as_user=MASTER, database="mould")
    server.query("GRANT SET ON PARAMETER log_min_messages TO master WITH GRANT OPTION")
    server.query("GRANT SET ON PARAMETER log_min_messages TO PUBLIC", as_user=MASTER)
    shop = Database(server.endpoint, MASTER, "shop")
    shop.revoke_production_logins(keep=["deployer"])
    shop.ensure_users(APPLICATION, READ_ONLY)
    yield server
    server.query("ALTER DATABASE mould IS_TEMPLATE false")
    server.query("REVOKE ALL ON PARAMETER log_min_messages FROM master CASCADE")


def test_what_belongs_to_an_extension_is_not_written(copy: Server) -> None:
    """The read-only user writes to no object of an extension."""
    for statement in (
        "CREATE TABLE cron.mine ()",
        "INSERT INTO cron.job VALUES (1)",
        "INSERT INTO cron.log VALUES (1)",
        "SELECT nextval('cron.turn')",
        "SELECT cron.wipe()",
    ):
        assert refused(copy, statement), statement
    copy.query("SET ROLE payments; INSERT INTO cron.job VALUES (1)", database="shop")


def test_large_objects_of_others_are_not_written(copy: Server) -> None:
    """The read-only user cannot update large objects; the application and production's roles still
    can.
    """
    assert refused(copy, "SELECT lo_put(4711, 0, 'x')")
    assert refused(copy, "SELECT lo_unlink(4712)")
    copy.query("SELECT lo_put(4711, 0, 'x')", as_user=APPLICATION, database="shop")
    copy.query("SET ROLE payments; SELECT lo_put(4711, 1, 'y')", database="shop")

    ((data,),) = copy.query("SELECT lo_get(4711)", as_user=READ_ONLY, database="shop")
    assert b"xyc" == bytes(data)


def test_the_attacker_enters_no_template(copy: Server) -> None:
    """The read-only user cannot connect to templates, and production's roles still can."""
    for template in ("mould", "template1"):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            copy.query("SELECT", as_user=READ_ONLY, database=template)
    copy.query("INSERT INTO public.notes VALUES (1)", as_user=DEPLOYER, database="mould")


def test_an_aggregate_runs_no_definer(copy: Server) -> None:
    """An aggregate over a SECURITY DEFINER function is not the read-only user's to call."""
    assert refused(copy, "SELECT sales.run('DELETE FROM sales.orders')")
    assert refused(copy, "SELECT sales.last_one(1)")
    assert [(1,)] == copy.query("SELECT sales.kept(1)", as_user=READ_ONLY, database="shop")


def test_a_range_type_runs_no_definer(copy: Server) -> None:
    """An index on a range type runs no SECURITY DEFINER function for the read-only user."""
    assert refused(copy, "CREATE TEMPORARY TABLE spans (span sales.span)")


def test_servers_wrappers_and_parameters_are_taken(copy: Server) -> None:
    """Rights on servers, wrappers and parameters are revoked even where QUIESCE leaves them."""
    assert refused(copy, "CREATE SERVER mine FOREIGN DATA WRAPPER way")
    assert refused(copy, "CREATE USER MAPPING FOR CURRENT_USER SERVER out")
    assert refused(copy, "SET log_min_messages = 'debug5'")


def test_rights_on_columns_move_as_they_are(copy: Server) -> None:
    """A right on one column stays a right on that column for those who keep it."""
    odd = """UPDATE sales.orders SET "Odd, {}" = 'x'"""
    copy.query(odd, as_user=DEPLOYER, database="shop")

    assert refused(copy, odd)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        copy.query("UPDATE sales.orders SET what = 'x'", as_user=DEPLOYER, database="shop")


def test_the_attacker_passes_on_no_right(copy: Server) -> None:
    """The read-only user loses grant options that production gave a role of its name."""
    options = (
        "SELECT has_table_privilege('readonly_user', 'sales.orders', 'SELECT WITH GRANT OPTION'),"
        " has_schema_privilege('readonly_user', 'sales', 'USAGE WITH GRANT OPTION')"
    )
    assert [(False, False)] == copy.query(options, database="shop")


def test_what_everybody_would_write_later_is_taken(copy: Server) -> None:
    """Default privileges of PUBLIC go to the others."""
    copy.query(
        "SET ROLE app_owner; CREATE TABLE sales.later (id int); SELECT lo_create(4714)",
        database="shop",
    )

    assert refused(copy, "INSERT INTO sales.later VALUES (1)")
    assert refused(copy, "SELECT lo_put(4714, 0, 'x')")
    copy.query("INSERT INTO sales.later VALUES (1)", as_user=DEPLOYER, database="shop")


def test_nothing_is_left_to_warn_of(copy: Server) -> None:
    """Verification finds nothing that could not be revoked."""
    proofs = Database(copy.endpoint, MASTER, "shop").verify_users(
        APPLICATION, READ_ONLY, keep=["deployer"]
    )

    assert () == proofs.warnings


def test_everybody_elses_group_opens_nothing(copy: Server) -> None:
    """The group in place of PUBLIC cannot log in and is in no group; neither user is in it."""
    group = "'aurora_restore_everybody_else'"
    members = (
        f"SELECT pg_has_role({group}, 'payments', 'MEMBER'), pg_has_role('readonly_user', {group}, "
        f"'MEMBER'), pg_has_role('app_user', {group}, 'MEMBER')"
    )
    found = copy.query(f"SELECT rolcanlogin, rolcreatedb FROM pg_roles WHERE rolname = {group}")

    assert [(False, False)] == found
    assert [(False, False, False)] == copy.query(members)

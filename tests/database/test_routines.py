"""Routines: told apart whatever they are called, and those that run as their owner open nothing."""

import psycopg2.errors
import pytest

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import Server
from tests.database.production import APPLICATION, READ_ONLY, refused, set_up

MANY = """
SET ROLE app_owner;
CREATE TYPE sales."Odd type" AS ENUM ('a'); CREATE DOMAIN sales.price AS numeric(10, 2);
CREATE FUNCTION sales.f(integer) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION sales.f(integer, integer) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION sales.f(VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 3';
CREATE FUNCTION sales.f(sales."Odd type", sales.price[], "char", bpchar, "bit") RETURNS int
  LANGUAGE sql AS 'SELECT 4';
CREATE FUNCTION sales.f() RETURNS TABLE (a int, b int) LANGUAGE sql AS 'SELECT 1, 2';
CREATE PROCEDURE sales.p(integer) LANGUAGE sql AS '';
CREATE PROCEDURE sales.p(integer, integer) LANGUAGE sql AS '';
CREATE PROCEDURE sales.q(integer, integer) LANGUAGE sql AS '';
CREATE PROCEDURE sales.q(a integer, OUT b integer) LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE sales.p(INOUT "Odd name" text, VARIADIC rest int[])
  LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE sales.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE AGGREGATE sales.total(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
RESET ROLE;
CREATE AGGREGATE sales.middle(float8 ORDER BY anyelement) (
  SFUNC = ordered_set_transition, STYPE = internal,
  FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
ALTER AGGREGATE sales.middle(float8 ORDER BY anyelement) OWNER TO app_owner;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA sales FROM PUBLIC
"""
DEFINERS = """
SET ROLE app_owner;
CREATE FUNCTION sales.run(what text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE what; END $$;
REVOKE EXECUTE ON FUNCTION sales.run(text) FROM PUBLIC;
CREATE FUNCTION sales.wipe() RETURNS void
  LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM sales.orders';
CREATE PROCEDURE sales.clear(OUT done int) LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN DELETE FROM sales.orders; done := 1; END';
CREATE FUNCTION sales.count_of() RETURNS bigint
  LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM sales.orders';
CREATE FUNCTION sales.as_caller() RETURNS int LANGUAGE sql AS 'SELECT 7';
RESET ROLE
"""


def test_routines_are_distinguished_by_their_whole_signature(
    production: Server, shop: Database
) -> None:
    """Overloaded routines, procedures, aggregates, variadic ones and odd types are granted one by
    one.
    """
    production.query(MANY, database="shop")
    set_up(shop)
    lacking = """
SELECT oid::regprocedure FROM pg_proc
 WHERE pronamespace = 'sales'::regnamespace
   AND NOT has_function_privilege('app_user', oid, 'EXECUTE')
"""
    assert [] == production.query(lacking, database="shop")
    assert [(2,)] == production.query("SELECT sales.f(1, 2)", as_user=APPLICATION, database="shop")


def test_a_definer_that_production_kept_from_public_is_given_to_nobody(
    production: Server, shop: Database
) -> None:
    """A SECURITY DEFINER routine is granted to nobody: run(text) would make anybody its owner."""
    production.query(DEFINERS, database="shop")
    set_up(shop)

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        production.query("SELECT sales.run('SELECT 1')", as_user=APPLICATION, database="shop")


def test_the_read_only_user_calls_no_definer(production: Server, shop: Database) -> None:
    """The read-only user calls no SECURITY DEFINER routine, and still calls the others."""
    production.query(DEFINERS, database="shop")
    set_up(shop)

    for call in (
        "SELECT sales.wipe()",
        "CALL sales.clear(NULL)",
        "SELECT sales.count_of()",
        "SELECT sales.run('')",
    ):
        assert refused(production, call), call
    found = production.query("SELECT sales.as_caller()", as_user=READ_ONLY, database="shop")

    assert [(7,)] == found


def test_the_application_keeps_the_definers_that_everybody_may_call(
    production: Server, shop: Database
) -> None:
    """The application keeps SECURITY DEFINER routines that PUBLIC has in production."""
    production.query(DEFINERS, database="shop")
    set_up(shop)
    found = production.query("SELECT sales.count_of()", as_user=APPLICATION, database="shop")

    assert [(1,)] == found


def test_a_trusted_definer_stays_with_the_read_only_user(
    production: Server, shop: Database
) -> None:
    """A routine of TRUST_DEFINER_FUNCTIONS stays with the read-only user."""
    production.query(DEFINERS, database="shop")
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY, ["sales.count_of"])
    shop.verify_users(APPLICATION, READ_ONLY, ["sales.count_of"])

    assert [(1,)] == production.query("SELECT sales.count_of()", as_user=READ_ONLY, database="shop")
    assert refused(production, "SELECT sales.wipe()")


def test_a_definer_that_is_granted_again_is_noticed(production: Server, shop: Database) -> None:
    """Verification finds a SECURITY DEFINER routine that was granted again."""
    production.query(DEFINERS, database="shop")
    set_up(shop)
    production.query("GRANT EXECUTE ON FUNCTION sales.wipe() TO PUBLIC", database="shop")

    with pytest.raises(
        RefusedError, match=r"EXECUTE on function sales\.wipe\(\).* TRUST_DEFINER_FUNCTIONS"
    ):
        shop.verify_users(APPLICATION, READ_ONLY)


def test_a_definer_of_rds_that_everybody_may_call_is_named(
    production: Server, shop: Database
) -> None:
    """A SECURITY DEFINER routine of rdsadmin's is refused until the team trusts it."""
    production.query(
        "CREATE FUNCTION sales.theirs() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        database="shop",
    )
    shop.revoke_production_logins(keep=[])

    with pytest.raises(RefusedError, match=r"EXECUTE on function sales\.theirs\(\)"):
        shop.ensure_users(APPLICATION, READ_ONLY)
    shop.ensure_users(APPLICATION, READ_ONLY, ["sales.theirs"])


def test_a_trigger_of_somebody_who_may_alter_roles_is_named(
    production: Server, shop: Database
) -> None:
    """A trigger that runs as somebody who may alter roles is named, and the application still
    writes.
    """
    production.query(
        "SET ROLE app_owner; CREATE TABLE sales.commands (command text); CREATE TABLE "
        "sales.audited (id int);CREATE FUNCTION sales.obey() RETURNS trigger LANGUAGE plpgsql "
        "SECURITY DEFINER AS $$ BEGIN EXECUTE NEW.command; RETURN NEW; END $$; CREATE FUNCTION "
        "sales.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN NEW; "
        "END $$;CREATE TRIGGER obey BEFORE INSERT ON sales.commands FOR EACH ROW EXECUTE FUNCTION "
        "sales.obey();CREATE TRIGGER note BEFORE INSERT ON sales.audited FOR EACH ROW EXECUTE "
        "FUNCTION sales.note();RESET ROLE; ALTER FUNCTION sales.obey() OWNER TO master",
        database="shop",
    )
    set_up(shop)
    expected = (
        "app_user may set off triggers of roles that may alter others in database shop, by writing "
        "to sales.commands (as master)"
    )

    assert expected in shop.verify_users(APPLICATION, READ_ONLY).allowed

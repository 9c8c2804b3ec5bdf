"""What the two users can do on a real server, over production's objects, owners and habits."""

import psycopg2.errors
import pytest

from chalicelib.database import Database
from chalicelib.errors import RefusedError
from tests.database.server import MASTER, Server, login

APPLICATION = login("app_user", "Application-1")
READ_ONLY = login("readonly_user", "Read-only-1")

PRODUCTION_ROLES = """
CREATE ROLE app_owner LOGIN PASSWORD 'Production-1';
CREATE ROLE accounts NOLOGIN;
CREATE ROLE payments NOLOGIN;
GRANT CREATE ON DATABASE shop TO app_owner, payments
"""
PRODUCTION_OBJECTS = """
CREATE SCHEMA "Odd ""schema""; --" AUTHORIZATION payments;
CREATE SCHEMA sales AUTHORIZATION app_owner;
SET ROLE app_owner;
CREATE TABLE sales.orders (id serial PRIMARY KEY, what text);
INSERT INTO sales.orders (what) VALUES ('first');
CREATE VIEW sales.recent AS SELECT * FROM sales.orders;
CREATE FUNCTION sales.price(int, text[], "char", numeric(10, 2)) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sales FROM PUBLIC;
SET ROLE payments;
CREATE TABLE "Odd ""schema""; --"."Per%cent" (id int GENERATED ALWAYS AS IDENTITY, what text);
RESET ROLE
"""
ODD_TABLE = '"Odd ""schema""; --"."Per%cent"'


@pytest.fixture
def production(server: Server) -> Server:
    """A server with what production had: owners that the master is no member of, in the schemas of others."""
    server.query(PRODUCTION_ROLES, as_user=MASTER)
    server.query(PRODUCTION_OBJECTS, database="shop")
    return server


def set_up(shop: Database) -> list[str]:
    """Lock production out and let both users in."""
    shop.lock_out(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    return shop.verify_users(APPLICATION, READ_ONLY)


def refused(server: Server, statement: str, *, database: str = "shop") -> bool:
    """Tell whether the read-only user, in a session that may write, is refused this for want of a right."""
    try:
        server.query(f"SET transaction_read_only = off; {statement}", as_user=READ_ONLY, database=database)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    return False


def test_the_application_user_reads_and_writes_everything(production: Server, shop: Database) -> None:
    """Tables, views, sequences and functions of every owner, in every schema."""
    set_up(shop)
    for table in ("sales.orders", ODD_TABLE):
        production.query(f"INSERT INTO {table} (what) VALUES ('second')", as_user=APPLICATION, database="shop")
        production.query(f"UPDATE {table} SET what = 'changed'", as_user=APPLICATION, database="shop")
        production.query(f"DELETE FROM {table}", as_user=APPLICATION, database="shop")
    production.query("CREATE TEMPORARY TABLE scratch (id int)", as_user=APPLICATION, database="shop")

    call = "SELECT sales.price(1, '{}', 'c', 2), nextval('sales.orders_id_seq'), count(*) FROM sales.recent"
    assert [(1, 3, 0)] == production.query(call, as_user=APPLICATION, database="shop")


def test_the_application_user_does_not_change_the_schema(production: Server, shop: Database) -> None:
    """It uses objects; making and emptying them is for their owners."""
    set_up(shop)

    for statement in ("CREATE TABLE sales.mine ()", "TRUNCATE sales.orders", "CREATE SCHEMA mine", "CREATE ROLE mine"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            production.query(statement, as_user=APPLICATION, database="shop")


def test_the_read_only_user_reads_everything_and_writes_nothing(production: Server, shop: Database) -> None:
    """Not even when its session says that it may write."""
    said = set_up(shop)

    read = f"SELECT count(*) FROM sales.recent, {ODD_TABLE}"
    assert [(0,)] == production.query(read, as_user=READ_ONLY, database="shop")
    for statement in (
        "INSERT INTO sales.orders (what) VALUES ('x')",
        f"UPDATE {ODD_TABLE} SET what = 'x'",
        "DELETE FROM sales.recent",
        "SELECT nextval('sales.orders_id_seq')",
        "CREATE TABLE public.mine ()",
        "CREATE SCHEMA mine",
    ):
        assert refused(production, statement), statement
    assert "readonly_user reads in database shop and is refused a write (tried on 2 tables)." in said


def test_the_read_only_users_sessions_begin_read_only(production: Server, shop: Database) -> None:
    """A second guard, against functions that write as their owner."""
    set_up(shop)

    assert [("on",)] == production.query("SHOW transaction_read_only", as_user=READ_ONLY, database="shop")


def test_objects_made_later_are_covered(production: Server, shop: Database) -> None:
    """Whoever makes them: an owner, the master, or the application user where production lets it."""
    production.query("GRANT CREATE ON SCHEMA sales TO app_owner", database="shop")
    set_up(shop)
    production.query("GRANT CREATE ON SCHEMA sales TO app_user", database="shop")
    for maker, name in (("app_owner", "one"), ("payments", "two"), ("master", "three"), ("app_user", "four")):
        schema = "sales" if maker in {"app_owner", "app_user"} else name
        create = "" if schema == "sales" else f"CREATE SCHEMA {schema};"
        production.query(f"GRANT CREATE ON DATABASE shop TO {maker}", database="shop")
        production.query(f"SET ROLE {maker}; {create} CREATE TABLE {schema}.{name} (id serial)", database="shop")
        table = f"{schema}.{name}"

        production.query(f"INSERT INTO {table} DEFAULT VALUES", as_user=APPLICATION, database="shop")
        assert [(1,)] == production.query(f"SELECT id FROM {table}", as_user=READ_ONLY, database="shop")
        assert refused(production, f"DELETE FROM {table}")


def test_every_user_database_is_set_up(production: Server, shop: Database) -> None:
    """Not templates, not databases that take no connections, not RDS's own."""
    production.query('CREATE DATABASE "Led ger"', as_user=MASTER)
    production.query("CREATE DATABASE rdsadmin")
    production.query("CREATE DATABASE closed ALLOW_CONNECTIONS false")
    production.query('REVOKE ALL ON DATABASE "Led ger" FROM PUBLIC', as_user=MASTER)
    said = set_up(shop)

    named = [
        name for name in ("postgres", "shop", "Led ger", "rdsadmin", "closed") if f"database {name} " in " ".join(said)
    ]
    assert ["postgres", "shop", "Led ger"] == named


def test_the_second_night_is_like_the_first(production: Server, shop: Database) -> None:
    """Every statement may be repeated, and the master is left a member of nobody."""
    memberships = "SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members ORDER BY 1, 2"
    first = (set_up(shop), production.query(memberships))

    assert first == (set_up(shop), production.query(memberships))
    assert [] == production.query(
        "SELECT FROM pg_auth_members WHERE member = 'master'::regrole AND set_option "
        "AND roleid <> 'rds_superuser'::regrole"
    )


def test_what_production_gave_a_name_beyond_its_purpose_is_taken(production: Server, shop: Database) -> None:
    """Attributes, memberships, table, column, schema and default privileges of roles that have our users' names."""
    production.query(
        "CREATE ROLE app_user LOGIN CREATEDB CREATEROLE CONNECTION LIMIT 0 VALID UNTIL '2001-01-01' IN ROLE app_owner;"
        "CREATE ROLE readonly_user CREATEDB IN ROLE payments; CREATE ROLE rds_iam; GRANT rds_iam TO app_user",
        as_user=MASTER,
    )
    production.query(
        "GRANT ALL ON sales.orders TO readonly_user WITH GRANT OPTION; GRANT CREATE ON SCHEMA sales TO readonly_user;"
        f"GRANT UPDATE (what) ON {ODD_TABLE} TO readonly_user; GRANT CREATE ON DATABASE shop TO readonly_user;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA sales GRANT ALL ON TABLES TO readonly_user;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE payments GRANT INSERT ON TABLES TO PUBLIC",
        database="shop",
    )
    set_up(shop)
    production.query("CREATE TABLE sales.later (id int); ALTER TABLE sales.later OWNER TO app_owner", database="shop")
    production.query("SET ROLE app_owner; CREATE TABLE sales.latest (id int)", database="shop")

    attributes = (
        "SELECT rolcreatedb OR rolcreaterole, rolconnlimit FROM pg_roles WHERE rolname IN ('app_user', 'readonly_user')"
    )
    assert [(False, -1)] * 2 == production.query(attributes)
    assert refused(production, "DELETE FROM sales.latest")
    assert refused(production, f"UPDATE {ODD_TABLE} SET what = 'x'")


def test_a_read_only_user_that_owns_something_is_refused(production: Server, shop: Database) -> None:
    """An owner may always write; its objects are not taken away behind its back."""
    production.query("CREATE ROLE readonly_user LOGIN", as_user=MASTER)
    production.query("CREATE TABLE sales.hers (); ALTER TABLE sales.hers OWNER TO readonly_user", database="shop")

    with pytest.raises(RefusedError, match="readonly_user came with production and owns objects") as refusal:
        set_up(shop)
    assert "REASSIGN OWNED" in refusal.value.remedy


def test_an_application_user_that_owns_its_tables_keeps_them(production: Server, shop: Database) -> None:
    """Many productions let the application own its schema; the copy is like them, with another password."""
    production.query("CREATE ROLE app_user LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    production.query(
        "CREATE SCHEMA own AUTHORIZATION app_user; SET ROLE app_user; CREATE TABLE own.t (id int)", database="shop"
    )
    set_up(shop)
    production.query(
        "ALTER TABLE own.t ADD what text; INSERT INTO own.t VALUES (1)", as_user=APPLICATION, database="shop"
    )

    assert [(1, None)] == production.query("SELECT * FROM own.t", as_user=READ_ONLY, database="shop")


def test_what_everybody_could_write_moves_to_those_who_stay(production: Server, shop: Database) -> None:
    """Databases from before PostgreSQL 15 let PUBLIC create; the read-only user must not, kept roles and owners still do."""
    production.query("CREATE ROLE deployer LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    production.query("GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT INSERT ON sales.orders TO PUBLIC", database="shop")
    shop.lock_out(keep=["deployer"])
    shop.ensure_users(APPLICATION, READ_ONLY)
    shop.verify_users(APPLICATION, READ_ONLY)
    deployer = login("deployer", "Production-1")
    production.query("CREATE TABLE public.migration (id int)", as_user=deployer, database="shop")
    production.query("INSERT INTO public.migration VALUES (1)", as_user=APPLICATION, database="shop")

    assert [(1,)] == production.query("SELECT id FROM public.migration", as_user=READ_ONLY, database="shop")
    assert refused(production, "CREATE TABLE public.mine ()")
    assert refused(production, "INSERT INTO sales.orders (what) VALUES ('x')")


def test_an_owner_that_the_master_may_not_join_is_a_refusal(production: Server, shop: Database) -> None:
    """GRANT would do nothing and say nothing; the refusal names the role, and nothing is left half done."""
    production.query("CREATE ROLE stranger NOLOGIN")
    production.query("CREATE SCHEMA hidden AUTHORIZATION stranger", database="shop")

    with pytest.raises(RefusedError, match='denies .* "stranger"'):
        set_up(shop)


def test_objects_of_a_superuser_that_cannot_be_granted_are_a_refusal(production: Server, shop: Database) -> None:
    """The sentence names what is missing."""
    production.query("CREATE TABLE sales.locked (id int)", database="shop")

    with pytest.raises(RefusedError, match=r"app_user cannot be given .* SELECT on table sales\.locked"):
        set_up(shop)


def test_extensions_keep_to_themselves(production: Server, shop: Database) -> None:
    """What belongs to an extension is neither granted nor a reason to refuse."""
    production.query("CREATE SCHEMA cron; CREATE EXTENSION vector", database="shop")
    production.query("ALTER EXTENSION vector ADD SCHEMA cron; CREATE TABLE cron.job (id int)", database="shop")
    set_up(shop)

    assert [(False,)] == production.query("SELECT has_schema_privilege('app_user', 'cron', 'USAGE')", database="shop")


def test_tables_with_row_security_do_not_disturb_the_proof(production: Server, shop: Database) -> None:
    """A policy may fail without the application's settings; the rights are proven all the same."""
    production.query(
        "CREATE POLICY tenant ON sales.orders USING (what = current_setting('app.tenant'));"
        "ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY",
        database="shop",
    )

    assert "app_user reads and writes in database shop (tried on 1 tables)." in set_up(shop)


def test_a_lock_in_the_way_is_waited_for(production: Server, shop: Database) -> None:
    """A grant that meets an uncommitted change of the same object ends with its lock timeout, not with a bug."""
    shop.lock_out(keep=[])
    session = production.connect(login("rdsadmin", "Only-AWS-Knows-1"), "shop")
    with session.cursor() as cursor:
        cursor.execute("BEGIN; ALTER ROLE accounts CREATEDB; LOCK TABLE pg_auth_members IN EXCLUSIVE MODE")

        with pytest.raises(Exception, match="a lock that another session holds"):
            shop.ensure_users(APPLICATION, READ_ONLY)
    session.close()
    shop.ensure_users(APPLICATION, READ_ONLY)

    assert [] != shop.verify_users(APPLICATION, READ_ONLY)


def test_verification_notices_a_right_that_went_missing(production: Server, shop: Database) -> None:
    """It looks, it does not remember."""
    set_up(shop)
    production.query("REVOKE DELETE ON sales.orders FROM app_user", database="shop")

    with pytest.raises(RefusedError, match=r"app_user cannot be given .* DELETE on table sales\.orders"):
        shop.verify_users(APPLICATION, READ_ONLY)


def test_verification_notices_a_right_too_many(production: Server, shop: Database) -> None:
    """A read-only user that could write, through anybody's grant, is no read-only user."""
    set_up(shop)
    production.query("GRANT TRUNCATE ON sales.orders TO PUBLIC", database="shop")

    with pytest.raises(RefusedError, match=r"readonly_user could do more than read .* TRUNCATE on table sales\.orders"):
        shop.verify_users(APPLICATION, READ_ONLY)

"""What the two users can do on a real server, over the objects of production's many owners."""

import psycopg2.errors
import pytest

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import MASTER, Server
from tests.database.production import APPLICATION, ODD_TABLE, READ_ONLY, refused, set_up


def test_the_application_user_reads_and_writes_everything(
    production: Server, shop: Database
) -> None:
    """The application user uses objects of every kind, owner and schema."""
    set_up(shop)
    for table in ("sales.orders", ODD_TABLE):
        production.query(
            f"INSERT INTO {table} (what) VALUES ('second')", as_user=APPLICATION, database="shop"
        )
        production.query(
            f"UPDATE {table} SET what = 'changed'", as_user=APPLICATION, database="shop"
        )
        production.query(f"DELETE FROM {table}", as_user=APPLICATION, database="shop")
    production.query(
        "CREATE TEMPORARY TABLE scratch (id int)", as_user=APPLICATION, database="shop"
    )

    call = (
        "SELECT sales.price(1, '{}', 'c', 2), nextval('sales.orders_id_seq'), count(*) FROM "
        "sales.recent"
    )
    assert [(1, 3, 0)] == production.query(call, as_user=APPLICATION, database="shop")


def test_the_application_user_does_not_change_the_schema(
    production: Server, shop: Database
) -> None:
    """The application user uses objects, and cannot create or truncate them."""
    set_up(shop)

    for statement in (
        "CREATE TABLE sales.mine ()",
        "TRUNCATE sales.orders",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            production.query(statement, as_user=APPLICATION, database="shop")


def test_the_read_only_user_reads_everything_and_writes_nothing(
    production: Server, shop: Database
) -> None:
    """The read-only user cannot write even in a session that is not read-only."""
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
    expected = "readonly_user reads in database shop and is refused a write (tried on 2 tables)."

    assert expected in said


def test_the_read_only_users_sessions_begin_read_only(production: Server, shop: Database) -> None:
    """Its sessions begin read-only, as a guard against functions that write as their owner."""
    set_up(shop)
    found = production.query("SHOW transaction_read_only", as_user=READ_ONLY, database="shop")

    assert [("on",)] == found


def test_objects_made_later_are_covered(production: Server, shop: Database) -> None:
    """Later objects are granted too, made by an owner, by the master or by the application user."""
    production.query("GRANT CREATE ON SCHEMA sales TO app_owner", database="shop")
    set_up(shop)
    production.query("GRANT CREATE ON SCHEMA sales TO app_user", database="shop")
    for maker, name in (
        ("app_owner", "one"),
        ("payments", "two"),
        ("master", "three"),
        ("app_user", "four"),
    ):
        schema = "sales" if maker in {"app_owner", "app_user"} else name
        create = "" if schema == "sales" else f"CREATE SCHEMA {schema};"
        production.query(f"GRANT CREATE ON DATABASE shop TO {maker}", database="shop")
        production.query(
            f"SET ROLE {maker}; {create} CREATE TABLE {schema}.{name} (id serial)", database="shop"
        )
        table = f"{schema}.{name}"

        production.query(
            f"INSERT INTO {table} DEFAULT VALUES", as_user=APPLICATION, database="shop"
        )
        found = production.query(f"SELECT id FROM {table}", as_user=READ_ONLY, database="shop")

        assert [(1,)] == found
        assert refused(production, f"DELETE FROM {table}")


def test_every_user_database_is_set_up(production: Server, shop: Database) -> None:
    """Every database is set up but templates, those without connections and RDS's own."""
    production.query('CREATE DATABASE "Led ger"', as_user=MASTER)
    production.query("CREATE DATABASE closed ALLOW_CONNECTIONS false")
    production.query('REVOKE ALL ON DATABASE "Led ger" FROM PUBLIC', as_user=MASTER)
    said = set_up(shop)

    named = [
        name
        for name in ("postgres", "shop", "Led ger", "rdsadmin", "closed")
        if f"database {name} " in " ".join(said)
    ]
    assert ["postgres", "shop", "Led ger"] == named


def test_the_second_night_is_like_the_first(production: Server, shop: Database) -> None:
    """Every statement may be repeated, and the master is left a member of nobody."""
    memberships = (
        "SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members "
        "ORDER BY 1, 2"
    )
    first = (set_up(shop), production.query(memberships))

    assert first == (set_up(shop), production.query(memberships))
    assert [] == production.query(
        "SELECT FROM pg_auth_members AS membership WHERE member = 'master'::regrole AND roleid "
        "<> 'rds_superuser'::regrole AND roleid::regrole::text <> "
        "'aurora_restore_everybody_else' "
        # PostgreSQL 15 has no such option
        "AND coalesce(to_jsonb(membership) ->> 'set_option', 'true') = 'true'"
    )


def test_verification_notices_a_right_that_went_missing(production: Server, shop: Database) -> None:
    """Verification asks the catalog, and finds a right that was revoked after the set-up."""
    set_up(shop)
    production.query("REVOKE DELETE ON sales.orders FROM app_user", database="shop")

    with pytest.raises(
        RefusedError, match=r"app_user cannot be given .* DELETE on table sales\.orders"
    ):
        shop.verify_users(APPLICATION, READ_ONLY)


def test_verification_notices_a_right_too_many(production: Server, shop: Database) -> None:
    """A read-only user that could write, through anybody's grant, is no read-only user."""
    set_up(shop)
    production.query("GRANT TRUNCATE ON sales.orders TO PUBLIC", database="shop")

    with pytest.raises(
        RefusedError,
        match=r"readonly_user could do more than read .* TRUNCATE on table sales\.orders",
    ):
        shop.verify_users(APPLICATION, READ_ONLY)

"""What came with production and stands in the way: names, rights, owners and habits, each with its
one right answer.
"""

import pytest

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError
from tests.database.postgres_server import MASTER, Server, login
from tests.database.production import APPLICATION, ODD_TABLE, READ_ONLY, refused, set_up


def test_what_production_gave_a_name_beyond_its_purpose_is_taken(
    production: Server, shop: Database
) -> None:
    """Roles with our users' names lose attributes, memberships and privileges of every kind."""
    production.query(
        "CREATE ROLE app_user LOGIN CREATEDB CREATEROLE CONNECTION LIMIT 0 VALID UNTIL "
        "'2001-01-01' IN ROLE app_owner;CREATE ROLE readonly_user CREATEDB IN ROLE payments; GRANT "
        "rds_iam TO app_user",
        as_user=MASTER,
    )
    production.query(
        "GRANT ALL ON sales.orders TO readonly_user WITH GRANT OPTION; GRANT CREATE ON SCHEMA "
        f"sales TO readonly_user;GRANT UPDATE (what) ON {ODD_TABLE} TO readonly_user; GRANT CREATE "
        "ON DATABASE shop TO readonly_user;ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA "
        "sales GRANT ALL ON TABLES TO readonly_user;ALTER DEFAULT PRIVILEGES FOR ROLE payments "
        "GRANT INSERT ON TABLES TO PUBLIC",
        database="shop",
    )
    set_up(shop)
    production.query(
        "CREATE TABLE sales.later (id int); ALTER TABLE sales.later OWNER TO app_owner",
        database="shop",
    )
    production.query("SET ROLE app_owner; CREATE TABLE sales.latest (id int)", database="shop")

    attributes = (
        "SELECT rolcreatedb OR rolcreaterole, rolconnlimit FROM pg_roles WHERE rolname IN "
        "('app_user', 'readonly_user')"
    )
    assert [(False, -1)] * 2 == production.query(attributes)
    assert refused(production, "DELETE FROM sales.latest")
    assert refused(production, f"UPDATE {ODD_TABLE} SET what = 'x'")


def test_a_read_only_user_that_owns_something_is_refused(
    production: Server, shop: Database
) -> None:
    """A read-only user that owns something is refused: an owner may always write, and nothing is
    taken away silently.
    """
    production.query("CREATE ROLE readonly_user LOGIN", as_user=MASTER)
    production.query(
        "CREATE TABLE sales.hers (); ALTER TABLE sales.hers OWNER TO readonly_user", database="shop"
    )

    with pytest.raises(
        RefusedError, match="readonly_user came with production and owns objects"
    ) as refusal:
        set_up(shop)
    assert "REASSIGN OWNED" in refusal.value.remedy


def test_an_application_user_that_owns_its_tables_keeps_them(
    production: Server, shop: Database
) -> None:
    """An application user that owns its schema in production owns it in the copy, too."""
    production.query("CREATE ROLE app_user LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    production.query(
        "CREATE SCHEMA own AUTHORIZATION app_user; SET ROLE app_user; CREATE TABLE own.t (id int)",
        database="shop",
    )
    set_up(shop)
    production.query(
        "ALTER TABLE own.t ADD what text; INSERT INTO own.t VALUES (1)",
        as_user=APPLICATION,
        database="shop",
    )
    found = production.query("SELECT * FROM own.t", as_user=READ_ONLY, database="shop")

    assert [(1, None)] == found


def test_what_everybody_could_write_moves_to_those_who_stay(
    production: Server, shop: Database
) -> None:
    """What PUBLIC could create is taken from the read-only user; kept roles and owners keep it."""
    production.query("CREATE ROLE deployer LOGIN PASSWORD 'Production-1'", as_user=MASTER)
    production.query(
        "GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT INSERT ON sales.orders TO PUBLIC",
        database="shop",
    )
    shop.revoke_production_logins(keep=["deployer"])
    shop.ensure_users(APPLICATION, READ_ONLY)
    shop.verify_users(APPLICATION, READ_ONLY, keep=["deployer"])
    deployer = login("deployer", "Production-1")
    production.query("CREATE TABLE public.migration (id int)", as_user=deployer, database="shop")
    production.query(
        "INSERT INTO public.migration VALUES (1)", as_user=APPLICATION, database="shop"
    )
    found = production.query("SELECT id FROM public.migration", as_user=READ_ONLY, database="shop")

    assert [(1,)] == found
    assert refused(production, "CREATE TABLE public.mine ()")
    assert refused(production, "INSERT INTO sales.orders (what) VALUES ('x')")


def test_extensions_keep_to_themselves(production: Server, shop: Database) -> None:
    """Objects of an extension are neither granted nor a reason to refuse."""
    name = production.extension
    production.query(f"CREATE SCHEMA cron; CREATE EXTENSION {name}", database="shop")
    production.query(
        f"ALTER EXTENSION {name} ADD SCHEMA cron; CREATE TABLE cron.job (id int)", database="shop"
    )
    set_up(shop)
    found = production.query(
        "SELECT has_schema_privilege('app_user', 'cron', 'USAGE')", database="shop"
    )

    assert [(False,)] == found


def test_tables_with_row_security_do_not_disturb_the_verification(
    production: Server, shop: Database
) -> None:
    """A policy may fail without the application's settings; the rights are proven all the same."""
    production.query(
        "CREATE POLICY tenant ON sales.orders USING (what = current_setting('app.tenant'));"
        "ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY",
        database="shop",
    )

    assert "app_user reads and writes in database shop (tried on 1 table)." in set_up(shop)


def test_a_lock_in_the_way_is_waited_for(production: Server, shop: Database) -> None:
    """A grant that meets an uncommitted change ends with its lock timeout, which is retried."""
    shop.revoke_production_logins(keep=[])
    with production.postgres.session("shop") as cursor:
        cursor.execute(
            "BEGIN; ALTER ROLE accounts CREATEDB; LOCK TABLE pg_auth_members IN EXCLUSIVE MODE"
        )

        with pytest.raises(Exception, match="a lock that another session holds"):
            shop.ensure_users(APPLICATION, READ_ONLY)
        cursor.execute("ROLLBACK")
    shop.ensure_users(APPLICATION, READ_ONLY)

    assert () != shop.verify_users(APPLICATION, READ_ONLY).proven

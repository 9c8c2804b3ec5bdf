"""Rights and doors that other roles than the owners gave, closed databases, and code that runs on
our statements.
"""

from collections.abc import Callable
from contextlib import suppress

import pytest
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database
from chalicelib.flow.errors import RefusedError, Retry, TransientError
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.postgres_server import MASTER, Server, login, skip_before_16
from tests.database.production import APPLICATION, READ_ONLY, refused, set_up

TRIES = 100


def test_what_somebody_gave_with_grant_option_is_taken(production: Server, shop: Database) -> None:
    """A chain of grants is revoked in the name of each grantor, for PUBLIC and for the user."""
    production.query(
        "CREATE ROLE readonly_user; CREATE ROLE middle; CREATE ROLE last", as_user=MASTER
    )
    production.query(
        "GRANT USAGE ON SCHEMA sales TO middle, last;SET ROLE app_owner; GRANT DELETE, SELECT ON "
        "sales.orders TO middle WITH GRANT OPTION; RESET ROLE;SET ROLE middle; GRANT DELETE ON "
        "sales.orders TO last WITH GRANT OPTION;GRANT DELETE ON sales.orders TO PUBLIC;RESET ROLE; "
        "SET ROLE last; GRANT DELETE ON sales.orders TO readonly_user; RESET ROLE",
        database="shop",
    )
    set_up(shop)

    assert refused(production, "DELETE FROM sales.orders")
    assert [] == production.query(
        "SELECT FROM pg_auth_members AS membership WHERE member = 'master'::regrole AND roleid "
        "<> 'rds_superuser'::regrole AND roleid::regrole::text <> "
        "'aurora_restore_everybody_else' "
        # PostgreSQL 15 has no such option
        "AND coalesce(to_jsonb(membership) ->> 'set_option', 'true') = 'true'"
    )


def test_a_grant_of_a_superuser_is_named(production: Server, shop: Database) -> None:
    """A grant that only rdsadmin can revoke is named in the refusal."""
    production.query("GRANT USAGE ON SCHEMA sales TO rdsadmin", database="shop")
    production.query(
        "CREATE TABLE sales.theirs (id int); GRANT DELETE ON sales.theirs TO PUBLIC",
        database="shop",
    )
    shop.revoke_production_logins(keep=[])

    with pytest.raises(RefusedError, match=r"on table sales\.theirs"):
        shop.ensure_users(APPLICATION, READ_ONLY)


def test_a_membership_granted_by_rdsadmin_has_a_remedy(production: Server, shop: Database) -> None:
    """A membership that the master cannot revoke is refused, and another user has to be named."""
    skip_before_16(production)  # a membership is anybody's with CREATEROLE to take there
    production.query("CREATE ROLE app_user LOGIN; GRANT payments TO app_user GRANTED BY rdsadmin")
    rds_roles.put_roles_within_reach(production.postgres)
    shop.revoke_production_logins(keep=[])

    with pytest.raises(
        RefusedError, match="as a member of payments, which the master cannot take"
    ) as refusal:
        shop.ensure_users(APPLICATION, READ_ONLY)
    assert refusal.value.remedy.startswith("Name another user in the application secret.")
    shop.ensure_users(login("other", "Application-1"), READ_ONLY)


@pytest.mark.parametrize(
    "deed",
    [
        "ALTER DATABASE ledger CONNECTION LIMIT 0",
        "REVOKE CONNECT ON DATABASE ledger FROM PUBLIC",
        "REVOKE ALL ON DATABASE ledger FROM PUBLIC; REVOKE ALL ON DATABASE ledger FROM app_owner",
        "REVOKE CONNECT ON DATABASE ledger FROM PUBLIC; ALTER DATABASE ledger CONNECTION LIMIT 0",
    ],
)
def test_a_database_that_is_closed_to_the_master_is_opened(
    production: Server, shop: Database, deed: str
) -> None:
    """A closed database is opened where the master can become a member of its owner."""
    production.query("CREATE DATABASE ledger OWNER app_owner")
    production.query(deed)

    assert "app_user logs in to database ledger." in set_up(shop)


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ("ALTER DATABASE ledger ALLOW_CONNECTIONS false", "it allows no connections"),
        ("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'ledger'", "it is invalid"),
        ("ALTER DATABASE ledger CONNECTION LIMIT 0", "its CONNECTION LIMIT is 0"),
        ("REVOKE CONNECT ON DATABASE ledger FROM PUBLIC", "the master user may not connect to it"),
    ],
)
def test_a_database_that_nobody_can_enter_is_named(
    production: Server, shop: Database, deed: str, why: str
) -> None:
    """A database of rdsadmin's that nobody can enter stops no restore, and is named."""
    production.query("CREATE DATABASE ledger")
    production.query(deed)
    try:
        shop.revoke_production_logins(keep=[])
        shop.ensure_users(APPLICATION, READ_ONLY)
        untried = shop.verify_users(APPLICATION, READ_ONLY).untried
    finally:
        production.query("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'ledger'")

    assert any(
        sentence.startswith(f"Database ledger is closed to both users: {why}")
        for sentence in untried
    )


def test_a_database_of_our_users_that_the_master_may_not_enter_is_a_refusal(
    production: Server, shop: Database
) -> None:
    """A database that our users may enter and the master may not is refused: what reaches out there
    could not be stopped.
    """
    production.query("CREATE DATABASE ledger")
    production.query("CREATE ROLE app_user LOGIN; REVOKE CONNECT ON DATABASE ledger FROM PUBLIC")
    rds_roles.put_roles_within_reach(production.postgres)
    production.query("GRANT CONNECT ON DATABASE ledger TO app_user")

    with pytest.raises(
        RefusedError, match=r"app_user may enter database ledger, which the master user may not\."
    ):
        set_up(shop)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_database_of_few_connections_is_opened(
    production: Server, shop: Database, limit: int
) -> None:
    """A CONNECTION LIMIT below what the set-up needs at a time is lifted."""
    production.query(f"ALTER DATABASE shop CONNECTION LIMIT {limit}")
    repeated(lambda: shop.revoke_production_logins(keep=[]))
    repeated(lambda: shop.quiesce(KINDS))
    repeated(lambda: shop.ensure_users(APPLICATION, READ_ONLY))

    assert () != shop.verify_users(APPLICATION, READ_ONLY).proven


def repeated(work: Callable[[], object]) -> None:
    """Repeat what the step repeats: a session that was just closed still counts for a moment."""
    for _ in range(TRIES):
        with suppress(TransientError):
            work()
            return
    work()


@pytest.mark.parametrize("tag", ["GRANT", "ALTER DEFAULT PRIVILEGES", "REVOKE"])
@pytest.mark.parametrize(
    "deed", ["RAISE 'not in my house'", "PERFORM 1 / 0", "INSERT INTO sales.nowhere VALUES (1)"]
)
def test_an_event_trigger_that_stops_the_set_up_is_named(
    production: Server, shop: Database, tag: str, deed: str
) -> None:
    """An event trigger that raises an error is refused with its function and line."""
    production.query("GRANT TRUNCATE ON sales.orders TO PUBLIC", database="shop")
    production.query(
        f"CREATE FUNCTION sales.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {deed}; "
        f"END $$;CREATE EVENT TRIGGER watching ON ddl_command_start WHEN TAG IN ('{tag}') EXECUTE "
        "FUNCTION sales.watch()",
        database="shop",
    )
    shop.revoke_production_logins(keep=[])

    with pytest.raises(
        RefusedError, match=r"Code of production's own stopped .* sales\.watch\(\)"
    ) as refusal:
        shop.ensure_users(APPLICATION, READ_ONLY)
    assert refusal.value.retry is Retry.LATER_SNAPSHOT

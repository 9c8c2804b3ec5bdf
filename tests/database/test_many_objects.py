"""Many objects of many owners: as many statements as for few, in transactions that whoever is
killed goes on from.
"""

from collections.abc import Callable
from math import inf

import pytest
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database, DatabaseBusyError
from tests.database.postgres_server import MASTER, Server, login
from tests.database.production import APPLICATION, READ_ONLY, refused, set_up

DEPLOYER = login("deployer", "Production-1")


def make(server: Server, owners: range, *, tables_each: int = 1) -> None:
    """Make owners with a schema each, and tables that PUBLIC may write."""
    server.query("; ".join(f"CREATE ROLE owner_{number}" for number in owners))
    rds_roles.put_roles_within_reach(server.postgres)
    server.query(
        "; ".join(
            f"CREATE SCHEMA of_{number} AUTHORIZATION owner_{number}; SET ROLE owner_{number};"
            + "".join(
                f"CREATE TABLE of_{number}.t_{table} (id int); GRANT ALL ON of_{number}.t_{table} "
                "TO PUBLIC;"
                for table in range(tables_each)
            )
            + "RESET ROLE"
            for number in owners
        ),
        database="shop",
    )


def statements_of(server: Server, work: Callable[[], object]) -> int:
    """Count the statements that the server logs meanwhile."""
    before = server.log.count(" statement: ")
    work()
    return server.log.count(" statement: ") - before


def test_more_owners_and_tables_take_no_more_statements(production: Server, shop: Database) -> None:
    """Rights, default privileges and memberships change for many owners at a time."""
    counts = []
    for owners in (range(3), range(3, 60)):
        make(production, owners, tables_each=2)
        shop.revoke_production_logins(keep=[])
        counts.append(statements_of(production, lambda: shop.ensure_users(APPLICATION, READ_ONLY)))

    first, second = counts
    assert second <= first
    assert refused(production, "INSERT INTO of_59.t_1 VALUES (1)")
    production.query("INSERT INTO of_59.t_1 VALUES (1)", as_user=APPLICATION, database="shop")


def test_an_acl_grows_by_the_group_and_the_users_alone(production: Server, shop: Database) -> None:
    """Production's roles get what was PUBLIC's through one group, not one by one."""
    make(production, range(20))
    set_up(shop)

    grantees = (
        "SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl) WHERE oid = "
        "'of_3.t_0'::regclass"
    )
    found = sorted(production.query(grantees, database="shop"))

    assert [("-",), ("app_user",), ("aurora_restore_everybody_else",), ("owner_3",)] == found


def test_an_invocation_near_its_timeout_reports_progress_and_the_next_continues(
    production: Server, shop: Database
) -> None:
    """Calls that have time for one transaction each do together what one long call would."""
    make(production, range(5))
    shop.revoke_production_logins(keep=[])
    said = []
    for _ in range(20):
        try:
            shop.ensure_users(APPLICATION, READ_ONLY, remaining_seconds=lambda: 0.0)
        except DatabaseBusyError as error:
            said.append(error.reason)
        else:
            break

    assert all(
        sentence.endswith(" of this pass to go. The next one continues there.") for sentence in said
    )
    assert len(said) > 1
    assert len(said) == len(dict.fromkeys(said))
    assert () != shop.verify_users(APPLICATION, READ_ONLY).proven


def test_an_object_that_is_dropped_meanwhile_is_no_bug(production: Server, shop: Database) -> None:
    """An object that another session drops meanwhile is a reason to ask the catalog again."""
    shop.revoke_production_logins(keep=[])
    set_up_is_there = "SELECT FROM pg_stat_activity WHERE datname = 'shop' AND usename = 'master'"

    def gone() -> float:
        if len(production.query(set_up_is_there)) > 1:  # beside the session that holds the lock
            production.query("DROP SCHEMA IF EXISTS sales CASCADE", database="shop")
        return inf

    with pytest.raises(
        DatabaseBusyError, match="Somebody dropped an object of database shop meanwhile"
    ):
        shop.ensure_users(APPLICATION, READ_ONLY, remaining_seconds=gone)
    shop.ensure_users(APPLICATION, READ_ONLY)


def test_nobody_is_let_in_before_the_rights_are_set(production: Server, shop: Database) -> None:
    """New users log in only after their rights are set; users in use keep their login."""
    make(production, range(1))
    shop.revoke_production_logins(keep=[])
    results = []

    def look() -> float:
        results.append([shop.try_login(user) for user in (APPLICATION, READ_ONLY)])
        return inf

    shop.ensure_users(APPLICATION, READ_ONLY, remaining_seconds=look)
    first = results.copy()
    results.clear()
    make(production, range(1, 2))
    shop.ensure_users(APPLICATION, READ_ONLY, remaining_seconds=look)

    assert [[False] * 2] == [*map(list, {tuple(row) for row in first})]
    assert [[True] * 2] == [*map(list, {tuple(row) for row in results})]


def test_one_owner_out_of_reach_keeps_no_other(production: Server, shop: Database) -> None:
    """Where the master cannot join all owners in one statement, it joins them one by one."""
    make(production, range(10))
    production.query("CREATE ROLE stranger; GRANT master TO stranger")
    production.query(
        "REVOKE ALL ON of_4.t_0 FROM PUBLIC; ALTER TABLE of_4.t_0 OWNER TO stranger",
        database="shop",
    )
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)

    (application, _) = shop.verify_users(APPLICATION, READ_ONLY).warnings
    assert "app_user lacks DELETE, INSERT, SELECT, UPDATE on table of_4.t_0: " in application


def test_a_role_that_inherits_nothing_keeps_what_everybody_has(
    production: Server, shop: Database
) -> None:
    """A NOINHERIT role keeps the rights that PUBLIC has in production."""
    production.query("CREATE ROLE deployer LOGIN NOINHERIT PASSWORD 'Production-1'", as_user=MASTER)
    production.query(
        "GRANT USAGE ON SCHEMA sales TO PUBLIC; GRANT INSERT ON sales.orders TO PUBLIC",
        database="shop",
    )
    shop.revoke_production_logins(keep=["deployer"])
    shop.ensure_users(APPLICATION, READ_ONLY)

    production.query("INSERT INTO sales.orders (id) VALUES (7)", as_user=DEPLOYER, database="shop")

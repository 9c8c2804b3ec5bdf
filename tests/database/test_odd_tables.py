"""Tables that PostgreSQL allows and nobody expects: users are set up and verified on them."""

from collections.abc import Iterator

import pytest

from chalicelib.database.restored_database import Database
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.postgres_server import MASTER, Server
from tests.database.production import APPLICATION, READ_ONLY, set_up

WRITES = "app_user reads and writes in database shop (tried on 1 table)."
FOREIGN = """
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER far FOREIGN DATA WRAPPER far;
ALTER SERVER far OWNER TO rdsadmin;
CREATE TABLE orders (id int, what text) PARTITION BY RANGE (id);
CREATE TABLE recent PARTITION OF orders FOR VALUES FROM (10) TO (20);
CREATE FOREIGN TABLE old PARTITION OF orders FOR VALUES FROM (0) TO (10) SERVER far;
ALTER TABLE orders OWNER TO master;
ALTER TABLE recent OWNER TO master;
ALTER FOREIGN TABLE old OWNER TO master
"""


@pytest.fixture
def odd(server: Server) -> Iterator[Server]:
    """Return the server, and give it a new database shop afterwards."""
    yield server
    server.query("DROP DATABASE shop WITH (FORCE)")
    server.query("CREATE DATABASE shop OWNER master")


@pytest.mark.parametrize("publication", ["FOR TABLE log", "FOR ALL TABLES"])
def test_a_published_table_without_a_key(odd: Server, shop: Database, publication: str) -> None:
    """A published table without a key is set up, though nobody can update it."""
    odd.query("CREATE TABLE log (what text)", as_user=MASTER, database="shop")
    odd.query(f"CREATE PUBLICATION everything {publication}", database="shop")

    assert WRITES in set_up(shop)


def test_a_partition_that_is_a_foreign_table(odd: Server, shop: Database) -> None:
    """A partition that is a foreign table is not read: its server is cut off."""
    odd.query(FOREIGN, database="shop")
    shop.revoke_production_logins(keep=[])
    shop.quiesce(KINDS)
    shop.ensure_users(APPLICATION, READ_ONLY)

    assert WRITES in shop.verify_users(APPLICATION, READ_ONLY).proven


def test_a_table_of_as_many_columns_as_there_can_be(odd: Server, shop: Database) -> None:
    """A table of 1,600 columns is set up and verified."""
    columns = ", ".join(f"c{number} int" for number in range(1_600))
    odd.query(f"CREATE TABLE wide ({columns})", as_user=MASTER, database="shop")

    assert WRITES in set_up(shop)


def test_a_table_without_columns_and_one_that_is_unlogged(odd: Server, shop: Database) -> None:
    """A table without columns and an unlogged one are set up like any other."""
    odd.query(
        "CREATE TABLE bare (); CREATE SCHEMA other; CREATE UNLOGGED TABLE other.t (id int)",
        as_user=MASTER,
        database="shop",
    )

    assert WRITES.replace("1 table", "2 tables") in set_up(shop)


BROKEN = """
CREATE TABLE zones (name text);
CREATE FUNCTION zone() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 'UTC'; END $$;
CREATE TABLE visits (at timestamptz);
CREATE {index};
CREATE OR REPLACE FUNCTION zone() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
  BEGIN RETURN (SELECT name FROM zones); END $$
"""


@pytest.mark.parametrize(
    "index",
    [
        "INDEX ON visits (date(at AT TIME ZONE zone()))",
        "INDEX ON visits (at) WHERE zone() = 'UTC'",
        "STATISTICS of_visits ON (date(at AT TIME ZONE zone())), at FROM visits",
    ],
)
def test_an_index_over_a_function_that_needs_a_search_path(
    odd: Server, shop: Database, index: str
) -> None:
    """A table whose index runs a function when a statement is planned is not tried."""
    odd.query(BROKEN.format(index=index), as_user=MASTER, database="shop")

    assert WRITES in set_up(shop)

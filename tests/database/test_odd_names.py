"""Names that PostgreSQL allows and nobody expects: of roles, databases and what is in them."""

from collections.abc import Iterator

import pytest
from localaws.postgres import rds_roles
from psycopg2.sql import SQL, Identifier

from chalicelib.database.restored_database import Database
from chalicelib.flow.quiesce_kinds import KINDS
from tests.database.postgres_server import Server
from tests.database.production import APPLICATION, READ_ONLY

NAMES = (
    "two\nlines",
    "100 %s %(kinds)s %%",
    "quo\"ted 'both' \\ways",
    "a$block$; DROP TABLE x; DO $block$",
    "{} {0} {name}",
    "n" * 63,
    "Ünïcode 漢字",
    "select",
)


@pytest.fixture
def odd(server: Server) -> Iterator[Server]:
    """Return the server with a role of each name that owns a database, a schema and a table of that
    name.
    """
    for name in map(Identifier, NAMES):
        server.query(SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD 'Production-1'").format(name))
        own = SQL(
            "CREATE SCHEMA {0} AUTHORIZATION {0}; CREATE TABLE {0}.{0} ({0} int); ALTER TABLE "
            "{0}.{0} OWNER TO {0}"
        )
        server.query(own.format(name), database="shop")
        server.query(
            SQL("CREATE PROCEDURE {0}.{0}({0} int) LANGUAGE sql AS ''").format(name),
            database="shop",
        )
    for name in map(Identifier, NAMES[:4]):
        server.query(SQL("CREATE DATABASE {0} OWNER {0}").format(name))
    server.query(SQL("ALTER DATABASE {} IS_TEMPLATE true").format(Identifier(NAMES[3])))
    rds_roles.put_roles_within_reach(server.postgres)
    yield server
    server.query(SQL("ALTER DATABASE {} IS_TEMPLATE false").format(Identifier(NAMES[3])))


def test_a_production_of_odd_names_is_set_up(odd: Server, shop: Database) -> None:
    """Odd names are data to every statement, and all of them are set up."""
    closed = shop.revoke_production_logins(keep=[])
    shop.quiesce(KINDS)
    shop.ensure_users(APPLICATION, READ_ONLY)
    proofs = shop.verify_users(APPLICATION, READ_ONLY)

    assert sorted(NAMES) == closed
    assert () == proofs.warnings
    assert () == tuple(
        sentence for sentence in proofs.untried if "was no table to try" not in sentence
    )
    assert (
        f"app_user reads and writes in database shop (tried on {len(NAMES)} tables)."
        in proofs.proven
    )

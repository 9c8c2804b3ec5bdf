"""What production had, as a restored server has it, and the two users that are let in."""

import psycopg2.errors
from localaws.postgres import rds_roles

from chalicelib.database.restored_database import Database
from tests.database.postgres_server import Server, login

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
CREATE FUNCTION sales.price(int, text[], "char", numeric(10, 2)) RETURNS int
  LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sales FROM PUBLIC;
SET ROLE payments;
CREATE TABLE "Odd ""schema""; --"."Per%cent" (id int GENERATED ALWAYS AS IDENTITY, what text);
RESET ROLE
"""
ODD_TABLE = '"Odd ""schema""; --"."Per%cent"'


def create_production(server: Server) -> None:
    """Create what production had: owners that the master is no member of, in others' schemas."""
    server.query(PRODUCTION_ROLES)
    rds_roles.put_roles_within_reach(server.postgres)  # as when a cluster is restored
    server.query(PRODUCTION_OBJECTS, database="shop")


def set_up(shop: Database) -> tuple[str, ...]:
    """Lock production out and let both users in; returns what was proven."""
    shop.revoke_production_logins(keep=[])
    shop.ensure_users(APPLICATION, READ_ONLY)
    return shop.verify_users(APPLICATION, READ_ONLY).proven


def refused(server: Server, statement: str, *, database: str = "shop") -> bool:
    """Tell whether the read-only user, in a session that may write, is refused this for want of a
    right.
    """
    try:
        server.query(
            f"SET transaction_read_only = off; {statement}", as_user=READ_ONLY, database=database
        )
    except psycopg2.errors.InsufficientPrivilege:
        return True
    return False

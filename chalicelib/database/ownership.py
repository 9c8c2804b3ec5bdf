"""What the read-only user owns in one database: an owner may always write."""

from collections.abc import Callable

from psycopg2.sql import SQL

from chalicelib.database.connection import Connection, rows, run, transaction
from chalicelib.database.membership import membership
from chalicelib.flow.errors import RefusedError

LARGE_OBJECTS_PER_TRANSACTION = 500

_OWNED = """
SELECT
  FROM pg_catalog.pg_shdepend AS depends
  LEFT JOIN pg_catalog.pg_database ON pg_database.oid = dbid
 WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
   AND refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(username)s)
   AND deptype = 'o'
   AND classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
   AND CASE
         WHEN dbid = 0 THEN true
         WHEN datname <> pg_catalog.current_database() THEN false
         ELSE (SELECT type <> 'large object' AND coalesce(schema, '') !~ '^pg_temp'
                 FROM pg_catalog.pg_identify_object(classid, objid, objsubid))
       END
 LIMIT 1
"""
_LARGE_OBJECTS = """
SELECT oid::pg_catalog.text
  FROM pg_catalog.pg_largeobject_metadata
 WHERE lomowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(username)s)
 ORDER BY oid
"""


def refuse_owner(connection: Connection, username: str) -> None:
    """Refuse a read-only user that owns anything in this database or in the whole cluster.

    Temporary objects of sessions do not count.
    """
    if rows(connection, _OWNED, username=username):
        raise RefusedError(
            f"The read-only user {username} came with production and owns objects there, so it "
            "could always write.",
            "Name another readonly_username in the application secret. "
            "Or run REASSIGN OWNED in production, which helps with later snapshots only.",
        )


def adopt_large_objects(
    connection: Connection, username: str, begin: Callable[[int], None]
) -> None:
    """Make the read-only user's large objects the master user's; nothing is deleted.

    PostgreSQL has no privilege for making large objects, so the user may have made some.
    `begin` is told before each transaction how many are left.
    """
    left = [int(number) for (number,) in rows(connection, _LARGE_OBJECTS, username=username)]
    while left:
        begin(len(left))
        numbers, left = (
            left[:LARGE_OBJECTS_PER_TRANSACTION],
            left[LARGE_OBJECTS_PER_TRANSACTION:],
        )
        changes = [SQL(f"ALTER LARGE OBJECT {number} OWNER TO CURRENT_USER") for number in numbers]
        with transaction(connection), membership(connection, [username]):
            run(connection, SQL("; ").join(changes))

"""What the read-only user owns, in one database: an owner may always write, so it must own nothing that stays."""

from collections.abc import Callable

from psycopg2.sql import SQL

from chalicelib.database.connection import Connection, rows, run, transaction
from chalicelib.database.membership import membership
from chalicelib.flow.errors import RefusedError

LARGE_OBJECTS_PER_TRANSACTION = 500

_OWNED = """
SELECT FROM pg_catalog.pg_shdepend
 WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND deptype = 'o'
   AND refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(username)s)
   AND classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
   AND CASE dbid WHEN 0 THEN true
                 WHEN (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                 THEN (pg_catalog.pg_identify_object(classid, objid, objsubid)).type <> 'large object'
                      AND coalesce((pg_catalog.pg_identify_object(classid, objid, objsubid)).schema, '') !~ '^pg_temp'
                 ELSE false END
 LIMIT 1
"""
_LARGE_OBJECTS = """
SELECT oid::pg_catalog.text FROM pg_catalog.pg_largeobject_metadata
 WHERE lomowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(username)s)
 ORDER BY oid
"""


def refuse_owner(connection: Connection, username: str) -> None:
    """Refuse a read-only user that owns anything here, or in no database.

    Sessions' temporary objects do not count.
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
    """Make the read-only user's large objects the master user's: no right forbids to make them, so it may have some.

    Nothing is deleted. `begin` is told before each transaction how many are to go.
    """
    found = [name for (name,) in rows(connection, _LARGE_OBJECTS, username=username)]
    for first in range(0, len(found), LARGE_OBJECTS_PER_TRANSACTION):
        begin(len(found) - first)
        some = found[first : first + LARGE_OBJECTS_PER_TRANSACTION]
        with transaction(connection), membership(connection, [username]):
            changes = (
                SQL(f"ALTER LARGE OBJECT {int(name)} OWNER TO CURRENT_USER") for name in some
            )
            run(connection, SQL("; ").join(changes))

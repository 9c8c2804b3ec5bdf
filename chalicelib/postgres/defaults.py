"""Default privileges: the same rights on objects that are made after the set-up, by whoever may make them."""

from collections.abc import Iterable

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.postgres.connection import Connection, rows
from chalicelib.postgres.privileges import APPLICATION, EVERYBODY, PAIRS, READ_ONLY, pairs

KINDS = {"SCHEMA": "SCHEMAS", "TABLE": "TABLES", "SEQUENCE": "SEQUENCES", "ROUTINE": "ROUTINES"}

_BEYOND = f"""
WITH kind(letter, word) AS (VALUES ('n'::"char", 'SCHEMA'), ('r', 'TABLE'), ('S', 'SEQUENCE'))
SELECT pg_catalog.pg_get_userbyid(defaclrole), nspname, word, privilege_type, grantee = 0
  FROM pg_catalog.pg_default_acl JOIN kind ON letter = defaclobjtype
  JOIN pg_catalog.pg_roles ON pg_roles.oid = defaclrole AND NOT rolsuper AND rolname <> %(username)s
  LEFT JOIN pg_catalog.pg_namespace ON pg_namespace.oid = defaclnamespace
 CROSS JOIN pg_catalog.aclexplode(defaclacl)
 WHERE (grantee = 0 OR pg_catalog.pg_get_userbyid(grantee) = %(username)s)
   AND (word, privilege_type) NOT IN (SELECT * FROM {PAIRS})
"""  # noqa: S608 (composed of constants)


def meant_by_default(makers: Iterable[str], *, application: str, readonly: str) -> list[Composable]:
    """Return the statements by which everything that `makers` will make in this database is granted to both users."""
    names = SQL(", ").join(Identifier(name) for name in makers)
    meant = ((application, APPLICATION), (readonly, READ_ONLY))
    return [
        SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}").format(
            names, SQL(", ".join(privileges[kind])), SQL(plural), Identifier(username)
        )
        for username, privileges in meant
        for kind, plural in KINDS.items()
        if kind in privileges
    ]


def default_excess(connection: Connection, username: str) -> list[Composable]:
    """Return the statements that take away defaults by which a read-only `username` would do more than read."""
    return [
        SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} {} REVOKE {} ON {} FROM {}").format(
            Identifier(maker),
            SQL("IN SCHEMA {}").format(Identifier(schema)) if schema else SQL(""),
            SQL(word),
            SQL(KINDS[kind]),
            SQL("PUBLIC") if everybody else Identifier(username),
        )
        for maker, schema, kind, word, everybody in rows(connection, _BEYOND, username=username, **pairs(EVERYBODY))
    ]

"""Who should hold what in one database, and what is missing from that or beyond it: only questions to the catalogue.

Objects that belong to an extension are left out, and so is every schema that does: they are the extension's business,
and the right to use `cron` or `aws_lambda` is not part of reading and writing an application's data. Row security is
left as it is: a policy decides which rows the users see, as in production.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.postgres.connection import Connection, rows

Privileges = Mapping[str, tuple[str, ...]]  # by the word GRANT uses for the kind of object

APPLICATION: Privileges = {
    "DATABASE": ("CONNECT", "TEMPORARY"),
    "SCHEMA": ("USAGE",),
    "TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE"),  # not TRUNCATE: it passes by triggers and row security
    "SEQUENCE": ("USAGE", "SELECT", "UPDATE"),
    "ROUTINE": ("EXECUTE",),
}
READ_ONLY: Privileges = {"DATABASE": ("CONNECT",), "SCHEMA": ("USAGE",), "TABLE": ("SELECT",), "SEQUENCE": ("SELECT",)}
EVERYBODY: Privileges = {**READ_ONLY, "DATABASE": ("CONNECT", "TEMPORARY")}
"""The most that a read-only user may find, granted to itself or to PUBLIC. Temporary tables hold nobody's data, and
which functions it may call as itself is left as in production: its views need them."""


class Thing(NamedTuple):
    """A database, schema, table (or view), sequence or routine.

    `signature` is how GRANT tells a routine from others of its name, with its parentheses, as the server wrote it.
    """

    kind: str
    schema: str | None
    name: str
    signature: str
    word: str  # which GRANT uses for it

    @property
    def identity(self) -> Composable:
        """How GRANT names it."""
        path = Identifier(self.name) if self.schema is None else Identifier(self.schema, self.name)
        return path + SQL(self.signature)

    def __str__(self) -> str:
        name = self.name if self.schema is None else f"{self.schema}.{self.name}"
        return f"{self.word.lower()} {name}{self.signature}"


class Privilege(NamedTuple):
    """One right on one thing; `grantee` is "" for PUBLIC, `ours` says that we may grant and revoke it now.

    `grantor` is who gave it, where that is not the owner: only that role, or the owner with all that hangs on it, may
    take it back.
    """

    thing: Thing
    word: str
    grantee: str
    ours: bool
    grantor: str | None = None


_NOT_EXTENSION = """
NOT EXISTS (SELECT FROM pg_catalog.pg_depend
             WHERE classid = 'pg_catalog.{0}'::pg_catalog.regclass AND objid = {0}.oid AND deptype = 'e')
"""
_SCHEMA = f"""
schema AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace
   WHERE NOT pg_catalog.starts_with(nspname, 'pg_') AND nspname <> 'information_schema'
     AND {_NOT_EXTENSION.format("pg_namespace")})
"""  # noqa: S608 (composed of this module's own constants)
THINGS = f"""
{_SCHEMA},
relation AS (
  SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, nspname, relname, pg_class.oid, relowner,
         nullif(coalesce(relacl, '{{}}')
                || ARRAY(SELECT pg_catalog.unnest(attacl) FROM pg_catalog.pg_attribute
                          WHERE attrelid = pg_class.oid), '{{}}') AS acl
    FROM pg_catalog.pg_class JOIN schema ON schema.oid = relnamespace
   WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {_NOT_EXTENSION.format("pg_class")}),
routine AS (
  SELECT nspname, proname, pg_proc.oid, proowner, proacl, prosecdef,
         CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS word,
         '(' || CASE prokind WHEN 'p' THEN pg_catalog.pg_get_function_identity_arguments(pg_proc.oid)
           ELSE pg_catalog.array_to_string(ARRAY(
             SELECT pg_catalog.format_type(type, NULL)
               FROM pg_catalog.unnest(proargtypes) WITH ORDINALITY AS argument(type, place) ORDER BY place), ', ')
           END || ')' AS signature
    FROM pg_catalog.pg_proc JOIN schema ON schema.oid = pronamespace
   WHERE {_NOT_EXTENSION.format("pg_proc")}),
thing AS (
  SELECT 'DATABASE' AS kind, NULL AS schema, datname::pg_catalog.text AS name, '' AS signature, 'DATABASE' AS word,
         oid, datdba AS owner, coalesce(datacl, pg_catalog.acldefault('d', datdba)) AS acl, false AS definer
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
  UNION ALL SELECT 'SCHEMA', NULL, nspname, '', 'SCHEMA', oid, nspowner,
         coalesce(nspacl, pg_catalog.acldefault('n', nspowner)), false FROM schema
  UNION ALL SELECT kind, nspname, relname, '', kind, oid, relowner, acl, false FROM relation
  UNION ALL SELECT 'ROUTINE', nspname, proname, signature, word, oid, proowner,
         coalesce(proacl, pg_catalog.acldefault('f', proowner)), prosecdef FROM routine)
"""  # noqa: S608 (composed of this module's own constants)

PAIRS = "ROWS FROM (pg_catalog.unnest(%(kinds)s), pg_catalog.unnest(%(words)s))"  # the parameters of `pairs`
_HOLDS = """
CASE kind WHEN 'DATABASE' THEN pg_catalog.has_database_privilege({0}, oid, {1})
          WHEN 'SCHEMA' THEN pg_catalog.has_schema_privilege({0}, oid, {1})
          WHEN 'TABLE' THEN pg_catalog.has_table_privilege({0}, oid, {1})
          WHEN 'SEQUENCE' THEN pg_catalog.has_sequence_privilege({0}, oid, {1})
          ELSE pg_catalog.has_function_privilege({0}, oid, {1}) END
"""
_MISSING = f"""
WITH {THINGS}
SELECT kind, schema, name, signature, thing.word, meant.word, %(username)s,
       {_HOLDS.format("current_user", "meant.word || ' WITH GRANT OPTION'")}
  FROM thing JOIN {PAIRS} AS meant(for_kind, word) ON for_kind = kind
 WHERE NOT {_HOLDS.format("%(username)s", "meant.word")} AND NOT definer
 ORDER BY kind, schema, name
"""  # noqa: S608 (composed of this module's own constants)

_EXCESS = f"""
WITH {THINGS}
SELECT DISTINCT kind, schema, name, signature, word, privilege_type, CASE grantee WHEN 0 THEN '' ELSE %(username)s END,
       {_HOLDS.format("current_user", "privilege_type || ' WITH GRANT OPTION'")},
       CASE WHEN grantor <> owner THEN pg_catalog.pg_get_userbyid(grantor) END AS grantor
  FROM thing CROSS JOIN pg_catalog.aclexplode(acl)
 WHERE (kind <> 'ROUTINE' OR definer AND schema || '.' || name <> ALL (%(trusted)s))
   AND (grantee = 0 OR pg_catalog.pg_get_userbyid(grantee) = %(username)s)
   AND (kind, privilege_type) NOT IN (SELECT * FROM {PAIRS})
 ORDER BY kind, schema, name
"""  # noqa: S608 (composed of this module's own constants)


def missing(connection: Connection, username: str, meant: Privileges) -> list[Privilege]:
    """Return what `username` should hold in this database and does not, through PUBLIC or by itself."""
    found = rows(connection, _MISSING, username=username, **pairs(meant))
    return [Privilege(Thing(*row[:5]), *row[5:]) for row in found]


def excess(connection: Connection, username: str, trusted: Collection[str]) -> list[Privilege]:
    """Return what a read-only `username` could do beyond reading, because it or PUBLIC was granted it.

    A routine that runs as its owner (SECURITY DEFINER) may do anything the owner may; `trusted` ones, each
    `<schema>.<name>`, are said to do no more than read.
    """
    found = rows(connection, _EXCESS, username=username, trusted=[*trusted], **pairs(EVERYBODY))
    return [Privilege(Thing(*row[:5]), *row[5:]) for row in found]


def listed(privileges: Iterable[Privilege], names_max: int = 5) -> str:
    """Name the first few privileges for a sentence."""
    words = [f"{privilege.word} on {privilege.thing}" for privilege in privileges]
    return ", ".join(words[:names_max]) + (f" and {len(words) - names_max} more" if len(words) > names_max else "")


def pairs(meant: Privileges) -> dict[str, list[str]]:
    """Return the kinds and the words, side by side, as the queries' two parameters."""
    both = [(kind, word) for kind, words in meant.items() for word in words]
    return {"kinds": [kind for kind, _ in both], "words": [word for _, word in both]}

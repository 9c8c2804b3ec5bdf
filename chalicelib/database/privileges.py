"""Who should hold what in one database, what is missing and what is too much: questions only.

What belongs to an extension, or lies in a schema that does, is given to nobody: the right to use
`cron` or `aws_lambda` is no part of reading and writing an application's data. It is taken from the
read-only user like everything else. Row security is left as it is: a policy decides which rows the
users see, as in production.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from chalicelib.database.connection import Connection, rows
from chalicelib.database.objects import OBJECTS, GrantableObject, rarer_objects

Privileges = Mapping[str, tuple[str, ...]]  # by the word GRANT uses for the kind of object

APPLICATION: Privileges = {
    "DATABASE": ("CONNECT", "TEMPORARY"),
    "SCHEMA": ("USAGE",),
    # Not TRUNCATE: it runs no row triggers and heeds no row security.
    "TABLE": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "SEQUENCE": ("USAGE", "SELECT", "UPDATE"),
    "ROUTINE": ("EXECUTE",),
}
READ_ONLY: Privileges = {
    "DATABASE": ("CONNECT",),
    "SCHEMA": ("USAGE",),
    "TABLE": ("SELECT",),
    "SEQUENCE": ("SELECT",),
}
EVERYBODY: Privileges = {
    **READ_ONLY,
    "DATABASE": ("CONNECT", "TEMPORARY"),
    "LARGE OBJECT": ("SELECT",),
}
"""The most that a read-only user may find, granted to itself or to PUBLIC.

Temporary tables hold nobody's data. Which functions it may call as itself is left as in production:
its views need them.
"""

WRITES = frozenset({"DATABASE", "SCHEMA", "TABLE", "SEQUENCE", "LARGE OBJECT", "ROUTINE", "TYPE"})
"""Kinds through which somebody could write, or make what stays, or let code run as its owner."""


class Privilege(NamedTuple):
    """Rights on one object.

    `grantee` is "" for PUBLIC. `master_may` says that the master user may grant and revoke them as
    it is. A word may name a column: `UPDATE (price)`. `grantor` is who granted them, where that is
    not the owner: only that role, or the owner with CASCADE, may revoke them. `option_only` is for
    the right to grant a right on.
    """

    on: GrantableObject
    owner: str
    words: tuple[str, ...]
    grantee: str
    master_may: bool
    grantor: str | None = None
    option_only: bool = False
    brought: bool = False  # by an extension, and a superuser's
    reachable: bool = True  # objects of a schema that the user may not use cannot be named

    @property
    def writes(self) -> bool:
        """Whether the user may write, or run code as somebody else that no extension brought."""
        harmless = self.option_only or (self.brought and self.on.kind == "ROUTINE")
        return self.reachable and not harmless and self.on.kind in WRITES

    def __str__(self) -> str:
        words = ", ".join(self.words)
        return f"{'GRANT OPTION FOR ' if self.option_only else ''}{words} on {self.on}"


# the parameters of `pairs`
PAIRS = "ROWS FROM (pg_catalog.unnest(%(kinds)s), pg_catalog.unnest(%(words)s))"
_HOLDS = """
CASE kind
  WHEN 'DATABASE' THEN pg_catalog.has_database_privilege({0}, oid, {1})
  WHEN 'SCHEMA' THEN pg_catalog.has_schema_privilege({0}, oid, {1})
  WHEN 'TABLE' THEN pg_catalog.has_table_privilege({0}, oid, {1})
  WHEN 'SEQUENCE' THEN pg_catalog.has_sequence_privilege({0}, oid, {1})
  ELSE pg_catalog.has_function_privilege({0}, oid, {1})
END
"""
_MISSING = f"""
WITH {OBJECTS}
SELECT kind, schema, name, signature, object.word,
       pg_catalog.pg_get_userbyid(owner),
       pg_catalog.array_agg(meant.word ORDER BY meant.word),
       %(username)s,
       pg_catalog.bool_and({_HOLDS.format("current_user", "meant.word || ' WITH GRANT OPTION'")})
  FROM object
  JOIN {PAIRS} AS meant(for_kind, word) ON for_kind = kind
 WHERE NOT {_HOLDS.format("%(username)s", "meant.word")}
   AND NOT definer
   AND NOT extension
 GROUP BY kind, schema, name, signature, object.word, owner
 ORDER BY kind, schema, name
"""  # noqa: S608 (composed of this module's own constants)

_EXCESS = f"""
WITH {OBJECTS},
reader AS (
  SELECT oid AS reader FROM pg_catalog.pg_roles WHERE rolname = %(username)s),
acl AS (
  SELECT object.*, NULL AS attname FROM object
  UNION ALL
  SELECT rarer.*, NULL FROM (%(rarer)s) AS rarer
  UNION ALL
  SELECT kind, schema, name, signature, word, oid, owner, attacl, definer, extension, within,
         attname
    FROM object
    JOIN pg_catalog.pg_attribute
      ON kind = 'TABLE' AND attrelid = object.oid AND attacl IS NOT NULL),
beyond AS (
  SELECT acl.*, reader, grantor, grantee = 0 AS everybody, is_grantable,
         (kind, privilege_type) IN (SELECT * FROM {PAIRS}) AS meant,
         privilege_type || coalesce(' (' || pg_catalog.quote_ident(attname) || ')', '') AS said
    FROM acl
   CROSS JOIN reader
   CROSS JOIN pg_catalog.aclexplode(acl)
   WHERE grantee IN (0, reader)
     AND (kind <> 'ROUTINE' OR definer AND schema || '.' || name <> ALL (%(trusted)s)))
SELECT kind, schema, name, signature, word,
       pg_catalog.pg_get_userbyid(owner),
       pg_catalog.array_agg(said ORDER BY said),
       CASE WHEN everybody THEN '' ELSE %(username)s END,
       pg_catalog.pg_has_role(owner, 'USAGE') OR pg_catalog.pg_has_role(grantor, 'USAGE'),
       CASE WHEN grantor <> owner THEN pg_catalog.pg_get_userbyid(grantor) END,
       meant,
       extension AND owner IN (SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper),
       kind NOT IN ('TABLE', 'ROUTINE')
         OR pg_catalog.has_schema_privilege(reader, within, 'USAGE')
  FROM beyond
 WHERE NOT meant OR is_grantable
 GROUP BY kind, schema, name, signature, word, owner, everybody, grantor, meant, extension,
          reader, within
 ORDER BY kind, schema, name
"""  # noqa: S608 (composed of this module's own constants)


def missing(connection: Connection, username: str, meant: Privileges) -> list[Privilege]:
    """Return what `username` should hold in this database and does not, by itself or by PUBLIC."""
    found = rows(connection, _MISSING, username=username, **pairs(meant))
    return [_privilege(row) for row in found]


def excess(connection: Connection, username: str, trusted: Collection[str]) -> list[Privilege]:
    """Return what a read-only user could do beyond reading, granted to itself or to PUBLIC.

    A routine that runs as its owner (SECURITY DEFINER) may do anything the owner may; `trusted`
    ones, each `<schema>.<name>`, are said to do no more than read.
    """
    query = _EXCESS.replace("%(rarer)s", rarer_objects(connection.server_version))
    found = rows(connection, query, username=username, trusted=[*trusted], **pairs(EVERYBODY))
    return [_privilege(row) for row in found]


def _privilege(row: tuple[object, ...]) -> Privilege:
    owner, words, *rest = row[5:]
    return Privilege(GrantableObject(*row[:5]), owner, tuple(words), *rest)  # type: ignore[arg-type]


def pairs(meant: Privileges) -> dict[str, list[str]]:
    """Return the kinds and the words, side by side, as the queries' two parameters."""
    both = [(kind, word) for kind, words in meant.items() for word in words]
    return {"kinds": [kind for kind, _ in both], "words": [word for _, word in both]}

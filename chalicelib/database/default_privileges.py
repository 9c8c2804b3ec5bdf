"""Default privileges: the same rights on objects made after the set-up, whoever makes them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database.connection import Connection, rows, run
from chalicelib.database.membership import grantee, identifiers
from chalicelib.database.privileges import EVERYBODY, PAIRS, Privileges, pairs

KINDS = {
    "SCHEMA": "SCHEMAS",
    "TABLE": "TABLES",
    "SEQUENCE": "SEQUENCES",
    "ROUTINE": "ROUTINES",
    "LARGE OBJECT": "LARGE OBJECTS",
}


class DefaultPrivilege(NamedTuple):
    """What `grantee` holds on objects of a kind that `owner` will make, anywhere or in one schema.

    "" as the grantee is PUBLIC. `master_may` says that the master user may change it as it is.
    """

    owner: str
    schema: str | None
    kind: str
    words: tuple[str, ...]
    grantee: str
    master_may: bool


_LETTERS = """
kind(letter, word) AS (
  VALUES ('n'::"char", 'SCHEMA'),
         ('r', 'TABLE'),
         ('S', 'SEQUENCE'),
         ('f', 'ROUTINE'),
         ('L', 'LARGE OBJECT'))
"""
_EXCESS = f"""
WITH {_LETTERS}
SELECT pg_catalog.pg_get_userbyid(defaclrole), nspname, word,
       pg_catalog.array_agg(privilege_type),
       CASE grantee WHEN 0 THEN '' ELSE %(username)s END,
       pg_catalog.pg_has_role(defaclrole, 'USAGE')
  FROM pg_catalog.pg_default_acl
  JOIN kind ON letter = defaclobjtype AND letter <> 'f'
  JOIN pg_catalog.pg_roles
    ON pg_roles.oid = defaclrole AND NOT rolsuper AND rolname <> %(username)s
  LEFT JOIN pg_catalog.pg_namespace ON pg_namespace.oid = defaclnamespace
 CROSS JOIN pg_catalog.aclexplode(defaclacl)
 WHERE (grantee = 0 OR pg_catalog.pg_get_userbyid(grantee) = %(username)s)
   AND (word, privilege_type) NOT IN (SELECT * FROM {PAIRS})
 GROUP BY defaclrole, nspname, word, grantee
 ORDER BY 1, 2, 3
"""  # noqa: S608 (composed of constants)
_MISSING = f"""
WITH {_LETTERS},
held AS (
  SELECT defaclrole, defaclobjtype, privilege_type
    FROM pg_catalog.pg_default_acl
   CROSS JOIN pg_catalog.aclexplode(defaclacl)
   WHERE defaclnamespace = 0 AND pg_catalog.pg_get_userbyid(grantee) = %(username)s)
SELECT rolname, NULL, kind.word,
       pg_catalog.array_agg(meant.word ORDER BY meant.word),
       %(username)s,
       pg_catalog.pg_has_role(pg_roles.oid, 'USAGE')
  FROM pg_catalog.pg_roles
 CROSS JOIN kind
  JOIN {PAIRS} AS meant(for_kind, word) ON for_kind = kind.word
 WHERE rolname = ANY (%(creators)s)
   AND (pg_roles.oid, letter, meant.word) NOT IN (SELECT * FROM held)
 GROUP BY pg_roles.oid, rolname, kind.word
 ORDER BY 1, 3
"""  # noqa: S608 (composed of constants)


def missing(
    connection: Connection, creators: Collection[str], username: str, meant: Privileges
) -> list[DefaultPrivilege]:
    """Return what `username` lacks on what `creators` will make in this database."""
    others = sorted({*creators} - {username})  # an owner has all rights on what it makes
    found = rows(connection, _MISSING, creators=others, username=username, **pairs(meant))
    return [_default_privilege(row) for row in found]


def excess(connection: Connection, username: str) -> list[DefaultPrivilege]:
    """Return what would let a read-only user do more than read, by itself or through PUBLIC."""
    found = rows(connection, _EXCESS, username=username, **pairs(EVERYBODY))
    return [_default_privilege(row) for row in found]


def _default_privilege(row: tuple[object, ...]) -> DefaultPrivilege:
    owner, schema, kind, words, *rest = row
    return DefaultPrivilege(owner, schema, kind, tuple(words), *rest)  # type: ignore[arg-type]


def grant(connection: Connection, lacking: Sequence[DefaultPrivilege]) -> None:
    """Grant what is lacking on everything that will be made."""
    for group in _grouped(lacking):
        run(connection, group.statement("GRANT", "TO", grantee(group.grantee)))


def revoke(
    connection: Connection, beyond: Sequence[DefaultPrivilege], new_grantees: Collection[str]
) -> None:
    """Revoke these default privileges; what was PUBLIC's goes to `new_grantees`."""
    for group in _grouped(beyond):
        if not group.grantee:
            run(connection, group.statement("GRANT", "TO", identifiers(new_grantees)))
        run(connection, group.statement("REVOKE", "FROM", grantee(group.grantee)))


class _DefaultsGroup(NamedTuple):
    """Default privileges of many owners that one statement can change."""

    owners: Composable
    schema: Composable
    words: Composable
    kinds: Composable
    grantee: str

    def statement(self, verb: str, preposition: str, grantees: Composable) -> Composable:
        alter = SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} {} {} {} ON {} {} {}")
        what = self.owners, self.schema, SQL(verb), self.words, self.kinds
        return alter.format(*what, SQL(preposition), grantees)


def _grouped(found: Iterable[DefaultPrivilege]) -> Iterator[_DefaultsGroup]:
    owners: dict[tuple[str | None, str, tuple[str, ...], str], list[str]] = defaultdict(list)
    for default in found:
        key = default.schema, default.kind, default.words, default.grantee
        owners[key].append(default.owner)
    for (schema, kind, words, name), of_owners in owners.items():
        where = SQL("IN SCHEMA {}").format(Identifier(schema)) if schema else SQL("")
        what = SQL(", ".join(words))
        yield _DefaultsGroup(identifiers(of_owners), where, what, SQL(KINDS[kind]), name)

"""DefaultPrivilege privileges: the same rights on objects that are made after the set-up, by whoever may make them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database.connection import Connection, rows, run
from chalicelib.database.membership import identifiers
from chalicelib.database.privileges import EVERYBODY, PAIRS, Privileges, pairs

KINDS = {
    "SCHEMA": "SCHEMAS",
    "TABLE": "TABLES",
    "SEQUENCE": "SEQUENCES",
    "ROUTINE": "ROUTINES",
    "LARGE OBJECT": "LARGE OBJECTS",
}


class DefaultPrivilege(NamedTuple):
    """What `grantee` ("" for PUBLIC) holds on objects of a kind that `owner` will make, anywhere or in one schema."""

    owner: str
    schema: str | None
    kind: str
    words: tuple[str, ...]
    grantee: str
    ours: bool


_LETTERS = """
kind(letter, word) AS (
  VALUES ('n'::"char", 'SCHEMA'), ('r', 'TABLE'), ('S', 'SEQUENCE'), ('f', 'ROUTINE'), ('L', 'LARGE OBJECT'))
"""
_BEYOND = f"""
WITH {_LETTERS}
SELECT pg_catalog.pg_get_userbyid(defaclrole), nspname, word, pg_catalog.array_agg(privilege_type),
       CASE grantee WHEN 0 THEN '' ELSE %(username)s END, pg_catalog.pg_has_role(defaclrole, 'USAGE')
  FROM pg_catalog.pg_default_acl JOIN kind ON letter = defaclobjtype AND letter <> 'f'
  JOIN pg_catalog.pg_roles ON pg_roles.oid = defaclrole AND NOT rolsuper AND rolname <> %(username)s
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
    FROM pg_catalog.pg_default_acl CROSS JOIN pg_catalog.aclexplode(defaclacl)
   WHERE defaclnamespace = 0 AND pg_catalog.pg_get_userbyid(grantee) = %(username)s)
SELECT rolname, NULL, kind.word, pg_catalog.array_agg(meant.word ORDER BY meant.word), %(username)s,
       pg_catalog.pg_has_role(pg_roles.oid, 'USAGE')
  FROM pg_catalog.pg_roles CROSS JOIN kind JOIN {PAIRS} AS meant(for_kind, word) ON for_kind = kind.word
 WHERE rolname = ANY (%(creators)s)
   AND (pg_roles.oid, letter, meant.word) NOT IN (SELECT * FROM held)
 GROUP BY pg_roles.oid, rolname, kind.word
 ORDER BY 1, 3
"""  # noqa: S608 (composed of constants)


def missing(
    connection: Connection, creators: Collection[str], username: str, meant: Privileges
) -> list[DefaultPrivilege]:
    """Return what is lacking so that all that `creators` will make in this database is granted to `username`."""
    others = sorted({*creators} - {username})  # an owner has all rights on what it makes
    found = rows(connection, _MISSING, creators=others, username=username, **pairs(meant))
    return [_default(row) for row in found]


def excess(connection: Connection, username: str) -> list[DefaultPrivilege]:
    """Return the defaults by which a read-only `username` would do more than read, given to itself or to PUBLIC."""
    found = rows(connection, _BEYOND, username=username, **pairs(EVERYBODY))
    return [_default(row) for row in found]


def give(connection: Connection, lacking: Sequence[DefaultPrivilege]) -> None:
    """Grant what is lacking on everything that will be made."""
    for owners, schema, right, kind, grantee in _grouped(lacking):
        run(
            connection,
            _ALTER.format(owners, schema, SQL("GRANT"), right, kind, SQL("TO"), _grantee(grantee)),
        )


def take(
    connection: Connection, beyond: Sequence[DefaultPrivilege], others: Collection[str]
) -> None:
    """Take these defaults; what was PUBLIC's goes to `others`."""
    for owners, schema, right, kind, grantee in _grouped(beyond):
        if not grantee:
            run(
                connection,
                _ALTER.format(
                    owners, schema, SQL("GRANT"), right, kind, SQL("TO"), identifiers(others)
                ),
            )
        run(
            connection,
            _ALTER.format(
                owners, schema, SQL("REVOKE"), right, kind, SQL("FROM"), _grantee(grantee)
            ),
        )


_ALTER = SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} {} {} {} ON {} {} {}")


def _grouped(
    found: Iterable[DefaultPrivilege],
) -> Iterable[tuple[Composable, Composable, Composable, Composable, str]]:
    """Put the owners together that one statement can name."""
    groups: dict[tuple[object, ...], list[DefaultPrivilege]] = defaultdict(list)
    for default in found:
        groups[default.schema, default.kind, default.words, default.grantee].append(default)
    for some in groups.values():
        first = some[0]
        schema = SQL("IN SCHEMA {}").format(Identifier(first.schema)) if first.schema else SQL("")
        right = SQL(", ".join(first.words))
        owners = identifiers([default.owner for default in some])
        yield owners, schema, right, SQL(KINDS[first.kind]), first.grantee


def _grantee(name: str) -> Composable:
    return Identifier(name) if name else SQL("PUBLIC")


def _default(row: tuple[object, ...]) -> DefaultPrivilege:
    owner, schema, kind, words, *rest = row
    return DefaultPrivilege(owner, schema, kind, tuple(words), *rest)  # type: ignore[arg-type]

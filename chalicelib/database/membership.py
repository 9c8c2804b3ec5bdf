"""Roles that the master user becomes a member of for a while, and the group in place of PUBLIC.

Only an owner may grant on its objects and speak of its default privileges, and the master user owns
little. So inside one transaction it becomes a member of the owners it is not yet, does everything,
and leaves them again: nobody else sees it.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database.connection import Connection, attempt, rows, run, transaction
from chalicelib.database.names import ROLES_PER_STATEMENT, batched
from chalicelib.database.rds_roles import RDS_GROUP_ROLES, RDS_LOGIN_ROLES
from chalicelib.database.roles import ensure_group

MEMBERSHIP_HAS_OPTIONS = 160_000
"""From this server_version on, a membership says whether it is inherited and allows SET ROLE."""
EVERYBODY_ELSE = "aurora_restore_everybody_else"
"""The group of all production's roles: it holds what the read-only user must not have by PUBLIC."""


@contextmanager
def membership(
    connection: Connection, names: Collection[str], *, to_act: bool = False
) -> Iterator[frozenset[str]]:
    """Let the master user have the rights of these roles for a while, inside a transaction.

    Yields those that it could become a member of. With `to_act` it may also act as them (SET ROLE).
    """
    joined = _joined(connection, sorted(names), to_act=to_act)
    yield frozenset(joined)
    if joined:
        run(connection, SQL("REVOKE {} FROM CURRENT_USER").format(identifiers(joined)))


_JOINABLE = """
SELECT rolname
  FROM pg_catalog.pg_roles
 WHERE rolname = ANY (%(names)s) AND NOT rolsuper AND rolname <> current_user
 ORDER BY rolname
"""


def _joined(connection: Connection, names: list[str], *, to_act: bool) -> list[str]:
    names = [name for (name,) in rows(connection, _JOINABLE, names=names)] if names else []
    if len(names) > 1 and _join(connection, names, to_act=to_act):
        return names
    return [name for name in names if _join(connection, [name], to_act=to_act)]


def _join(connection: Connection, names: list[str], *, to_act: bool) -> bool:
    """Become a member of all these roles, or of none; tell which."""
    grant = SQL("GRANT {} TO CURRENT_USER").format(identifiers(names))
    if connection.server_version >= MEMBERSHIP_HAS_OPTIONS:
        grant += SQL(" WITH INHERIT TRUE" + (", SET TRUE" if to_act else ""))
    with attempt(connection):
        run(connection, grant)
        return True
    return False


_OTHERS = """
SELECT rolname, rolinherit
  FROM pg_catalog.pg_roles
 WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> ALL (%(left_out)s)
 ORDER BY rolname
"""
_MEMBERS = """
SELECT pg_catalog.pg_get_userbyid(member)
  FROM pg_catalog.pg_auth_members
 WHERE roleid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(group)s)
   AND {usable}
"""


def new_grantees(connection: Connection, left_out: Collection[str]) -> list[str]:
    """Make the group of all roles but those `left_out`; return who is to have PUBLIC's rights.

    Before PostgreSQL 16 a role that was made NOINHERIT has nothing of its groups, so it is named
    beside the group.
    """
    has_options = connection.server_version >= MEMBERSHIP_HAS_OPTIONS
    left_out = {*left_out, EVERYBODY_ELSE, *RDS_LOGIN_ROLES, *RDS_GROUP_ROLES}
    query = _MEMBERS.format(usable="inherit_option" if has_options else "true")
    options = SQL(" WITH INHERIT TRUE, SET FALSE" if has_options else "")
    with transaction(connection):
        ensure_group(connection, EVERYBODY_ELSE)
        others = rows(connection, _OTHERS, left_out=sorted(left_out))
        members = {name for (name,) in rows(connection, query, group=EVERYBODY_ELSE)}
        missing = [name for name, _ in others if name not in members]
        for names in batched(missing, ROLES_PER_STATEMENT):
            grant = SQL("GRANT {} TO {}").format(Identifier(EVERYBODY_ELSE), identifiers(names))
            run(connection, grant + options)
    return [EVERYBODY_ELSE, *(name for name, inherits in others if not (inherits or has_options))]


def identifiers(names: Collection[str]) -> Composable:
    """Write names one after another, as statements list them."""
    return SQL(", ").join(Identifier(name) for name in names)


def grantee(name: str) -> Composable:
    """Write to whom something is granted: "" is PUBLIC."""
    return Identifier(name) if name else SQL("PUBLIC")

"""What the application's and the read-only user may do in one database: grants, now and for objects made later.

Only an owner may grant on its objects and speak of its default privileges, and the master user owns little. So inside
one transaction it becomes a member of the owners it is not yet, does everything, and leaves them again: nobody else
sees it. GRANT may do nothing and still succeed (WARNING 01007), so what is missing is asked again before the commit.

What PUBLIC may write or create, the read-only user may too (databases that began before PostgreSQL 15 let PUBLIC create
in schema public). PostgreSQL has no grant that takes back, so in the copy those rights are moved: from PUBLIC to the
roles that own or create something there or can still log in.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.errors import RefusedError, Retry
from chalicelib.postgres.connection import Connection, rows, run, transaction
from chalicelib.postgres.defaults import default_excess, meant_by_default
from chalicelib.postgres.names import RDS_LOGIN_ROLES
from chalicelib.postgres.privileges import APPLICATION, READ_ONLY, THINGS, Privilege, excess, listed, missing

MEMBERSHIP_HAS_OPTIONS = 160_000  # from this server_version on, a membership says whether it is inherited
THINGS_PER_STATEMENT = 500


class Maker(NamedTuple):
    """A role that owns or may create objects in the database, or can log in."""

    name: str
    held: bool  # the master user has its rights already
    makes: bool  # owns something here, or may create: its default privileges matter


def ensure_grants(connection: Connection, *, application: str, readonly: str) -> None:
    """Make both users' rights in this database what they should be, all or nothing."""
    with transaction(connection):
        makers = _makers(connection, application=application, readonly=readonly)
        makes = sorted({maker.name for maker in makers if maker.makes} | {application})
        with _membership(connection, _not_held(connection, makes)):
            _move_excess(
                connection, readonly, [maker.name for maker in makers if maker.name != application or maker.makes]
            )
            _give_missing(connection, application, missing(connection, application, APPLICATION))
            _give_missing(connection, readonly, missing(connection, readonly, READ_ONLY))
            for statement in (
                *default_excess(connection, readonly),
                *meant_by_default(makes, application=application, readonly=readonly),
            ):
                run(connection, statement)
        refuse_unless_right(connection, application=application, readonly=readonly)


def refuse_unless_right(connection: Connection, *, application: str, readonly: str) -> None:
    """Refuse, with what is wrong, unless both users hold all they should and the read-only user nothing more."""
    lacking = missing(connection, application, APPLICATION) + missing(connection, readonly, READ_ONLY)
    if lacking:
        raise RefusedError(
            f"{lacking[0].grantee} cannot be given what it needs in database {_name(connection)}: {listed(lacking)}.",
            "In production, give those objects an owner that the master user may become a member of.",
            retry=Retry.LATER_SNAPSHOT,
        )
    beyond = excess(connection, readonly)
    if beyond:
        raise RefusedError(
            f"{readonly} could do more than read in database {_name(connection)}: {listed(beyond)}.",
            "In production, revoke those rights from the role and from PUBLIC.",
            retry=Retry.LATER_SNAPSHOT,
        )


_MAKERS = f"""
WITH {THINGS},
creator AS (SELECT owner AS role FROM thing
            UNION SELECT grantee FROM thing CROSS JOIN pg_catalog.aclexplode(acl) WHERE privilege_type = 'CREATE'
            UNION SELECT defaclrole FROM pg_catalog.pg_default_acl),
maker AS (
  SELECT rolname, rolcanlogin,
         oid IN (SELECT role FROM creator)
           OR oid IN (SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
           OR rolcanlogin AND rolname <> %(application)s AND EXISTS
             (SELECT FROM thing
               WHERE kind = 'SCHEMA' AND pg_catalog.has_schema_privilege(rolname, thing.oid, 'CREATE')) AS makes
    FROM pg_catalog.pg_roles
   WHERE NOT rolsuper AND NOT pg_catalog.starts_with(rolname, 'pg_') AND rolname <> ALL (%(rds)s)
     AND rolname <> %(readonly)s)
SELECT rolname, pg_catalog.pg_has_role(rolname, 'USAGE'), makes FROM maker WHERE makes OR rolcanlogin
"""  # noqa: S608 (composed of constants)


def _makers(connection: Connection, *, application: str, readonly: str) -> list[Maker]:
    names = {"application": application, "readonly": readonly, "rds": sorted(RDS_LOGIN_ROLES)}
    return [Maker(*row) for row in rows(connection, _MAKERS, **names)]


def _not_held(connection: Connection, names: list[str]) -> list[str]:
    """Return those of the roles whose rights the master user does not have by a membership of its own."""
    query = "SELECT name FROM pg_catalog.unnest(%(names)s) AS name WHERE NOT pg_catalog.pg_has_role(name, 'USAGE')"
    return [name for (name,) in rows(connection, query, names=names)]


@contextmanager
def _membership(connection: Connection, names: list[str]) -> Iterator[None]:
    """Let the master user have the rights of these roles for a while; what goes wrong rolls it back."""
    inherited = " WITH INHERIT TRUE" if connection.server_version >= MEMBERSHIP_HAS_OPTIONS else ""
    for name in names:
        run(connection, SQL("GRANT {} TO CURRENT_USER" + inherited).format(Identifier(name)))
    yield
    for name in names:
        run(connection, SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(name)))


def _move_excess(connection: Connection, readonly: str, heirs: list[str]) -> None:
    """Take from the read-only user and from PUBLIC what is beyond reading; what was PUBLIC's goes to `heirs`."""
    for privilege in (it for it in excess(connection, readonly) if it.ours):
        on = SQL("{} ON {} {}").format(SQL(privilege.word), SQL(privilege.thing.kind), privilege.thing.identity)
        if not privilege.grantee:
            run(connection, SQL("GRANT {} TO {}").format(on, _names(heirs)))
        run(connection, SQL("REVOKE {} FROM {} CASCADE").format(on, _grantee(privilege.grantee)))


def _give_missing(connection: Connection, username: str, lacking: Iterable[Privilege]) -> None:
    """Grant each missing privilege, many things in one statement."""
    by_right: dict[tuple[str, str], list[Composable]] = defaultdict(list)
    for thing, word, _, ours in lacking:
        if ours:  # what is not stays missing, and is refused by its name
            by_right[word, thing.kind].append(thing.identity)
    for (word, kind), identities in by_right.items():
        for first in range(0, len(identities), THINGS_PER_STATEMENT):
            some = SQL(", ").join(identities[first : first + THINGS_PER_STATEMENT])
            grant = SQL("GRANT {} ON {} {} TO {}")
            run(connection, grant.format(SQL(word), SQL(kind), some, Identifier(username)))


def _names(names: Iterable[str]) -> Composable:
    return SQL(", ").join(Identifier(name) for name in names)


def _grantee(name: str) -> Composable:
    return Identifier(name) if name else SQL("PUBLIC")


def _name(connection: Connection) -> str:
    return str(connection.info.dbname)

"""What the application's and the read-only user may do in one database: grants, now and for objects made later.

Only an owner may grant on its objects and speak of its default privileges, and the master user owns little. So inside
one transaction it becomes a member of the owners it is not yet, does everything, and leaves them again: nobody else
sees it. GRANT may do nothing and still succeed (WARNING 01007), so what is missing is asked again before the commit.

What PUBLIC may write or create, the read-only user may too (databases that began before PostgreSQL 15 let PUBLIC create
in schema public). PostgreSQL has no grant that takes back, so in the copy those rights are moved: from PUBLIC to the
roles that own or create something there or can still log in.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.errors import RefusedError, Retry
from chalicelib.postgres.connection import Connection, attempt, database_of, rows, run, transaction
from chalicelib.postgres.defaults import default_excess, meant_by_default
from chalicelib.postgres.names import RDS_LOGIN_ROLES
from chalicelib.postgres.privileges import APPLICATION, READ_ONLY, THINGS, Privilege, Thing, excess, listed, missing

MEMBERSHIP_HAS_OPTIONS = (
    160_000  # from this server_version on, a membership says whether it is inherited and allows SET ROLE
)
THINGS_PER_STATEMENT = 500


class Maker(NamedTuple):
    """A role that owns or may create objects in the database, or can log in."""

    name: str
    held: bool  # the master user has its rights already
    makes: bool  # owns something here, or may create: its default privileges matter


def ensure_grants(connection: Connection, *, application: str, readonly: str, trusted: Collection[str] = ()) -> None:
    """Make both users' rights in this database what they should be, all or nothing."""
    with transaction(connection):
        makers = _makers(connection, application=application, readonly=readonly)
        makes = sorted({maker.name for maker in makers if maker.makes} | {application})
        with membership(connection, _not_held(connection, makes)):
            heirs = [maker.name for maker in makers if maker.name != application or maker.makes]
            _move_excess(connection, excess(connection, readonly, trusted), heirs, application)
            _take_from_grantors(connection, excess(connection, readonly, trusted))
            _give_missing(connection, application, missing(connection, application, APPLICATION))
            _give_missing(connection, readonly, missing(connection, readonly, READ_ONLY))
            for statement in (
                *default_excess(connection, readonly),
                *meant_by_default(makes, application=application, readonly=readonly),
            ):
                run(connection, statement)
        refuse_unless_right(connection, application=application, readonly=readonly, trusted=trusted)


def refuse_unless_right(
    connection: Connection, *, application: str, readonly: str, trusted: Collection[str] = ()
) -> None:
    """Refuse, with what is wrong, unless both users hold all they should and the read-only user nothing more."""
    lacking = missing(connection, application, APPLICATION) + missing(connection, readonly, READ_ONLY)
    if lacking:
        raise RefusedError(
            f"{lacking[0].grantee} cannot be given what it needs in database {database_of(connection)}: "
            f"{listed(lacking)}.",
            "In production, give those objects an owner that the master user may become a member of.",
            retry=Retry.LATER_SNAPSHOT,
        )
    beyond = excess(connection, readonly, trusted)
    if beyond:
        raise RefusedError(
            f"{readonly} could do more than read in database {database_of(connection)}: {listed(beyond)}.",
            "In production, revoke those rights from the role and from PUBLIC. Functions that run as their owner and "
            "only read may be named in TRUST_DEFINER_FUNCTIONS instead.",
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
   WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> ALL (%(rds)s)
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
def membership(connection: Connection, names: list[str], *, to_act: bool = False) -> Iterator[None]:
    """Let the master user have the rights of these roles for a while; what goes wrong rolls it back.

    With `to_act` it may also act as them (SET ROLE).
    """
    inherited = (
        " WITH INHERIT TRUE" + (", SET TRUE" if to_act else "")
        if connection.server_version >= MEMBERSHIP_HAS_OPTIONS
        else ""
    )
    for name in names:
        run(connection, SQL("GRANT {} TO CURRENT_USER" + inherited).format(Identifier(name)))
    yield
    for name in names:
        run(connection, SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(name)))


def _move_excess(connection: Connection, beyond: Collection[Privilege], heirs: list[str], application: str) -> None:
    """Take what is beyond reading from the read-only user and from PUBLIC; what was PUBLIC's goes to `heirs`.

    The application's user keeps the routines that PUBLIC may call in production.
    """
    for (word, kind, grantee), things in _together(beyond).items():
        if not grantee:
            to = [*heirs, application] if kind in ("FUNCTION", "PROCEDURE") and application not in heirs else heirs
            _say(connection, SQL("GRANT {} ON {} {{}} TO {}").format(SQL(word), SQL(kind), _names(to)), things)
    _revoke(connection, beyond)


def _revoke(connection: Connection, privileges: Collection[Privilege]) -> None:
    """Take these privileges, and what was given on with them."""
    for (word, kind, grantee), things in _together(privileges).items():
        revoke = SQL("REVOKE {} ON {} {{}} FROM {} CASCADE").format(SQL(word), SQL(kind), _grantee(grantee))
        _say(connection, revoke, things)


def _take_from_grantors(connection: Connection, beyond: list[Privilege]) -> None:
    """Take what other roles than the owners gave (WITH GRANT OPTION), in the name of each of them."""
    for grantor in sorted({privilege.grantor for privilege in beyond if privilege.grantor}):
        given = [privilege._replace(ours=True) for privilege in beyond if privilege.grantor == grantor]
        with attempt(connection), membership(connection, [grantor], to_act=True):
            run(connection, SQL("SET LOCAL ROLE {}").format(Identifier(grantor)))
            _revoke(connection, given)
            run(connection, SQL("SET LOCAL ROLE NONE"))


def _give_missing(connection: Connection, username: str, lacking: Iterable[Privilege]) -> None:
    """Grant each missing privilege."""
    for (word, kind, _), things in _together(lacking).items():
        _say(connection, SQL("GRANT {} ON {} {{}} TO {}").format(SQL(word), SQL(kind), Identifier(username)), things)


def _together(privileges: Iterable[Privilege]) -> Mapping[tuple[str, str, str], list[Thing]]:
    """Put the things together that one statement can name; what is not ours to grant stays, and is refused by name."""
    groups: dict[tuple[str, str, str], list[Thing]] = defaultdict(list)
    for privilege in privileges:
        if privilege.ours:
            groups[privilege.word, privilege.thing.word, privilege.grantee].append(privilege.thing)
    return groups


def _say(connection: Connection, statement: Composable, things: list[Thing]) -> None:
    """Run a statement for many things at a time; `{}` in it stands for them."""
    before, after = statement.as_string(connection).split("{}", 1)
    for first in range(0, len(things), THINGS_PER_STATEMENT):
        some = SQL(", ").join(thing.identity for thing in things[first : first + THINGS_PER_STATEMENT])
        run(connection, SQL(before) + some + SQL(after))


def _names(names: Iterable[str]) -> Composable:
    return SQL(", ").join(Identifier(name) for name in names)


def _grantee(name: str) -> Composable:
    return Identifier(name) if name else SQL("PUBLIC")

"""What the application's and the read-only user may do in one database: grants, now and for objects made later.

What is missing and what is too much are asked once and set by many statements of many objects each,
in transactions of a bounded size: each one leaves every right either as it was or as it should be,
and needs few locks. So whoever is interrupted goes on where he stood, because only what is still
wrong is found the next time. What is too much goes first. GRANT may do nothing and still succeed
(WARNING 01007), so at the end everything is asked again.

What PUBLIC may write or create, the read-only user may too (databases that began before PostgreSQL
15 let PUBLIC create in schema public). PostgreSQL has no grant that takes back, so in the copy
those rights are moved: from PUBLIC to a group of all the others.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database import default_privileges
from chalicelib.database.connection import Connection, attempt, database_of, rows, run, transaction
from chalicelib.database.default_privileges import DefaultPrivilege
from chalicelib.database.errors import DatabaseBusyError
from chalicelib.database.membership import EVERYBODY_ELSE, identifiers, membership, new_grantees
from chalicelib.database.names import RDS_LOGIN_ROLES
from chalicelib.database.objects import OBJECTS, GrantableObject
from chalicelib.database.ownership import adopt_large_objects, refuse_owner
from chalicelib.database.privileges import (
    APPLICATION,
    READ_ONLY,
    Privilege,
    excess,
    listed,
    missing,
)
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.limits import counted

OBJECTS_PER_TRANSACTION = 500
"""Each may take a lock of its own, and a server has room for few: `max_locks_per_transaction` times its connections."""
OWNERS_PER_TRANSACTION = 100
SECONDS_TO_STOP = 90
"""What is left of an invocation when no other transaction is begun."""
GONE = (
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.UndefinedObject,
    psycopg2.errors.UndefinedFunction,
    psycopg2.errors.InvalidSchemaName,
)


class Users(NamedTuple):
    """The two users' names, and the routines of owners that only read, as `<schema>.<name>`."""

    application: str
    readonly: str
    trusted: Collection[str] = ()


Change = TypeVar("Change", Privilege, DefaultPrivilege)


class TimeBudget:
    """The transactions of one invocation: one at least, so that it brings the work on however short it is."""

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds, self._begun = remaining_seconds, False

    def begin(self, connection: Connection, left: int) -> None:
        """Go on with `left` objects to go, or DatabaseBusyError where the next transaction might be cut off."""
        if self._begun and self._remaining_seconds() < SECONDS_TO_STOP:
            raise DatabaseBusyError(
                f"Setting rights in database {database_of(connection)} takes longer than one "
                f"invocation: {counted(left, 'object')} of this pass to go. The next one goes on "
                "there."
            )
        self._begun = True


def ensure_grants(connection: Connection, users: Users, budget: TimeBudget) -> None:
    """Make both users' rights in this database what they should be, as far as the master user can.

    DatabaseBusyError when time is nearly up: the next call goes on. RefusedError as `check_grants` has it,
    and where the read-only user owns something.
    """
    work = _Work(connection, budget)
    refuse_owner(connection, users.readonly)
    adopt_large_objects(connection, users.readonly, work.begin)
    creators = _creators(connection, users)
    beyond = excess(connection, users.readonly, users.trusted)
    later = default_privileges.excess(connection, users.readonly)
    others: list[str] = []
    if "" in {
        *(privilege.grantee for privilege in beyond),
        *(default.grantee for default in later),
    }:
        left_out = {users.readonly, *({users.application} - creators)}
        others = new_grantees(connection, left_out)
    work.through(beyond, lambda some: _take(connection, some, others, users.application))
    _take_from_grantors(work, excess(connection, users.readonly, users.trusted))
    lacking = missing(connection, users.application, APPLICATION)
    work.through(
        lacking + missing(connection, users.readonly, READ_ONLY),
        lambda some: _give(connection, some),
    )
    work.through(later, lambda some: default_privileges.take(connection, some, others))
    creators |= {users.application}
    by_default = default_privileges.missing(connection, creators, users.application, APPLICATION)
    by_default += default_privileges.missing(connection, creators, users.readonly, READ_ONLY)
    work.through(by_default, lambda some: default_privileges.give(connection, some))
    check_grants(connection, users)


def check_grants(connection: Connection, users: Users) -> list[str]:
    """Return a sentence for each kind of right that could not be set in this database.

    RefusedError with what is wrong where the read-only user could write, or where the application
    could use nothing.
    """
    beyond = excess(connection, users.readonly, users.trusted)
    if writes := [privilege for privilege in beyond if privilege.writes]:
        raise RefusedError(
            f"{users.readonly} could do more than read in database {database_of(connection)}: "
            f"{listed(writes)}.",
            "In production, revoke those rights from the role and from PUBLIC. Functions that run "
            "as their owner and only read may be named in TRUST_DEFINER_FUNCTIONS instead.",
            retry=Retry.LATER_SNAPSHOT,
        )
    lacking = missing(connection, users.application, APPLICATION) + missing(
        connection, users.readonly, READ_ONLY
    )
    _refuse_lacking(connection, users.application, lacking)
    return [*_not_given(connection, lacking), *_not_taken(connection, users, beyond)]


_USES_A_TABLE = f"""
WITH {OBJECTS}
SELECT pg_catalog.count(*),
       pg_catalog.bool_or(pg_catalog.has_table_privilege(%(application)s, thing.oid, 'SELECT')
                          AND pg_catalog.has_schema_privilege(%(application)s, within, 'USAGE'))
  FROM thing JOIN pg_catalog.pg_roles ON pg_roles.oid = owner AND NOT rolsuper
 WHERE kind = 'TABLE' AND NOT extension
"""  # noqa: S608 (composed of constants)


def _refuse_lacking(connection: Connection, application: str, lacking: Sequence[Privilege]) -> None:
    """Refuse what is lacking though the master user may give it, and a database that is of no use to the application.

    That is one which it may not enter, or where it can use no table of production's: such a copy is
    no success.
    """
    if not lacking:
        return
    with (
        transaction(connection),
        membership(connection, {privilege.owner for privilege in lacking}) as joined,
    ):
        wrong = [privilege for privilege in lacking if privilege.ours or privilege.owner in joined]
    wrong = wrong or [privilege for privilege in lacking if privilege.thing.kind == "DATABASE"]
    ((tables, uses),) = rows(connection, _USES_A_TABLE, application=application)
    if wrong or (tables and not uses):
        some = wrong or lacking
        raise RefusedError(
            f"{some[0].grantee} cannot be given what it needs in database "
            f"{database_of(connection)}: {listed(some)}.",
            "In production, give those objects an owner that the master user may become a member "
            "of.",
            retry=Retry.LATER_SNAPSHOT,
        )


def _not_given(connection: Connection, lacking: Sequence[Privilege]) -> Iterator[str]:
    for username in dict.fromkeys(privilege.grantee for privilege in lacking):
        some = [privilege for privilege in lacking if privilege.grantee == username]
        owners = sorted({privilege.owner for privilege in some})
        yield (
            f"In database {database_of(connection)}, {username} lacks {listed(some)}: the master "
            "user may not act for "
            f"{', '.join(owners[:5])}{' and other owners' if owners[5:] else ''}."
        )


def _not_taken(connection: Connection, users: Users, beyond: Sequence[Privilege]) -> Iterator[str]:
    if left := [privilege for privilege in beyond if privilege.reachable]:
        yield (
            f"In database {database_of(connection)}, {users.readonly} keeps what the master user "
            f"may not take, with which it cannot write to tables: {listed(left)}."
        )


_CREATORS = f"""
WITH {OBJECTS},
creator AS (SELECT owner AS role FROM thing WHERE NOT extension
            UNION SELECT grantee FROM thing CROSS JOIN pg_catalog.aclexplode(acl) WHERE privilege_type = 'CREATE'
            UNION SELECT defaclrole FROM pg_catalog.pg_default_acl)
SELECT rolname FROM pg_catalog.pg_roles
 WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> ALL (%(left_out)s)
   AND (oid IN (SELECT role FROM creator)
        OR rolcanlogin AND rolname <> %(application)s AND EXISTS
             (SELECT FROM thing
               WHERE kind = 'SCHEMA' AND NOT extension
                 AND pg_catalog.has_schema_privilege(rolname, thing.oid, 'CREATE')))
"""  # noqa: S608 (composed of constants)


def _creators(connection: Connection, users: Users) -> set[str]:
    """Return the roles that own something here, or may create: what they make later is to be granted, too."""
    left_out = sorted({users.readonly, EVERYBODY_ELSE, *RDS_LOGIN_ROLES})
    found = rows(connection, _CREATORS, application=users.application, left_out=left_out)
    return {name for (name,) in found}


class _Work:
    """Changes of rights in one database, each transaction as the owners whose objects it is about."""

    def __init__(self, connection: Connection, budget: TimeBudget) -> None:
        self.connection, self._pace = connection, budget
        self._denied: set[str] = set()  # owners that the master user cannot become

    def through(self, changes: Sequence[Change], apply: Callable[[list[Change]], None]) -> None:
        """Apply all changes that the master user may make, some at a time; the others are left."""
        done = 0
        for some in _some_at_a_time(changes):
            self.begin(len(changes) - done)
            owners = {change.owner for change in some if not change.ours} - self._denied
            with _transaction(self.connection), membership(self.connection, owners) as joined:
                self._denied |= owners - joined
                apply([change for change in some if change.ours or change.owner in joined])
            done += len(some)

    def by_grantor(self, grantor: str, beyond: Sequence[Privilege]) -> None:
        """Take what a role gave, in its name, if the master user may act as it."""
        for some in _some_at_a_time(beyond):
            self.begin(len(beyond))
            with _transaction(self.connection), membership(self.connection, [grantor], to_act=True):
                with attempt(self.connection):
                    run(self.connection, SQL("SET LOCAL ROLE {}").format(Identifier(grantor)))
                    _revoke(self.connection, some)
                run(self.connection, SQL("SET LOCAL ROLE NONE"))

    def begin(self, left: int) -> None:
        """Begin another transaction, with so many objects to go."""
        self._pace.begin(self.connection, left)


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Begin a transaction in which an object that somebody drops meanwhile is a reason to ask again, and no bug."""
    try:
        with transaction(connection):
            yield
    except GONE as error:
        if error.diag.context:  # in production's own code, which ran on our statement
            raise
        database = database_of(connection)
        raise DatabaseBusyError(
            f"Somebody dropped an object of database {database} meanwhile."
        ) from error


def _some_at_a_time(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield changes owner by owner, no more objects and owners together than one transaction may have."""
    some: list[Change] = []
    owners: set[str] = set()
    for change in sorted(changes, key=lambda change: change.owner):
        if (
            len(some) == OBJECTS_PER_TRANSACTION
            or len(owners | {change.owner}) > OWNERS_PER_TRANSACTION
        ):
            yield some
            some, owners = [], set()
        some.append(change)
        owners.add(change.owner)
    if some:
        yield some


def _take(
    connection: Connection, beyond: Sequence[Privilege], others: list[str], application: str
) -> None:
    """Take what is beyond reading from the read-only user and from PUBLIC.

    What was PUBLIC's goes to the others.

    The application's user keeps the routines and large objects that PUBLIC has in production.
    """
    public = [
        privilege for privilege in beyond if not privilege.grantee and not privilege.option_only
    ]
    for (words, kind, _), things in _grouped(public):
        keeps = things[0].kind in ("ROUTINE", "LARGE OBJECT")
        to = identifiers([*others, application] if keeps else others)
        run(
            connection,
            SQL("GRANT {} ON {} {} TO {}").format(SQL(words), SQL(kind), _named(things), to),
        )
    _revoke(connection, beyond)


def _revoke(connection: Connection, beyond: Sequence[Privilege]) -> None:
    """Take these privileges, and what was given on with them."""
    for option, only in (("", False), ("GRANT OPTION FOR ", True)):
        some = [privilege for privilege in beyond if privilege.option_only is only]
        for (words, kind, grantee), things in _grouped(some):
            revoke = SQL("REVOKE {} ON {} {} FROM {} CASCADE").format(
                SQL(option + words), SQL(kind), _named(things), _grantee(grantee)
            )
            run(connection, revoke)


def _take_from_grantors(work: _Work, beyond: Sequence[Privilege]) -> None:
    """Take what other roles than the owners gave (WITH GRANT OPTION), in the name of each of them."""
    for grantor in sorted({privilege.grantor for privilege in beyond if privilege.grantor}):
        work.by_grantor(
            grantor, [privilege for privilege in beyond if privilege.grantor == grantor]
        )


def _give(connection: Connection, lacking: Sequence[Privilege]) -> None:
    """Grant each missing privilege."""
    for (words, kind, username), things in _grouped(lacking):
        to = Identifier(username)
        run(
            connection,
            SQL("GRANT {} ON {} {} TO {}").format(SQL(words), SQL(kind), _named(things), to),
        )


def _grouped(
    privileges: Iterable[Privilege],
) -> Iterable[tuple[tuple[str, str, str], list[GrantableObject]]]:
    """Put the things together that one statement can name."""
    groups: dict[tuple[str, str, str], list[GrantableObject]] = defaultdict(list)
    for privilege in privileges:
        groups[", ".join(privilege.words), privilege.thing.word, privilege.grantee].append(
            privilege.thing
        )
    return groups.items()


def _named(things: Iterable[GrantableObject]) -> Composable:
    return SQL(", ").join(thing.identity for thing in things)


def _grantee(name: str) -> Composable:
    return Identifier(name) if name else SQL("PUBLIC")

"""What the application's and the read-only user may do in one database, now and with later objects.

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
from chalicelib.database.membership import (
    EVERYBODY_ELSE,
    grantee,
    identifiers,
    membership,
    new_grantees,
)
from chalicelib.database.objects import OBJECTS, GrantableObject
from chalicelib.database.ownership import adopt_large_objects, refuse_owner
from chalicelib.database.privileges import APPLICATION, READ_ONLY, Privilege, excess, missing
from chalicelib.database.rds_roles import RDS_LOGIN_ROLES
from chalicelib.database.time_budget import TimeBudget
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.text_limits import first_few

# Each object may take a lock of its own, and a server has room for few: max_locks_per_transaction
# times its connections.
OBJECTS_PER_TRANSACTION = 500
OWNERS_PER_TRANSACTION = 100
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


def ensure_grants(connection: Connection, users: Users, budget: TimeBudget) -> None:
    """Make both users' rights in this database what they should be, as far as the master user can.

    DatabaseBusyError when time is nearly up: the next call goes on. RefusedError as `check_grants`
    has it, and where the read-only user owns something.
    """
    work = _Work(connection, budget)
    refuse_owner(connection, users.readonly)
    adopt_large_objects(connection, users.readonly, work.begin)
    creators = _creators(connection, users)
    _revoke_all_excess(work, users, creators)
    work.through(_missing(connection, users), lambda some: _grant(connection, some))
    lacking = [
        *default_privileges.missing(
            connection, creators | {users.application}, users.application, APPLICATION
        ),
        *default_privileges.missing(
            connection, creators | {users.application}, users.readonly, READ_ONLY
        ),
    ]
    work.through(lacking, lambda some: default_privileges.grant(connection, some))
    check_grants(connection, users)


def _missing(connection: Connection, users: Users) -> list[Privilege]:
    return [
        *missing(connection, users.application, APPLICATION),
        *missing(connection, users.readonly, READ_ONLY),
    ]


def _revoke_all_excess(work: "_Work", users: Users, creators: set[str]) -> None:
    """Take what the read-only user may do beyond reading, with present and future objects."""
    connection = work.connection
    beyond = excess(connection, users.readonly, users.trusted)
    later = default_privileges.excess(connection, users.readonly)
    others: list[str] = []
    grantees = {*(each.grantee for each in beyond), *(each.grantee for each in later)}
    if "" in grantees:  # PUBLIC
        others = new_grantees(connection, {users.readonly, *({users.application} - creators)})
    work.through(beyond, lambda some: _revoke_excess(connection, some, others, users.application))
    _revoke_from_grantors(work, excess(connection, users.readonly, users.trusted))
    work.through(later, lambda some: default_privileges.revoke(connection, some, others))


def check_grants(connection: Connection, users: Users) -> list[str]:
    """Return a sentence for each kind of right that could not be set in this database.

    RefusedError with what is wrong where the read-only user could write, or where the application
    could use nothing.
    """
    beyond = excess(connection, users.readonly, users.trusted)
    if writes := [privilege for privilege in beyond if privilege.writes]:
        raise RefusedError(
            f"{users.readonly} could do more than read in database {database_of(connection)}: "
            f"{first_few(writes)}.",
            "In production, revoke those rights from the role and from PUBLIC. Functions that run "
            "as their owner and only read may be named in TRUST_DEFINER_FUNCTIONS instead.",
            retry=Retry.LATER_SNAPSHOT,
        )
    lacking = _missing(connection, users)
    _refuse_lacking(connection, users.application, lacking)
    return [*_not_granted(connection, lacking), *_not_revoked(connection, users, beyond)]


_USES_A_TABLE = f"""
WITH {OBJECTS}
SELECT pg_catalog.count(*),
       pg_catalog.bool_or(
         pg_catalog.has_table_privilege(%(application)s, object.oid, 'SELECT')
         AND pg_catalog.has_schema_privilege(%(application)s, within, 'USAGE'))
  FROM object
  JOIN pg_catalog.pg_roles ON pg_roles.oid = owner AND NOT rolsuper
 WHERE kind = 'TABLE' AND NOT extension
"""  # noqa: S608 (composed of constants)


def _refuse_lacking(connection: Connection, application: str, lacking: Sequence[Privilege]) -> None:
    """Refuse a right that the master user may grant and that is missing, and a copy of no use.

    Of no use is a database which the application may not enter, or where it can use no table.
    """
    if not lacking:
        return
    owners = {privilege.owner for privilege in lacking}
    with transaction(connection), membership(connection, owners) as joined:
        wrong = [
            privilege for privilege in lacking if privilege.master_may or privilege.owner in joined
        ]
    wrong = wrong or [privilege for privilege in lacking if privilege.on.kind == "DATABASE"]
    ((tables, uses),) = rows(connection, _USES_A_TABLE, application=application)
    if wrong or (tables and not uses):
        some = wrong or lacking
        raise RefusedError(
            f"{some[0].grantee} cannot be given what it needs in database "
            f"{database_of(connection)}: {first_few(some)}.",
            "In production, give those objects an owner that the master user may become a member "
            "of.",
            retry=Retry.LATER_SNAPSHOT,
        )


def _not_granted(connection: Connection, lacking: Sequence[Privilege]) -> Iterator[str]:
    for username in dict.fromkeys(privilege.grantee for privilege in lacking):
        some = [privilege for privilege in lacking if privilege.grantee == username]
        owners = sorted({privilege.owner for privilege in some})
        yield (
            f"In database {database_of(connection)}, {username} lacks {first_few(some)}: the "
            f"master user may not act for {first_few(owners)}."
        )


def _not_revoked(
    connection: Connection, users: Users, beyond: Sequence[Privilege]
) -> Iterator[str]:
    if left := [privilege for privilege in beyond if privilege.reachable]:
        yield (
            f"In database {database_of(connection)}, {users.readonly} keeps what the master user "
            f"may not take, with which it cannot write to tables: {first_few(left)}."
        )


_CREATORS = f"""
WITH {OBJECTS},
creator AS (
  SELECT owner AS role FROM object WHERE NOT extension
  UNION
  SELECT grantee FROM object CROSS JOIN pg_catalog.aclexplode(acl) WHERE privilege_type = 'CREATE'
  UNION
  SELECT defaclrole FROM pg_catalog.pg_default_acl)
SELECT rolname
  FROM pg_catalog.pg_roles
 WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> ALL (%(left_out)s)
   AND (oid IN (SELECT role FROM creator)
        OR rolcanlogin AND rolname <> %(application)s
           AND EXISTS (SELECT
                         FROM object
                        WHERE kind = 'SCHEMA' AND NOT extension
                          AND pg_catalog.has_schema_privilege(rolname, object.oid, 'CREATE')))
"""  # noqa: S608 (composed of constants)


def _creators(connection: Connection, users: Users) -> set[str]:
    """Return the roles that own something here, or may create: the next owners."""
    left_out = sorted({users.readonly, EVERYBODY_ELSE, *RDS_LOGIN_ROLES})
    found = rows(connection, _CREATORS, application=users.application, left_out=left_out)
    return {name for (name,) in found}


class _Work:
    """Changes of rights in one database, each transaction as the owners of its objects."""

    def __init__(self, connection: Connection, budget: TimeBudget) -> None:
        self.connection, self._budget = connection, budget
        self._denied: set[str] = set()  # owners that the master user cannot become a member of

    def through(self, changes: Sequence[Change], apply: Callable[[list[Change]], None]) -> None:
        """Apply all changes that the master user may make, in batches; the others are left."""
        done = 0
        for some in _in_batches(changes):
            self.begin(len(changes) - done)
            owners = {change.owner for change in some if not change.master_may} - self._denied
            with _transaction(self.connection), membership(self.connection, owners) as joined:
                self._denied |= owners - joined
                apply([change for change in some if change.master_may or change.owner in joined])
            done += len(some)

    def by_grantor(self, grantor: str, beyond: Sequence[Privilege]) -> None:
        """Revoke what a role granted, in its name, if the master user may act as it."""
        for some in _in_batches(beyond):
            self.begin(len(beyond))
            with _transaction(self.connection), membership(self.connection, [grantor], to_act=True):
                with attempt(self.connection):
                    run(self.connection, SQL("SET LOCAL ROLE {}").format(Identifier(grantor)))
                    _revoke(self.connection, some)
                run(self.connection, SQL("SET LOCAL ROLE NONE"))

    def begin(self, left: int) -> None:
        """Begin another transaction, with so many objects to go."""
        self._budget.begin(self.connection, left)


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Begin a transaction that is tried again if another session drops one of its objects."""
    try:
        with transaction(connection):
            yield
    except GONE as error:
        if error.diag.context:  # it came from production's own code, which our statement set off
            raise
        database = database_of(connection)
        raise DatabaseBusyError(
            f"Somebody dropped an object of database {database} meanwhile."
        ) from error


def _in_batches(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield changes owner by owner, as many objects and owners as one transaction may have."""
    batch: list[Change] = []
    owners: set[str] = set()
    for change in sorted(changes, key=lambda change: change.owner):
        too_many_owners = len(owners | {change.owner}) > OWNERS_PER_TRANSACTION
        if too_many_owners or len(batch) == OBJECTS_PER_TRANSACTION:
            yield batch
            batch, owners = [], set()
        batch.append(change)
        owners.add(change.owner)
    if batch:
        yield batch


def _revoke_excess(
    connection: Connection, beyond: Sequence[Privilege], others: list[str], application: str
) -> None:
    """Revoke what is beyond reading; what PUBLIC had goes to `others`.

    The application's user keeps the routines and large objects that PUBLIC has in production.
    """
    public = [
        privilege for privilege in beyond if not privilege.grantee and not privilege.option_only
    ]
    for group in _grouped(public):
        keeps = group.objects[0].kind in ("ROUTINE", "LARGE OBJECT")
        to = identifiers([*others, application] if keeps else others)
        run(connection, group.grant(to))
    _revoke(connection, beyond)


def _revoke(connection: Connection, beyond: Sequence[Privilege]) -> None:
    """Revoke these privileges, and what was granted on with them."""
    for option_only in (False, True):
        for group in _grouped(right for right in beyond if right.option_only is option_only):
            run(connection, group.revoke(option_only=option_only))


def _revoke_from_grantors(work: _Work, beyond: Sequence[Privilege]) -> None:
    """Revoke what others than the owners granted (WITH GRANT OPTION), in the name of each."""
    for grantor in sorted({privilege.grantor for privilege in beyond if privilege.grantor}):
        granted = [privilege for privilege in beyond if privilege.grantor == grantor]
        work.by_grantor(grantor, granted)


def _grant(connection: Connection, lacking: Sequence[Privilege]) -> None:
    for group in _grouped(lacking):
        run(connection, group.grant(Identifier(group.grantee)))


class _Group(NamedTuple):
    """Objects that one statement can name: `word` is how GRANT calls their kind."""

    words: str
    word: str
    grantee: str
    objects: list[GrantableObject]

    def grant(self, to: Composable) -> Composable:
        statement = SQL("GRANT {} ON {} {} TO {}")
        return statement.format(SQL(self.words), SQL(self.word), self._names, to)

    def revoke(self, *, option_only: bool) -> Composable:
        words = SQL(f"GRANT OPTION FOR {self.words}" if option_only else self.words)
        statement = SQL("REVOKE {} ON {} {} FROM {} CASCADE")
        return statement.format(words, SQL(self.word), self._names, grantee(self.grantee))

    @property
    def _names(self) -> Composable:
        return SQL(", ").join(each.identity for each in self.objects)


def _grouped(privileges: Iterable[Privilege]) -> list[_Group]:
    objects: dict[tuple[str, str, str], list[GrantableObject]] = defaultdict(list)
    for privilege in privileges:
        key = ", ".join(privilege.words), privilege.on.word, privilege.grantee
        objects[key].append(privilege.on)
    return [_Group(*key, some) for key, some in objects.items()]

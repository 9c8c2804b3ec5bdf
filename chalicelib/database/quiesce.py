"""What came with production and acts or reaches out by itself: found in one database, and stopped.

Each kind is a question to the catalog (`quiesce_queries`) that answers with objects and with the
statements that stop them. The statements run as the object's owner, whom the master user becomes
for one transaction. Then the question is asked again: what it still finds was not stopped, whatever
a statement said (a REVOKE that takes nothing succeeds: WARNING 01006).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
import psycopg2.errors
from psycopg2.extensions import TRANSACTION_STATUS_INERROR
from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database import scheduled_jobs
from chalicelib.database.connection import Connection, database_of, rows, run, transaction
from chalicelib.database.endpoint import Endpoint
from chalicelib.database.errors import DatabaseUnavailableError, session_error
from chalicelib.database.membership import MEMBERSHIP_HAS_OPTIONS
from chalicelib.database.quiesce_queries import ELSEWHERE, QUERIES
from chalicelib.flow.errors import TransientError
from chalicelib.flow.quiesce_kinds import PREPARED_TRANSACTIONS, REPORTED, Remaining


class ActiveObject(NamedTuple):
    """One object that acts or reaches out by itself, or `how_many` of them in one table.

    `database` is "" for one of the whole cluster.
    """

    kind: str
    name: str
    owner: str
    statements: tuple[Composable, ...]
    how_many: int
    database: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from all others of the cluster."""
        return self.kind, self.database, self.name

    def __str__(self) -> str:
        return f"{self.name} in database {self.database}" if self.database else self.name


def find(connection: Connection, kinds: Collection[str]) -> list[ActiveObject]:
    """Return what there is of these kinds in the session's database."""
    return [
        found for kind in kinds for found in (*_objects(connection, kind), *_jobs(connection, kind))
    ]


def find_elsewhere(
    connection: Connection, kinds: Collection[str], entered: Collection[str]
) -> list[ActiveObject]:
    """Return what there is of these kinds in databases that the set-up cannot enter."""
    return [
        ActiveObject(kind, name, str(owner), (), 1, database)
        for kind in kinds
        if kind in ELSEWHERE
        for name, owner, database in rows(connection, ELSEWHERE[kind])
        if database not in entered
    ]


def stop(connection: Connection, endpoint: Endpoint, kinds: Collection[str]) -> list[Remaining]:
    """Stop what there is of these kinds in the session's database; return what may still go on.

    What somebody holds keeps nothing else running: TransientError is raised when all has been
    tried.
    """
    busy: list[TransientError] = []
    remaining: list[Remaining] = []
    for kind in (kind for kind in kinds if kind not in REPORTED):
        codes = {
            found.key: _stop(connection, endpoint, found, busy)
            for found in find(connection, [kind])
        }
        remaining += [_remaining(found, codes.get(found.key)) for found in find(connection, [kind])]
        remaining += _unseen(connection, kind)
    if busy:
        raise busy[0]
    return remaining


def _objects(connection: Connection, kind: str) -> Iterator[ActiveObject]:
    if kind not in QUERIES:
        return
    database = database_of(connection)
    for name, owner, statements, count, is_shared in rows(connection, QUERIES[kind]):
        texts = tuple(map(SQL, statements))
        yield ActiveObject(kind, name, owner, texts, count, "" if is_shared else database)


def _jobs(connection: Connection, kind: str) -> Iterator[ActiveObject]:
    for table in scheduled_jobs.tables(connection, kind):
        if count := _count(connection, table)[0]:
            yield ActiveObject(
                kind,
                table.name,
                table.owner,
                (scheduled_jobs.ending(table),),
                count,
                database_of(connection),
            )


def _unseen(connection: Connection, kind: str) -> list[Remaining]:
    """Name the tables of which the master user may not see every line."""
    return [
        Remaining(
            kind,
            f"what {table.name} in database {database_of(connection)} hides from the master user",
        )
        for table in scheduled_jobs.tables(connection, kind)
        if _count(connection, table)[1]
    ]


def _count(connection: Connection, table: scheduled_jobs.Table) -> tuple[int, bool]:
    """Count a table's jobs, as its owner if the master may become it.

    And tell whether there may be more.
    """
    try:
        with _acting_inside(connection, table.owner):
            return scheduled_jobs.count(connection, table), scheduled_jobs.is_hidden(
                connection, table
            )
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidGrantOperation):
        return 0, True


def _stop(
    connection: Connection, endpoint: Endpoint, found: ActiveObject, busy: list[TransientError]
) -> str | None:
    """Run what stops a thing; return the SQLSTATE that it failed with.

    None of the server's texts is told on.
    """
    acting = _acting_outside if found.kind == PREPARED_TRANSACTIONS else _acting_inside
    try:
        with acting(connection, found.owner):
            for statement in found.statements:
                run(connection, statement)
    except psycopg2.Error as error:
        named = session_error(error.pgcode, endpoint, "")
        if isinstance(named, DatabaseUnavailableError):
            if connection.closed or not error.diag.context:
                raise  # else code of production's own said so, in a trigger for example
        elif isinstance(named, TransientError):
            busy.append(named)
        return str(error.pgcode)
    return None


def _remaining(found: ActiveObject, code: str | None) -> Remaining:
    return Remaining(found.kind, f"{found} (SQLSTATE {code})" if code else str(found))


_OWNER = """
SELECT rolsuper OR rolname = current_user, pg_catalog.pg_has_role(current_user, rolname, {})
  FROM pg_catalog.pg_roles WHERE rolname = %(owner)s
"""


@contextmanager
def _acting_inside(connection: Connection, owner: str) -> Iterator[None]:
    """Be a thing's owner for one transaction."""
    with transaction(connection), _as_owner(connection, owner):
        yield


@contextmanager
def _acting_outside(connection: Connection, owner: str) -> Iterator[None]:
    """Be a thing's owner outside of a transaction, as ROLLBACK PREPARED has to be run.

    The membership does not outlive the transaction that makes it, so a function that dies leaves
    none behind. The role stays: SET LOCAL ends with the transaction, and then SET holds (PostgreSQL
    documentation, "SET").
    """
    with transaction(connection), _as_owner(connection, owner, "SET LOCAL ROLE NONE"):
        pass
    try:
        yield
    finally:
        if not connection.closed:
            run(connection, SQL("SET ROLE NONE"))


@contextmanager
def _as_owner(connection: Connection, owner: str, back: str = "SET ROLE NONE") -> Iterator[None]:
    """Be a thing's owner for a while.

    A superuser nobody can become, nor a role that was dropped after it had prepared a transaction:
    then the master tries it as itself.
    """
    has_options = connection.server_version >= MEMBERSHIP_HAS_OPTIONS
    query = _OWNER.format("'SET'" if has_options else "'MEMBER'")
    found = rows(connection, query, owner=owner)
    as_itself, is_member = found[0] if found else (True, False)
    if as_itself:
        yield
        return
    if not is_member:
        options = " WITH INHERIT TRUE, SET TRUE" if has_options else ""
        run(connection, SQL("GRANT {} TO CURRENT_USER" + options).format(Identifier(owner)))
    run(connection, SQL("SET ROLE {}").format(Identifier(owner)))
    try:
        yield
    finally:
        if (
            not connection.closed
            and connection.info.transaction_status != TRANSACTION_STATUS_INERROR
        ):
            run(connection, SQL(back))
            if not is_member:
                run(connection, SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(owner)))

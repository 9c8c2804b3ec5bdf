"""What the demo asks PostgreSQL: what is there, who can log in, and what they may do.

Each answer is tried as that user, and not derived from catalogs.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import errors, sql

CONNECT_TIMEOUT_SECONDS = 10
# One way to write every value, whatever a role or a database prefers, so that checksums compare.
_SETTINGS = {
    "statement_timeout": "60s", "lock_timeout": "10s", "TimeZone": "UTC", "DateStyle": "ISO",
    "IntervalStyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1",
    "default_transaction_read_only": "off",
    "search_path": "",  # no object of a user's can stand in for one of the system's
}  # fmt: skip
_OPTIONS = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
_DENIED = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)
_DATABASES = """
SELECT datname FROM pg_database
 WHERE datallowconn AND NOT datistemplate AND datname <> 'rdsadmin'  -- RDS's own
 ORDER BY 1
"""
# The columns are those of UserTable. No UPDATE may set a column that is GENERATED ALWAYS.
_TABLES = """
SELECT nspname,
       relname,
       has_schema_privilege(nspname, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
       (SELECT attname FROM pg_attribute
         WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
           AND attgenerated = '' AND attidentity <> 'a'
         ORDER BY attnum LIMIT 1),
       EXISTS (SELECT FROM pg_rewrite WHERE ev_class = c.oid AND ev_type = '2')
         OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
       row_security_active(c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind = 'r' AND relpersistence <> 't'
   AND nspname <> 'information_schema' AND nspname !~ '^pg_'
 ORDER BY 1, 2
"""
_CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} t"
# Sets a value that stands there already: the same privileges are checked as for any UPDATE.
_WRITE = "UPDATE {table} SET {column} = {column} WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)"
# Needs the UPDATE privilege too (SELECT, "The Locking Clause"): for tables whose rule or trigger
# changes or refuses an UPDATE.
_LOCK = "SELECT FROM {table} LIMIT 1 FOR NO KEY UPDATE"
_READ = "SELECT FROM {table} LIMIT 1"
# Under row security: the privilege is checked, and no policy runs, which may be any code and may
# fail as it does in production.
_NO_ROW = {
    _READ: "SELECT FROM {table} WHERE false",
    _WRITE: "UPDATE {table} SET {column} = {column} WHERE false",
    _LOCK: "SELECT FROM {table} WHERE false FOR NO KEY UPDATE",
}


@dataclass(frozen=True)
class DatabaseLogin:
    """A user of a cluster with a password, which no `repr` shows."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class TableContent:
    """What a table holds: how many rows, and a checksum that does not depend on their order.

    Nobody counted them where row security hides rows from every login that may read the table:
    `is_whole` is False.
    """

    rows: int
    checksum: str
    is_whole: bool = True


@dataclass(frozen=True)
class UserTable:
    """A user table as one login sees it: whether it can read it, and a column that it could write.

    `has_rules` says that a rule or trigger of its own could turn an UPDATE into something else,
    `row_security` that this login may see only some rows.
    """

    schema: str
    name: str
    readable: bool
    column: str | None
    has_rules: bool
    row_security: bool

    @property
    def quoted(self) -> sql.Identifier:
        """Give its name as SQL."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Access:
    """How one user's reads and writes ended, tried on every table of one database, by name."""

    database: str
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()  # writes refused for want of the privilege
    problems: tuple[str, ...] = ()  # whatever else went wrong, as sentences


@contextmanager
def connect(
    login: DatabaseLogin, database: str, timeout_seconds: int = CONNECT_TIMEOUT_SECONDS
) -> Iterator[Any]:
    """Open one connection in autocommit; raises psycopg2.OperationalError if it is refused."""
    opened = psycopg2.connect(
        host=login.host,
        port=login.port,
        user=login.username,
        password=login.password,
        dbname=database,
        connect_timeout=timeout_seconds,
        options=_OPTIONS,
        application_name="aurora-restore demo",
    )
    with closing(opened) as connection:
        connection.autocommit = True
        yield connection


def can_log_in(login: DatabaseLogin, database: str) -> bool:
    """Try a login.

    False means a refusal only where another login has just shown that the server answers.
    """
    try:
        with connect(login, database):
            return True
    except psycopg2.OperationalError:
        return False


def databases(login: DatabaseLogin, database: str) -> list[str]:
    """List the databases that somebody may connect to, except templates and RDS's own."""
    with connect(login, database) as connection:
        return [row[0] for row in _rows(connection, _DATABASES)]


def contents(logins: Sequence[DatabaseLogin], database: str) -> dict[str, TableContent]:
    """Read every user table of every database, by the first login that sees all of its rows.

    The keys are `database.schema.table`. Raises psycopg2.OperationalError where the first login,
    which lists the databases, is refused.
    """
    found: dict[str, TableContent] = {}
    for name in databases(logins[0], database):
        for login in logins:
            if can_log_in(login, name):
                _add(found, login, name)
    return found


def tables_called(login: DatabaseLogin, database: str, wanted: str) -> tuple[str, ...]:
    """Find the user tables of that name in every database that the login may connect to."""
    found = []
    for name in databases(login, database):
        if can_log_in(login, name):
            with connect(login, name) as connection:
                tables = _tables(connection)
            found += [f"{name}.{table.schema}" for table in tables if table.name == wanted]
    return tuple(found)


def access(login: DatabaseLogin, database: str) -> Access:
    """Try to read and write every table of a database; a write changes no value."""
    attempts = _Attempts(database)
    try:
        with connect(login, database) as connection:
            for table in _tables(connection):
                attempts.make(connection, table)
    except psycopg2.OperationalError as error:
        attempts.problems.append(f"{login.username} does not get into {database}: {_short(error)}")
    return Access(
        database,
        tuple(attempts.read),
        tuple(attempts.written),
        tuple(attempts.refused),
        tuple(attempts.problems),
    )


class _Attempts:
    """Reads and writes, sorted by how they ended."""

    def __init__(self, database: str) -> None:
        self._database = database
        self.read: list[str] = []
        self.written: list[str] = []
        self.refused: list[str] = []
        self.problems: list[str] = []

    def make(self, connection: Any, table: UserTable) -> None:
        """Read one table, then write it."""
        name = f"{self._database}.{table.schema}.{table.name}"
        try:
            _run(connection, _statement(_READ, table))
            self.read.append(name)
            if table.column:
                _run(connection, _statement(_LOCK if table.has_rules else _WRITE, table))
                self.written.append(name)
        except psycopg2.Error as error:
            if isinstance(error, _DENIED) and name in self.read:
                self.refused.append(name)
            else:
                self.problems.append(f"{name}: {_short(error)}")


def _add(found: dict[str, TableContent], login: DatabaseLogin, database: str) -> None:
    """Add what a login sees of a database, but for tables of which another has seen all rows."""
    with connect(login, database) as connection:
        for table in _tables(connection):
            key = f"{database}.{table.schema}.{table.name}"
            if table.readable and not (key in found and found[key].is_whole):
                found[key] = _content(connection, table)


def _tables(connection: Any) -> list[UserTable]:
    return [UserTable(*row) for row in _rows(connection, _TABLES)]


def _content(connection: Any, table: UserTable) -> TableContent:
    if table.row_security:
        return TableContent(0, "", is_whole=False)
    return TableContent(*_rows(connection, sql.SQL(_CONTENT).format(table.quoted))[0])


def _statement(text: str, table: UserTable) -> sql.Composed:
    text = _NO_ROW[text] if table.row_security else text
    return sql.SQL(text).format(table=table.quoted, column=sql.Identifier(table.column or ""))


def _rows(connection: Any, query: str | sql.Composed) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _run(connection: Any, statement: sql.Composed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _short(error: psycopg2.Error) -> str:
    return str(error).strip().partition("\n")[0]

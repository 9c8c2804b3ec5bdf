"""What the two users can and cannot do, tried by logging in as them, in each database."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg2.errors
from psycopg2.sql import SQL, Composable, Identifier

from chalicelib.database.connection import (
    Connection,
    named_errors,
    plain_session,
    rows,
    run,
    session,
)
from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.objects import OBJECTS
from chalicelib.database.privileges import APPLICATION, READ_ONLY, Privileges
from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.text_limits import counted, first_few, listed

SAMPLES_MAX = 20
UNTRIED_MAX = 5  # sentences in a summary
FIRST_USER_OID = 16_384  # FirstNormalObjectId: what initdb makes has lower numbers
# The planner computes constant parts of the expressions of indexes and extended statistics, so even
# a statement that touches no row runs such functions.
_PLANNED_BY_CODE = f"""
planned(oid) AS (
  SELECT coalesce(indrelid, stxrelid, objid)
    FROM pg_catalog.pg_depend
    LEFT JOIN pg_catalog.pg_index
      ON classid = 'pg_catalog.pg_class'::pg_catalog.regclass
     AND indexrelid = objid
    LEFT JOIN pg_catalog.pg_statistic_ext
      ON classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
     AND pg_statistic_ext.oid = objid
   WHERE refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
     AND refobjid >= {FIRST_USER_OID}
     AND classid IN ('pg_catalog.pg_class'::pg_catalog.regclass,
                     'pg_catalog.pg_statistic_ext'::pg_catalog.regclass))
"""  # noqa: S608 (composed of constants)
# One table of each owner in each schema that the user may use, where a write runs nobody's code.
_SAMPLES = f"""
WITH {OBJECTS}, {_PLANNED_BY_CODE}
SELECT DISTINCT ON (schema, owner) schema, name,
       ARRAY(SELECT attname::pg_catalog.text
               FROM pg_catalog.pg_attribute
              WHERE attrelid = object.oid AND attnum > 0 AND NOT attisdropped
                AND attgenerated = '' AND attidentity <> 'a'
              ORDER BY attnum)
  FROM object
  JOIN pg_catalog.pg_class ON pg_class.oid = object.oid
 WHERE kind = 'TABLE' AND NOT extension
   AND relkind IN ('r', 'p') AND NOT relrowsecurity AND NOT relhasrules
   AND pg_catalog.has_schema_privilege(within, 'USAGE')
   AND NOT EXISTS (SELECT
                     FROM pg_catalog.unnest(%(words)s) AS needed
                    WHERE NOT pg_catalog.has_table_privilege(object.oid, needed))
   AND NOT EXISTS (SELECT
                     FROM pg_catalog.pg_trigger
                    WHERE tgrelid = object.oid AND NOT tgisinternal)
   AND object.oid NOT IN (SELECT oid FROM planned)
 ORDER BY schema, owner, name
 LIMIT {SAMPLES_MAX}
"""  # noqa: S608 (composed of constants)
_SCHEMAS = f"""
WITH {OBJECTS}
SELECT name FROM object WHERE kind = 'SCHEMA' ORDER BY name
"""  # noqa: S608 (composed of constants)
_SETTINGS = """
SELECT pg_catalog.unnest(setconfig)
  FROM pg_catalog.pg_db_role_setting
  LEFT JOIN pg_catalog.pg_database ON pg_database.oid = setdatabase
 WHERE (setdatabase = 0 OR datname = %(database)s) AND setrole = 0
"""
_POWERFUL_TRIGGERS = f"""
WITH {OBJECTS}
SELECT DISTINCT schema || '.' || name, rolname
  FROM object
  JOIN pg_catalog.pg_trigger ON kind = 'TABLE' AND tgrelid = object.oid AND NOT tgisinternal
  JOIN pg_catalog.pg_proc ON pg_proc.oid = tgfoid AND prosecdef
  JOIN pg_catalog.pg_roles ON pg_roles.oid = proowner
 WHERE (rolsuper OR rolcreaterole
        OR EXISTS (SELECT
                     FROM pg_catalog.pg_roles AS rds
                    WHERE rds.rolname = 'rds_superuser'
                      AND pg_catalog.pg_has_role(pg_roles.oid, rds.oid, 'MEMBER')))
   AND pg_catalog.has_schema_privilege(within, 'USAGE')
   AND pg_catalog.has_table_privilege(object.oid, 'INSERT, UPDATE, DELETE')
 ORDER BY 1
"""  # noqa: S608 (composed of constants)
STOPPING = {
    "25006": "default_transaction_read_only",
    "57014": "statement_timeout",
    "55P03": "lock_timeout",
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
    "57P05": "idle_session_timeout",
}
"""What stops a plain client, by the SQLSTATE that it is told.

No other setting is named: it may hold a secret.
"""


class Verification(NamedTuple):
    """What was tried as the two users, in sentences."""

    proven: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # what does not hold though the users may be let in
    allowed: tuple[str, ...] = ()  # what PostgreSQL allows every role

    @property
    def summary(self) -> str:
        """All of it but the warnings in one sentence, with the first of what was not tried."""
        parts = [f"{counted(len(self.proven), 'proof')} of what the users may do"]
        parts += [f"not tried: {text.rstrip('.')}" for text in self.untried[:UNTRIED_MAX]]
        if len(self.untried) > UNTRIED_MAX:
            parts.append(f"not tried either: {len(self.untried) - UNTRIED_MAX:,} more")
        return "; ".join([*parts, *(f"not prevented: {text}" for text in self.allowed)])

    def __add__(self, other: "Verification") -> "Verification":  # type: ignore[override]
        """Put two together."""
        return Verification(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def reopened_logins_warning(names: Sequence[str]) -> tuple[str, ...]:
    """Say whose logins had to be taken a second time."""
    if not names:
        return ()
    opened = (
        f"Code of production's own opened logins again while users were set up: {listed(names)}"
    )
    found = "It was probably an event trigger, which is disabled now unless another line names it."
    return (f"{opened}. They are closed. {found}",)


class Sample(NamedTuple):
    """A table on which statements are tried, and the columns that may be written."""

    table: Identifier
    columns: tuple[Identifier, ...]


def try_users(
    endpoint: Endpoint, database: str, *, application: Login, readonly: Login
) -> Verification:
    """Log in to `database` as both users and try.

    RefusedError for what the read-only user could do beyond reading.

    What must be refused is tried in a guarded session; then each user does its work as any client
    would, with the settings that production left. Nothing is committed, and no statement touches a
    row or runs anybody's code.
    """
    with session(endpoint, application, database) as connection:
        written = _samples(connection, APPLICATION)
        settings = [text for (text,) in rows(connection, _SETTINGS, database=database)]
        triggers = [
            f"{table} (as {owner})" for table, owner in rows(connection, _POWERFUL_TRIGGERS)
        ]
    with session(endpoint, readonly, database) as connection:
        read = _samples(connection, READ_ONLY)
        for sample in read:
            _cannot_write(connection, sample.table, readonly.username)
        schemas = [name for (name,) in rows(connection, _SCHEMAS)]
        for schema in schemas:
            _cannot_create(connection, schema, readonly.username)
    schema_proof = f"{readonly.username} is refused a new table in database {database}"
    return (
        _as_client(endpoint, application, database, written, settings)
        + _as_client(endpoint, readonly, database, read, settings, writes=False)
        + Verification((f"{schema_proof} ({_tried('in', schemas, 'schema')}).",))
        + Verification(allowed=_powerful_triggers(application, database, triggers))
    )


def _powerful_triggers(application: Login, database: str, triggers: list[str]) -> tuple[str, ...]:
    """Name the triggers through which the application runs code as somebody who may alter roles."""
    if not triggers:
        return ()
    what = f"{application.username} may set off triggers of roles that may alter others"
    return (f"{what} in database {database}, by writing to {first_few(triggers)}",)


def try_own_password_change(endpoint: Endpoint, database: str, readonly: Login) -> Verification:
    """Try to change the read-only user's password as itself, and undo it.

    PostgreSQL has no right that forbids it. Aurora has a parameter of the cluster,
    `rds.restrict_password_commands`, which leaves it to members of `rds_password` (Aurora User
    Guide, "Restricting password management").
    """
    with session(endpoint, readonly, database) as connection:
        if _is_refused(connection, SQL("ALTER ROLE CURRENT_USER PASSWORD NULL")):
            return Verification((f"{readonly.username} is refused a change of its own password.",))
    said = (
        f"{readonly.username} may change its own password until the next set-up, unless the "
        "cluster parameter"
    )
    return Verification(allowed=(f"{said} rds.restrict_password_commands is 1",))


def _samples(connection: Connection, rights: Privileges) -> list[Sample]:
    found = rows(connection, _SAMPLES, words=[*rights["TABLE"]])
    return [Sample(Identifier(*row[:2]), tuple(map(Identifier, row[2]))) for row in found]


def _as_client(
    endpoint: Endpoint,
    user: Login,
    database: str,
    samples: list[Sample],
    settings: list[str],
    *,
    writes: bool = True,
) -> Verification:
    """Let a user read, and write, in a session with the settings that production left."""
    try:
        with plain_session(endpoint, user, database) as connection:
            for sample in samples:
                _read(connection, sample)
                if writes:
                    _write(connection, sample)
    except psycopg2.Error as error:
        name = STOPPING.get(str(error.pgcode))
        stopping = [text for text in settings if name and text.startswith(f"{name}=")]
        if not stopping:
            with named_errors(endpoint):
                raise
        return Verification(warnings=(_stopped(user, database, stopping, error),))
    if not samples:
        what = f"{user.username} logs in to database {database}"
        none = (
            "there was no table to try; one with policies, triggers, rules or functions in its "
            "indexes is not tried"
        )
        return Verification(
            (f"{what}.",), (f"In database {database} {user.username} logged in; {none}.",)
        )
    does, refused = ("reads and writes", "") if writes else ("reads", " and is refused a write")
    tried = _tried("on", samples, "table")
    return Verification((f"{user.username} {does} in database {database}{refused} ({tried}).",))


def _stopped(user: Login, database: str, settings: list[str], error: psycopg2.Error) -> str:
    said = (error.diag.message_primary or "no detail given").rstrip(".")
    return (
        f"{user.username} is stopped in database {database} as any plain client is ({said}): "
        f"production set {', '.join(sorted(settings))} for all sessions there. Where that is not "
        "meant, run ALTER DATABASE … RESET … in production or in the copy."
    )


def _tried(where: str, things: Sequence[object], what: str) -> str:
    return f"tried {where} {counted(len(things), what)}"


def _read(connection: Connection, sample: Sample) -> None:
    """Read a row; of a partitioned table none, because a partition may be a foreign table."""
    rows(connection, SQL("SELECT FROM ONLY {} LIMIT 1").format(sample.table))


def _write(connection: Connection, sample: Sample) -> None:
    """Insert, update and delete no row: rights are checked, no default or trigger runs."""
    columns = SQL(", ").join(sample.columns)
    if sample.columns:
        insert = SQL("INSERT INTO {0} ({1}) SELECT {1} FROM ONLY {0} WHERE false")
        run(connection, insert.format(sample.table, columns))
        update = SQL("UPDATE ONLY {0} SET {1} = {1} WHERE false")
        _change(connection, update.format(sample.table, sample.columns[0]))
    _change(connection, SQL("DELETE FROM ONLY {} WHERE false").format(sample.table))


def _change(connection: Connection, statement: Composable) -> None:
    """Update or delete no row, also in a table that is published and has no key.

    PostgreSQL refuses that to everybody, once it has seen that the user has the right.
    """
    run(connection, SQL("SAVEPOINT change"))
    try:
        run(connection, statement)
    except psycopg2.errors.ObjectNotInPrerequisiteState:
        run(connection, SQL("ROLLBACK TO SAVEPOINT change"))


def _cannot_write(connection: Connection, table: Identifier, username: str) -> None:
    """Be refused a deletion of no row, in a session that is not read-only."""
    _refused(
        connection,
        SQL("DELETE FROM ONLY {} WHERE false").format(table),
        f"{username} could write to a table.",
    )


def _cannot_create(connection: Connection, schema: str, username: str) -> None:
    probe = Identifier(schema, "aurora_restore_probe")
    _refused(
        connection,
        SQL("CREATE TABLE {} ()").format(probe),
        f"{username} could create a table in schema {schema}.",
    )


def _refused(connection: Connection, statement: Composable, otherwise: str) -> None:
    """Run what must be refused, and undo it; RefusedError with `otherwise` if it is allowed."""
    if not _is_refused(connection, statement):
        remedy = "In production, revoke that right from the role and from PUBLIC."
        raise RefusedError(otherwise, remedy, retry=Retry.LATER_SNAPSHOT)


def _is_refused(connection: Connection, statement: Composable) -> bool:
    """Run a statement and undo it; tell whether it was refused for want of a right."""
    connection.autocommit = False
    try:
        _change(connection, statement)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    finally:
        connection.rollback()
        connection.autocommit = True
    return False

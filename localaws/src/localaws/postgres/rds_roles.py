"""What makes a PostgreSQL server look like Aurora from the inside.

- `rdsadmin` is the only superuser; nobody else can be it, nor enter its database.
- The master user is an ordinary role with CREATEDB and CREATEROLE in `rds_superuser`, whose
  memberships are those that pg_dumpall shows on RDS for PostgreSQL 16.
- On RDS a member of `rds_superuser` may alter and grant every role that is not a superuser;
  PostgreSQL 16 itself asks for ADMIN OPTION on it. So `rds_superuser` is given that, without
  INHERIT and SET, on all roles at every start. PostgreSQL 15 asks for CREATEROLE alone.

Stricter than Aurora: a role made by another CREATEROLE user, and other members of `rds_superuser`
(a grant would be circular), stay out of the master's reach until the next start, or for good,
unless the master made them itself. Laxer than Aurora: these grants can be seen in pg_auth_members,
and pg_read_all_data reads pg_authid.
"""

from typing import Any, Final

from psycopg2.extensions import encrypt_password
from psycopg2.sql import SQL, Identifier, Literal

from localaws.postgres.server import ASKED_FOR_TOKEN, SUPERUSER, PostgresServer

OWN_ROLES: Final = ("rds_superuser", "rds_password", "rds_replication", "rds_iam", "rds_ad")
"""NOLOGIN roles that Aurora brings.

The last two are names only: no IAM or Kerberos login stands behind them.
"""

GRANTED: Final = (
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_monitor",
    "pg_read_all_data",
    "pg_signal_backend",
    "pg_use_reserved_connections",
    "pg_write_all_data",
    "rds_password",
    "rds_replication",
)

# From this server_version on, altering a role takes ADMIN OPTION on it.
MEMBERSHIP_HAS_OPTIONS: Final = 160_000

_OUT_OF_REACH: Final = """
    WITH RECURSIVE above(oid) AS (
        SELECT 'rds_superuser'::regrole::oid
        UNION SELECT membership.member
        FROM pg_auth_members membership JOIN above ON membership.roleid = above.oid
    )
    SELECT rolname FROM pg_roles
    WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%' AND rolname <> 'rds_asked_for_token'
      AND oid NOT IN (SELECT oid FROM above)
      AND NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE roleid = pg_roles.oid AND member = 'rds_superuser'::regrole AND admin_option)
"""


def create_rds_roles(
    server: PostgresServer, *, master_username: str, master_password: str, database: str | None
) -> None:
    """Make an empty server what CreateDBCluster makes: roles, master user, databases."""
    master = Identifier(master_username)
    with server.session() as cursor:
        for role in OWN_ROLES:
            cursor.execute(SQL("CREATE ROLE {}").format(Identifier(role)))
        for role in _that_are_there(cursor, GRANTED):
            cursor.execute(
                SQL("GRANT {} TO rds_superuser WITH ADMIN OPTION").format(Identifier(role))
            )
        cursor.execute(
            SQL(
                "CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {} VALID UNTIL 'infinity'"
            ).format(master, Literal(_verifier(cursor, master_username, master_password)))
        )
        cursor.execute(SQL("GRANT rds_superuser TO {}").format(master))
        # RDS has a database of its own, which nobody else may enter.
        cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(SUPERUSER)))
        cursor.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(SUPERUSER)))
        for existing in ("postgres", "template1"):
            cursor.execute(
                SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(existing), master)
            )
        if database and database != "postgres":
            cursor.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(database), master))


def put_roles_within_reach(server: PostgresServer) -> None:
    """Let members of rds_superuser alter and grant every role that is there now."""
    with server.session() as cursor:
        if cursor.connection.server_version < MEMBERSHIP_HAS_OPTIONS:
            return  # CREATEROLE is enough there
        cursor.execute(_OUT_OF_REACH)
        for (role,) in cursor.fetchall():
            cursor.execute(
                SQL("GRANT {} TO rds_superuser WITH ADMIN TRUE, INHERIT FALSE, SET FALSE").format(
                    Identifier(role)
                )
            )


def set_password(server: PostgresServer, username: str, password: str) -> None:
    """Change a role's password.

    The server is told a SCRAM verifier only, so no log can hold the password.
    """
    with server.session() as cursor:
        statement = SQL("ALTER ROLE {} PASSWORD {}").format(
            Identifier(username), Literal(_verifier(cursor, username, password))
        )
        cursor.execute(statement)


def set_authentication(server: PostgresServer, username: str, *, by_iam: bool) -> None:
    """Have the server ask the master user for a token, as a member of rds_iam, or for its password.

    A role of localaws' own marks it: through rds_superuser every master is a member of rds_iam here
    (see above).
    """
    role, marker = Identifier(username), Identifier(ASKED_FOR_TOKEN)
    with server.session() as cursor:
        cursor.execute(SQL("DROP ROLE IF EXISTS {}").format(marker))
        cursor.execute(
            SQL("GRANT rds_iam TO {0}" if by_iam else "REVOKE rds_iam FROM {0}").format(role)
        )
        if by_iam:
            cursor.execute(SQL("CREATE ROLE {0} ROLE {1}").format(marker, role))


def _that_are_there(cursor: Any, names: tuple[str, ...]) -> list[str]:
    """Leave out the predefined roles that this server's version has not."""
    cursor.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) ORDER BY 1", (list(names),)
    )
    return [name for (name,) in cursor.fetchall()]


def _verifier(cursor: Any, username: str, password: str) -> str:
    return str(encrypt_password(password, username, cursor.connection, "scram-sha-256"))

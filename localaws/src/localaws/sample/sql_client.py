"""SQL on a cluster, as a user who logs in."""

from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import encrypt_password
from psycopg2.sql import SQL, Composed, Identifier, Literal

from localaws.sample import names


@dataclass(frozen=True)
class SqlClient:
    """A user of a cluster: the master unless another is named."""

    host: str
    port: int
    password: str = field(repr=False)
    username: str = names.MASTER

    def run(self, statements: str, database: str = names.DATABASE) -> None:
        """Run SQL, all of it or nothing."""
        with (
            closing(self._connect(database)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statements)

    def create_database(self, name: str) -> None:
        """Create a database."""
        self.run_autocommit(SQL("CREATE DATABASE {}").format(Identifier(name)))

    def run_autocommit(self, statements: str | Composed) -> None:
        """Run SQL that begins and ends its own transactions."""
        with closing(self._connect(names.DATABASE)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statements)

    def ensure_login(self, name: str, password: str) -> None:
        """Make a role that logs in, or change its password where a dump brought the role.

        Only a verifier is sent, as psql does: a password in clear would stand in the
        server's log.
        """
        with (
            closing(self._connect(names.DATABASE)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
            verb = "ALTER" if cursor.rowcount else "CREATE"
            verifier = encrypt_password(password, name, connection, "scram-sha-256")
            statement = SQL(f"{verb} ROLE {{}} LOGIN PASSWORD {{}}")
            cursor.execute(statement.format(Identifier(name), Literal(verifier)))

    def _connect(self, database: str) -> Any:
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.username,
            password=self.password,
            dbname=database,
        )

"""What production's databases hold, and what staging still holds from an earlier night, put there through SQL.

Everything is done as the master user, who is no superuser: it grants itself an owner's role while
it acts as one.
"""

from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2.extensions import encrypt_password
from psycopg2.sql import SQL, Composed, Identifier, Literal
from pydantic import SecretStr

from chalicelib.database.restored_database import Database, Endpoint, Login
from localaws import names
from localaws.passwords import APPLICATION, READ_ONLY, Passwords

_FOLDER: Final = Path(__file__).parent
LEDGER: Final = "ledger"
READER: Final = "reporting"  # who may read the other database
LOADER: Final = "etl"


@dataclass(frozen=True)
class Door:
    """How a user, the master unless another is named, gets into a cluster."""

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
        self.run_alone(SQL("CREATE DATABASE {}").format(Identifier(name)))

    def run_alone(self, statements: str | Composed) -> None:
        """Run SQL that begins and ends its own transactions."""
        with closing(self._connect(names.DATABASE)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statements)

    def ensure_login(self, name: str, password: str) -> None:
        """Make a role that logs in, unless a dump brought it; the server hears a verifier only."""
        with (
            closing(self._connect(names.DATABASE)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
            verb = "ALTER" if cursor.rowcount else "CREATE"
            verifier = encrypt_password(password, name, connection, "scram-sha-256")
            cursor.execute(
                SQL(f"{verb} ROLE {{}} LOGIN PASSWORD {{}}").format(
                    Identifier(name), Literal(verifier)
                )
            )

    def _connect(self, database: str) -> Any:
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.username,
            password=self.password,
            dbname=database,
        )


def make_logins(door: Door, passwords: Passwords) -> None:
    """Give production its login roles."""
    for name, password in passwords.production_logins.items():
        door.ensure_login(name, password)


def fill(door: Door) -> None:
    """Fill production's two databases as they were on the earlier night."""
    door.create_database(LEDGER)
    door.run((_FOLDER / "production.sql").read_text())
    door.run((_FOLDER / "ledger.sql").read_text(), LEDGER)


def go_on(door: Door) -> None:
    """Let production have lived on since."""
    door.run((_FOLDER / "production_since.sql").read_text())


def reach(door: Door, passwords: Passwords) -> Composed:
    """Write what production does by itself and where it reaches out: to its own other database, as a stranger would."""
    who = {"username": READER, "password": passwords.production_logins[READER]}
    where = {"host": door.host, "port": str(door.port), "database": LEDGER}
    publisher = (
        "host={host} port={port} dbname={database} user={username} password={password}".format(
            **where, **who
        )
    )
    given = {
        name: Literal(value) for name, value in {**where, **who, "publisher": publisher}.items()
    }
    return SQL((_FOLDER / "production_reach.sql").read_text()).format(**given)


def prepare(door: Door, passwords: Passwords) -> None:
    """Leave a transaction prepared, as a load that somebody interrupted does."""
    loader = replace(door, username=LOADER, password=passwords.production_logins[LOADER])
    loader.run_alone(
        "BEGIN; INSERT INTO catalog.products (sku, title, price) VALUES ('SKU-LOADING', 'Not there "
        "yet', 1); PREPARE TRANSACTION 'load-of-the-night'"
    )


def leave_stale(door: Door, passwords: Passwords) -> None:
    """Leave staging as an earlier operation left it, whose own code does that here, and with a mark of that night."""
    database = Database(
        Endpoint(door.host, door.port, tls="off"),
        _login(names.MASTER, door.password),
        names.DATABASE,
    )
    database.revoke_production_logins(keep=())
    database.ensure_users(
        _login(APPLICATION, passwords.application), _login(READ_ONLY, passwords.read_only)
    )
    door.run(
        "CREATE TABLE stale_marker AS SELECT now() AS made_at, 'left by an earlier night' AS note"
    )


def _login(username: str, password: str) -> Login:
    return Login(username, SecretStr(password))

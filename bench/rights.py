"""How long a real server takes to set the users' rights, for few and for many objects."""

import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from localaws.postgres import rds_roles
from localaws.postgres.addresses import choose_address
from localaws.postgres.programs import find_programs, temporary_folder
from localaws.postgres.server import PostgresServer, ServerFolders
from localaws.processes import ProcessRegistry
from pydantic import SecretStr

from bench.targets import Target
from chalicelib.database.restored_database import Database, Endpoint, Login

TABLES: Final = 5_000
TABLES_EACH: Final = 10  # of each owner
SMALLER: Final = 10  # times fewer tables of as many fewer owners
SECONDS_MAX: Final = 60
RATIO_MAX: Final = 1.5
OWNERS_PER_STATEMENT: Final = 50
MASTER: Final = Login("master", SecretStr("Master-Password-1"))
USERS: Final = (
    Login("app_user", SecretStr("Application-1")),
    Login("readonly_user", SecretStr("Read-only-1")),
)


@dataclass(frozen=True)
class Rights:
    """Seconds by the clock.

    To set all rights, to verify them, and to find that there is nothing to set.
    """

    tables: int
    owners: int
    set_up: float
    verified: float
    again: float

    @property
    def each(self) -> float:
        """Seconds of the set-up for each table."""
        return self.set_up / self.tables


def measure(tables: int = TABLES) -> list[Rights]:
    """Measure the smaller database and the larger one, each on a server of its own."""
    return [_measure(some) for some in (max(tables // SMALLER, TABLES_EACH), tables)]


def targets(found: Sequence[Rights]) -> list[Target]:
    """Judge both."""
    few, many = found
    what = f"{many.tables:,} tables of {many.owners:,} owners"
    return [
        Target(
            f"seconds to set the users' rights on {what}",
            SECONDS_MAX,
            many.set_up,
            "This is the clock of the machine that it was measured on, which had other work.",
        ),
        Target(
            "the same for each table, times what it takes where there are ten times fewer of both",
            RATIO_MAX,
            many.each / few.each,
            "A statement names hundreds of objects, but the server keeps a list of roles for each "
            "membership.",
        ),
    ]


def _measure(tables: int) -> Rights:
    owners = tables // TABLES_EACH
    with _server() as (server, place):
        _fill(server, owners)
        database = Database(place, MASTER, "shop")
        database.revoke_production_logins(keep=[])
        times = [time.perf_counter()]
        for work in (database.ensure_users, database.verify_users, database.ensure_users):
            work(*USERS)
            times.append(time.perf_counter())
    return Rights(tables, owners, *(after - before for before, after in pairwise(times)))


@contextmanager
def _server() -> Iterator[tuple[PostgresServer, Endpoint]]:
    """Run a server as Aurora would, with a database shop of the master's."""
    folder = temporary_folder()
    try:
        programs = find_programs(folder)
        folders = ServerFolders(
            programs.make_folder(folder / "data"), folder / "socket", folder / "log"
        )
        server = PostgresServer(folders, programs, ProcessRegistry(folder / "processes.json"))
        server.initialise()
        port = _free_port()
        address = choose_address(port, set())
        server.start(address, port)
        try:
            rds_roles.create_rds_roles(
                server,
                master_username=MASTER.username,
                master_password=MASTER.secret,
                database="shop",
            )
            yield server, Endpoint(address, port, tls="off")
        finally:
            server.stop(immediate=True)
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _fill(server: PostgresServer, owners: int) -> None:
    """Make owners with a schema each, and tables that PUBLIC may write."""
    with server.session("shop") as cursor:
        cursor.execute("; ".join(f"CREATE ROLE owner_{number}" for number in range(owners)))
    rds_roles.put_roles_within_reach(server)
    for first in range(0, owners, OWNERS_PER_STATEMENT):
        some = range(first, min(first + OWNERS_PER_STATEMENT, owners))
        with server.session(
            "shop"
        ) as cursor:  # each statement is a transaction, and a table takes a lock
            cursor.execute("; ".join(_owned(number) for number in some))


def _owned(number: int) -> str:
    schema = f"CREATE SCHEMA of_{number} AUTHORIZATION owner_{number}; SET ROLE owner_{number}"
    tables = (
        f"CREATE TABLE of_{number}.t_{table} (id int); GRANT ALL ON of_{number}.t_{table} TO PUBLIC"
        for table in range(TABLES_EACH)
    )
    return "; ".join((schema, *tables, "RESET ROLE"))

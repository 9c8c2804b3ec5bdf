"""A world from its first process until it is ready.

Whatever was started is put on a stack, to be ended from there.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from localaws.aurora import Durations
from localaws.clients import leave_real_aws
from localaws.errors import WorldError
from localaws.folder import DataFolder
from localaws.postgres import DataPlaneError, PostgresData
from localaws.processes import Ledger
from localaws.sample_account import World
from localaws.server import PortTakenError, Server
from localaws.usage import manual

SMALL: Final = Durations(  # seconds that Aurora takes for a database as small as the sample
    snapshot=60,
    copy=360,
    restore=300,
    cluster_delete=150,
    instance_delete=90,
    instance_create=240,
    password_reset=30,
)
SPEED_WHILE_BUILDING: Final = 100_000.0  # what lies before the first night is not worth watching
_REFUSALS: Final = (PortTakenError, DataPlaneError, ClientError, BotoCoreError, psycopg2.Error)


@dataclass(frozen=True)
class Given:
    """What somebody gave for a world: Aurora's speed, a dump for production, a bin folder of PostgreSQL."""

    speed: float
    dump: Path | None
    postgres: Path | None


def build(
    port: int, folder: DataFolder, stack: ExitStack, given: Given, say: Callable[[str], None]
) -> str:
    """Build a world in a folder, and return its manual. Closing the stack ends it.

    WorldError if it cannot be made.
    """
    leave_real_aws()
    try:
        server = _build(port, folder, stack, given, say)
    except _REFUSALS as error:
        raise WorldError(str(error).strip()) from error
    return manual(server.endpoint, server.folder)


def _build(
    port: int, folder: DataFolder, stack: ExitStack, given: Given, say: Callable[[str], None]
) -> Server:
    ledger = Ledger(folder.path / "processes.json")
    ledger.end_leftovers()
    folder.empty()
    data = PostgresData(folder.path / "postgres", given.postgres)
    stack.callback(data.close)
    server = Server(
        port,
        folder.path,
        speed=given.speed,
        data=data,
        durations=Durations().scaled(SPEED_WHILE_BUILDING),
    )
    stack.callback(server.stop)
    server.start()
    folder.keep()
    stack.callback(ledger.end_leftovers)
    World(server, data, ledger, say).build(given.dump)
    server.aurora.set_pace(SMALL.scaled(given.speed))
    return server

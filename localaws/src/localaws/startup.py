"""A local AWS from its first process until it is ready.

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
from localaws.foreground import Options, Say
from localaws.postgres import DataPlaneError, PostgresData
from localaws.processes import ProcessRegistry
from localaws.server import PortTakenError, Server

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
class LocalAws:
    """A server that runs, for whoever puts something into it."""

    server: Server
    data: PostgresData
    processes: ProcessRegistry
    """Whatever is started while building; what is left is ended with the server."""
    say: Say
    """Hears a line as each part is done."""


Build = Callable[[LocalAws, Path | None], str]
"""Puts an application into a local AWS, with a dump as production's data; returns a page."""


def start(options: Options, folder: DataFolder, stack: ExitStack, say: Say, build: Build) -> str:
    """Start a local AWS in a folder and build in it; return the page. Closing the stack ends it.

    Raises WorldError if it cannot be made.
    """
    leave_real_aws()
    try:
        aws = _start_server(options, folder, stack, say)
        page = build(aws, options.dump)
    except _REFUSALS as error:
        raise WorldError(str(error).strip()) from error
    aws.server.aurora.set_pace(SMALL.scaled(options.speed))
    return page


def _start_server(options: Options, folder: DataFolder, stack: ExitStack, say: Say) -> LocalAws:
    processes = ProcessRegistry(folder.path / "processes.json")
    processes.end_leftovers()
    folder.empty()
    data = PostgresData(folder.path / "postgres", options.postgres)
    stack.callback(data.close)
    server = Server(
        options.port,
        folder.path,
        speed=options.speed,
        data=data,
        durations=Durations().scaled(SPEED_WHILE_BUILDING),
    )
    stack.callback(server.stop)
    server.start()
    folder.keep()
    stack.callback(processes.end_leftovers)
    stack.callback(data.interrupt)  # first, so that no part of the server waits for a database
    return LocalAws(server, data, processes, say)

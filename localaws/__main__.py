"""`python -m localaws up`: the whole local world in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from localaws.aurora import Durations
from localaws.clients import leave_real_aws
from localaws.errors import WorldError
from localaws.folder import DataFolder, FolderError
from localaws.manual import manual
from localaws.postgres import DataPlaneError, PostgresData
from localaws.processes import Ledger
from localaws.server import PortTakenError, Server
from localaws.world import World

READY = "ready"
PORT, FOLDER, SPEED = 4577, Path(".localaws"), 60.0
SMALL = Durations(  # seconds that Aurora takes for a database as small as the sample
    snapshot=60, copy=360, restore=300, cluster_delete=150, instance_delete=90, instance_create=240, password_reset=30
)
SPEED_WHILE_BUILDING = 100_000.0  # what lies before the first night is not worth watching
CUSTOM_FORMAT = b"PGDMP"  # how pg_dump's own format begins
KNOWN_ERRORS = (
    PortTakenError, FolderError, WorldError, DataPlaneError, ClientError, BotoCoreError, psycopg2.Error
)  # fmt: skip


class StoppedError(Exception):
    """Somebody asked to stop."""


def main(arguments: list[str] | None = None) -> int:
    """Run the world; returns the exit status: 0 when it was asked to stop, 1 when it could not be made."""
    options = _options().parse_args(arguments)
    if options.dump and (objection := _objection(options.dump)):
        return _fail(objection)
    leave_real_aws()
    try:
        with ExitStack() as stack, _stoppable() as stopped:
            _serve(options, stack, stopped)
    except StoppedError:
        pass
    except KNOWN_ERRORS as error:
        return _fail(str(error))
    _say("stopped")
    return 0


def _serve(options: argparse.Namespace, stack: ExitStack, stopped: threading.Event) -> None:
    folder = DataFolder(options.data)
    stack.callback(folder.release)
    ledger = Ledger(folder.path / "processes.json")
    ledger.end_leftovers()
    folder.empty()
    data = PostgresData(folder.path / "postgres")
    stack.callback(data.close)
    quick = Durations().scaled(SPEED_WHILE_BUILDING)
    server = Server(options.port, folder.path, speed=options.speed, data=data, durations=quick)
    stack.callback(server.stop)
    server.start()
    folder.keep()
    stack.callback(ledger.end_leftovers)
    World(server.endpoint, folder.path, data, ledger, _say).build(options.dump)
    server.aurora.set_pace(SMALL.scaled(options.speed))
    _say(manual(server.endpoint))
    _say(READY)
    stopped.wait()


def _objection(dump: Path) -> str | None:
    """Say why a dump cannot be loaded, as far as its name and its first bytes tell."""
    if not dump.is_file():
        return f"There is no dump {dump}. Name an SQL file with --dump (make demo DUMP=mine.sql)."
    with dump.open("rb") as content:
        if content.read(len(CUSTOM_FORMAT)) == CUSTOM_FORMAT:
            return f"{dump} is in pg_dump's custom format. Make plain SQL of it: pg_restore -f mine.sql {dump}."
    return None


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into a StoppedError, once: what follows is stopping, which is not to be interrupted."""
    stopped = threading.Event()

    def stop(*_signal: object) -> None:
        if not stopped.is_set():
            stopped.set()
            raise StoppedError

    handlers: dict[int, Callable[..., object] | int | None] = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        handlers[number] = signal.signal(number, stop)
    try:
        yield stopped
    finally:
        stopped.set()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws", description="AWS on this machine, with Aurora in it.")
    commands = parser.add_subparsers(required=True, metavar="up")
    up = commands.add_parser("up", help="build the local world and leave it running in the foreground")
    up.add_argument("--port", type=int, default=PORT, help="where it listens, on loopback (%(default)s)")
    up.add_argument("--data", type=Path, default=FOLDER, help="the folder it keeps everything in (%(default)s)")
    up.add_argument("--dump", type=Path, help="SQL that becomes production's data, in place of the sample")
    up.add_argument(
        "--speed", type=float, default=SPEED, help="how many times quicker than Aurora everything is (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""`python -m localaws up`: the whole local world in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localaws.aurora import Durations
from localaws.deployment import CREDENTIALS, DeploymentError
from localaws.folder import DataFolder, FolderError
from localaws.postgres import DataPlaneError, PostgresData
from localaws.production import DumpError
from localaws.server import PortTakenError, Server
from localaws.world import STAGE, TARGET_REGION, World, WorldError

READY = "ready"
PORT, FOLDER, SPEED = 4577, Path(".localaws"), 60.0
SMALL = Durations(  # seconds that Aurora takes for a database as small as the sample
    snapshot=60, copy=360, restore=300, cluster_delete=150, instance_delete=90, instance_create=240, password_reset=30
)
QUICK = 60.0  # how much quicker still Aurora is while the world is built
KNOWN_ERRORS = (
    PortTakenError, FolderError, WorldError, DeploymentError, DumpError, DataPlaneError, ClientError, BotoCoreError
)  # fmt: skip


class StoppedError(Exception):
    """Somebody asked to stop."""


def main(arguments: list[str] | None = None) -> int:
    """Run the world; returns the exit status: 0 when it was asked to stop, 1 when it could not be made."""
    options = _options().parse_args(arguments)
    if options.dump and not options.dump.is_file():
        return _fail(f"There is no dump {options.dump}. Name an SQL file with --dump (make demo DUMP=mine.sql).")
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
    folder.empty()
    data = PostgresData(folder.path / "postgres")
    stack.callback(data.close)
    pace = SMALL.scaled(options.speed)
    server = Server(options.port, folder.path, speed=options.speed, data=data, durations=pace.scaled(QUICK))
    server.start()
    stack.callback(server.stop)
    world = World(server.endpoint, folder.path, _say)
    stack.callback(world.stop)
    world.build(data.psql, options.dump)
    server.aurora.set_pace(pace)
    _say(_welcome(server.endpoint))
    _say(READY)
    stopped.wait()


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


def _welcome(endpoint: str) -> str:
    key, secret = CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    entry = f'[{{"Source":"aurora-restore.{STAGE}","DetailType":"RestoreRequested","Detail":"{{}}"}}]'
    state = f"aurora-restore-{STAGE}-state"
    query = (
        "--key-condition-expression '#plan = :plan' --expression-attribute-names '{\"#plan\":\"plan\"}' "
        "--expression-attribute-values '{\":plan\":{\"S\":\"default\"}}'"
    )
    return f"""
The local AWS listens at {endpoint}. In another terminal:

  export AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION={TARGET_REGION}
  export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}

A new night:    curl -X POST '{endpoint}/localaws/night?cluster=prod-cluster&region=us-east-1'
On request:     aws events put-events --entries '{entry}'
The records:    aws dynamodb query --table-name {state} --index-name by-plan {query}
The clusters:   aws rds describe-db-clusters --endpoint-url "$AWS_ENDPOINT_URL"
                (version 1 of aws looks for some services in the cloud unless told so)
"""


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

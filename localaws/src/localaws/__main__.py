"""`python -m localaws up`: the whole local world in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from localaws.errors import WorldError
from localaws.folder import DataFolder
from programs.arguments import Parser, port
from programs.failures import sentence

READY: Final = "ready"
PORT, FOLDER, SPEED = 4577, Path(".localaws"), 60.0
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CUSTOM_FORMAT: Final = b"PGDMP"  # how pg_dump's own format begins


class StoppedError(BaseException):
    """Somebody asked to stop.

    Like KeyboardInterrupt it is no Exception, so that no library takes it for one.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the world.

    Returns the exit status: 0 when it was asked to stop and all of it ended well, else 1.
    """
    options, stopped = _options().parse_args(arguments), threading.Event()
    try:
        with ExitStack() as stack, _stoppable(stopped):
            _check_dump(options.dump)
            _serve(options, stack, stopped)
    except StoppedError:
        _say("stopped")
        return 0
    except WorldError as error:
        sys.stderr.write(f"{error}\n")
    except Exception as error:  # noqa: BLE001  # the top of the program; every part has had its turn to end
        sys.stderr.write(f"{sentence(error)}\n")
        if stopped.is_set():
            _say("stopped")
    return 1


def _serve(options: argparse.Namespace, stack: ExitStack, stopped: threading.Event) -> None:
    folder = DataFolder(options.data)
    stack.callback(folder.release)
    from localaws.startup import Given, build  # noqa: PLC0415  # takes seconds: what can be refused was refused before

    def say(line: str) -> None:
        """Say a line, unless the signal came where Python can only report an exception (`__del__`)."""
        if stopped.is_set():
            raise StoppedError
        _say(line)

    say(
        build(
            options.port, folder, stack, Given(options.speed, options.dump, options.postgres), say
        )
    )
    say(READY)
    stopped.wait()


@contextmanager
def _stoppable(stopped: threading.Event) -> Iterator[None]:
    """Turn a signal into a StoppedError, once: what follows is stopping, which is not to be interrupted."""

    def stop(*_signal: object) -> None:
        if not stopped.is_set():
            stopped.set()
            raise StoppedError

    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _check_dump(dump: Path | None) -> None:
    """Refuse what cannot be plain SQL, as far as its name and its first bytes tell."""
    if dump is None:
        return
    name_another = "Name an SQL file with --dump (make: DUMP=mine.sql)."
    if dump.is_dir():
        raise WorldError(f"The dump {dump} is a folder. {name_another}")
    try:
        with dump.open("rb") as content:
            beginning = content.read(len(CUSTOM_FORMAT))
    except FileNotFoundError:
        raise WorldError(f"There is no dump {dump}. {name_another}") from None
    except OSError as error:
        raise WorldError(
            f"The dump {dump} cannot be read: {error.strerror}. {name_another}"
        ) from error
    if beginning == CUSTOM_FORMAT:
        raise WorldError(
            f"{dump} is in pg_dump's custom format. Make plain SQL of it: pg_restore -f mine.sql "
            f"{dump}."
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m localaws", description="AWS on this machine, with Aurora in it."
    )
    commands = parser.add_subparsers(required=True, metavar="up")
    up = commands.add_parser(
        "up", help="build the local world and leave it running in the foreground"
    )
    up.add_argument(
        "--port", type=port, default=PORT, help="where it listens, on loopback (%(default)s)"
    )
    up.add_argument(
        "--data", type=Path, default=FOLDER, help="the folder it keeps everything in (%(default)s)"
    )
    up.add_argument(
        "--dump", type=Path, help="SQL that becomes production's data, in place of the sample"
    )
    up.add_argument(
        "--postgres",
        type=Path,
        help="the bin folder of a PostgreSQL server, in place of the embedded one",
    )
    up.add_argument(
        "--speed",
        type=float,
        default=SPEED,
        help="how many times quicker than Aurora everything is (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(
        status
    )  # everything is stopped; taking moto's modules apart would be seconds more of nothing

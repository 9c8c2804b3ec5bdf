"""A local AWS in the foreground, from its options until Ctrl-C or SIGTERM.

What it imports is small: starting a server imports for seconds, and whatever can be refused is
refused before that.
"""

import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, Protocol

from localaws.errors import WorldError
from localaws.failures import sentence
from localaws.folder import DataFolder

READY: Final = "ready"
HOW_TO_STOP: Final = "Press Ctrl-C to stop it."
STOPPING: Final = "Stopping, and deleting the databases' files ..."
PORT, FOLDER, SPEED = 4577, Path(".localaws"), 60.0
PORT_MAX: Final = 65_535
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CUSTOM_FORMAT: Final = b"PGDMP"  # how pg_dump's own format begins

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What somebody chose for a local AWS."""

    port: int = PORT
    data: Path = FOLDER
    """The folder that it keeps everything in."""
    dump: Path | None = None
    """SQL that becomes production's data, in place of the sample."""
    postgres: Path | None = None
    """The bin folder of a PostgreSQL server, in place of the embedded one."""
    speed: float = SPEED
    """How many times quicker than Aurora everything is."""


def parse_speed(given: str | float) -> float:
    """Read how many times quicker than Aurora everything is; raises ValueError with a sentence."""
    try:
        speed = float(given)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError(f"'{given}' is not a speed. Choose a number above 0, such as {SPEED:g}.")
    return speed


class Starter(Protocol):
    """Starts a local AWS, with all that is to be in it, and returns a page for people.

    It puts on the stack what ends whatever it has started, before it starts it.
    """

    def __call__(self, options: Options, folder: DataFolder, stack: ExitStack, say: Say) -> str:
        """Start it; raises WorldError if it cannot be made."""


class StoppedError(BaseException):
    """Somebody asked to stop.

    Like KeyboardInterrupt it is no Exception, so that no library takes it for one.
    """


def run(options: Options, start: Starter, explain: Callable[[str], str] = str) -> int:
    """Run until it is asked to stop; `explain` may add to the sentence of a refusal.

    Returns the exit status: 0 when it was asked to stop and all of it ended well, else 1.
    """
    stop = _Stop()
    try:
        with ExitStack() as stack, _stoppable(stop):
            _check_dump(options.dump)
            try:
                _serve(options, start, stack, stop)
            except StoppedError:
                _say(STOPPING)  # before the stack ends each part, which takes seconds
                raise
    except StoppedError:
        _say("stopped")
        return 0
    except WorldError as error:
        sys.stderr.write(f"{explain(str(error))}\n")
    except Exception as error:  # noqa: BLE001  # the top of the program; every part has had its turn to end
        sys.stderr.write(f"{sentence(error)}\n")
        if stop.is_asked_for:
            _say("stopped")
    return 1


def leave(status: int) -> NoReturn:
    """End the process at once: all is stopped, and taking moto's modules apart takes seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class _Stop:
    """What a signal asks for. It takes no lock: a handler runs in the middle of anything."""

    def __init__(self) -> None:
        self.is_asked_for = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def heed(self) -> None:
        """Take notice of the signals from now on, whichever thread the system gives them to."""
        for number in SIGNALS:
            signal.signal(number, self._ask)
        # The main thread alone runs handlers, and it sleeps on when another one gets the signal.
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)

    def _ask(self, *_signal: object) -> None:
        if not self.is_asked_for:
            self.is_asked_for = True
            raise StoppedError

    @staticmethod
    def disregard() -> None:
        """Let no further signal interrupt what follows."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)

    def check(self) -> None:
        """Raise once more what came inside `__del__`, where Python only reports errors."""
        if self.is_asked_for:
            raise StoppedError

    def wait(self) -> NoReturn:
        """Sleep until a signal comes, and raise StoppedError."""
        while True:
            self.check()
            os.read(self._woken, 1)


def _serve(options: Options, start: Starter, stack: ExitStack, stop: _Stop) -> None:
    folder = DataFolder(options.data)
    stack.callback(folder.release)

    def say(line: str) -> None:
        stop.check()
        _say(line)

    say(start(options, folder, stack, say))
    say(READY)
    say(HOW_TO_STOP)
    stop.wait()


@contextmanager
def _stoppable(stop: _Stop) -> Iterator[None]:
    """Turn the first signal into a StoppedError; the stopping that follows is not interrupted."""
    stop.heed()
    try:
        yield
    finally:
        stop.disregard()


def _check_dump(dump: Path | None) -> None:
    """Refuse what cannot be plain SQL, as far as its name and its first bytes tell."""
    if dump is None:
        return
    name_another = "Name an SQL file with --dump."
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

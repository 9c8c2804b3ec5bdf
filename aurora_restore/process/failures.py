"""People who start a program see no traceback: they get a sentence, and a file has the trace.

Errors that a program expects have sentences of their own; this is for all others, wherever they
come from: the main thread, other threads, log records, and what Python itself can only report.
"""

import errno
import logging
import os
import sys
import tempfile
import threading
import traceback
from copy import copy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final

VARIABLE: Final = "AURORA_RESTORE_ERRORS"
"""Names another folder for the traces.

Tests, whose errors are meant, keep theirs out of the checkout so.
"""

INTERRUPTED: Final = "Interrupted."
_TEMPORARY: Final = "aurora-restore-errors-"
_ADVICE: Final = {
    errno.ENOSPC: "Free some space, then run the same command again.",
    errno.EDQUOT: "Free some space, then run the same command again.",
    errno.EACCES: "Give yourself access or name another place, then run the same command again.",
    errno.EPERM: "Give yourself access or name another place, then run the same command again.",
    errno.EROFS: "Name a place that can be written, then run the same command again.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n), then run the same command again.",
    errno.ENOMEM: "Free some memory, then run the same command again.",
}
_UNKNOWN: Final = (
    "Run the same command again. If the error stays, report it together with that file."
)


def _kept_in() -> Path | None:
    """Name the folder of all traces: the checkout's, or none where pip installed the package."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    code = Path(__file__).resolve().parents[2]
    return code / ".build" / "errors" if (code / "pyproject.toml").is_file() else None


FOLDER: Final = _kept_in()


def explain_failures() -> None:
    """Let every unexpected error of this process be told in a sentence."""
    sys.excepthook = _explain
    sys.unraisablehook = lambda failure: _keep_quietly(failure.exc_value)
    threading.excepthook = lambda failure: _explain_of_thread(failure.exc_value)
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(message)s"))
    logging.getLogger().addHandler(handler)


class OneLine(logging.Formatter):
    """Formats a record's error as a sentence too, and keeps its trace in the file."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record without a trace that another handler left in it (`exc_text`)."""
        own = copy(record)
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's own name
        """Return the sentence; `ei` is what `sys.exc_info` returns."""
        error = ei[1] if isinstance(ei, tuple) else None
        return sentence(error) if error else ""


def sentence(error: BaseException) -> str:
    """Keep the error's trace, and say what happened, where the trace is, and what to do."""
    return f"{_what(error)} {_kept(error)} {_advice(error)}"


def _explain(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    """Be `sys.excepthook`; Python then ends with 1, or as Ctrl-C would have it."""
    if isinstance(error, BrokenPipeError):  # whoever read what we print has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif isinstance(error, KeyboardInterrupt):
        _say(INTERRUPTED)
    else:
        _say(sentence(error))


def _explain_of_thread(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        _say(sentence(error))


def _keep_quietly(error: BaseException | None) -> None:
    """Keep what Python only reports, such as an error in `__del__`: it ends nothing."""
    if error is not None and not isinstance(error, BrokenPipeError | KeyboardInterrupt):
        _kept(error)


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _what(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}."
    return f"Unexpected error: {type(error).__name__}{f' ({text[:300]})' if text else ''}."


def _advice(error: BaseException) -> str:
    return _ADVICE.get(error.errno or 0, _UNKNOWN) if isinstance(error, OSError) else _UNKNOWN


def _kept(error: BaseException) -> str:
    """Add the trace to the file of this process; a full disk takes none."""
    try:
        with _file().open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat()} {' '.join(sys.argv)}\n")
            file.writelines(traceback.format_exception(error))
    except OSError as refusal:
        return f"The trace could not be kept ({refusal.strerror})."
    return f"The whole trace is in {_file()}."


@cache
def _file() -> Path:
    """Name the file of this process: in `FOLDER` where we may write, else in a temporary folder."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    try:
        return _made(FOLDER or Path(tempfile.mkdtemp(prefix=_TEMPORARY)), name)
    except OSError:
        return _made(Path(tempfile.mkdtemp(prefix=_TEMPORARY)), name)


def _made(folder: Path, name: str) -> Path:
    """Make a file that only this user reads: a trace may show what the program was given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch(mode=0o600, exist_ok=False)
    return folder / name

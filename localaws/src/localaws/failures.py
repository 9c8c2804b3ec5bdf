"""An unexpected error is one sentence on the terminal, and its whole trace is in a file.

Errors that localaws expects have sentences of their own (`errors.py`). This is for all others, in
the main thread, in other threads, in log records, and in what Python itself can only report.
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

FOLDER_VARIABLE: Final = "LOCALAWS_ERRORS"
"""Names the folder for the traces. Without it they go to a new temporary folder."""

INTERRUPTED: Final = "Interrupted."
_FREE_SPACE: Final = "Free some space, then run the same command again."
_GET_ACCESS: Final = "Give yourself access or name another place, then run the same command again."
_ADVICE: Final = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EACCES: _GET_ACCESS,
    errno.EPERM: _GET_ACCESS,
    errno.EROFS: "Name a place that can be written, then run the same command again.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n), then run the same command again.",
    errno.ENOMEM: "Free some memory, then run the same command again.",
}
_UNKNOWN: Final = (
    "Run the same command again. If the error stays, report it together with that file."
)
_TEXT_MAX: Final = 300  # characters of an error's own text


def explain_failures() -> None:
    """Report every unexpected error of this process in a sentence."""
    sys.excepthook = _explain
    sys.unraisablehook = lambda failure: _keep_quietly(failure.exc_value)
    threading.excepthook = lambda failure: _explain_of_thread(failure.exc_value)
    handler = logging.StreamHandler()
    handler.setFormatter(OneLineFormatter("%(message)s"))
    logging.getLogger().addHandler(handler)


class OneLineFormatter(logging.Formatter):
    """Formats the error of a log record as a sentence, and keeps its trace in the file."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record without the trace that another handler left in it (`exc_text`)."""
        own = copy(record)
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's own name
        """Return the sentence; `ei` is what `sys.exc_info` returns."""
        error = ei[1] if isinstance(ei, tuple) else None
        return sentence(error) if error else ""


def sentence(error: BaseException) -> str:
    """Keep the error's trace, and say what happened, where the trace is, and what to do."""
    return f"{_describe(error)} {_keep(error)} {_advise(error)}"


def _explain(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    """Be `sys.excepthook`; Python then exits with status 1, or as Ctrl-C would have it."""
    if isinstance(error, BrokenPipeError):
        # The reader of our output has gone, as `head` does. Flushing at exit must not fail again.
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
        _keep(error)


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _describe(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}."
    text = " ".join(str(error).split())[:_TEXT_MAX]
    return f"Unexpected error: {type(error).__name__}{f' ({text})' if text else ''}."


def _advise(error: BaseException) -> str:
    return _ADVICE.get(error.errno or 0, _UNKNOWN) if isinstance(error, OSError) else _UNKNOWN


def _keep(error: BaseException) -> str:
    """Append the trace to this process's file; a full disk takes none."""
    try:
        with _trace_file().open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat()} {' '.join(sys.argv)}\n")
            file.writelines(traceback.format_exception(error))
    except OSError as refusal:
        return f"The trace could not be kept ({refusal.strerror})."
    return f"The whole trace is in {_trace_file()}."


@cache
def _trace_file() -> Path:
    """Name this process's file: in the named folder where we may write, else in a new one."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    if folder := os.environ.get(FOLDER_VARIABLE):
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).touch(mode=0o600, exist_ok=False)
        except OSError:
            pass
        else:
            return Path(folder) / name
    return Path(tempfile.mkdtemp(prefix="localaws-errors-")) / name

"""Files that say what happens, in the data folder.

A full disk stops none of it: memory has the newest lines too.
"""

import logging
import sys
import threading
from pathlib import Path
from typing import Final

_log: Final = logging.getLogger(__name__)


class Journal:
    """A file that lines are appended to. Safe to use from any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._is_failing = False

    def begin(self) -> None:
        """Make the file, and empty it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text("", encoding="utf-8")

    def add(self, line: str) -> None:
        """Append one line. What cannot be written is lost.

        The first such line is told of, until one is written.
        """
        with self._lock:
            try:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                self._is_failing = False
            except OSError as error:
                self._tell(error)

    def _tell(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            _log.error("%s lacks lines from now on: %s.", self._file, error.strerror)


class LogFile(logging.FileHandler):
    """localaws' own log.

    Where it cannot be written to, a sentence on standard error says so, once.
    """

    _is_failing = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Say once that the log cannot be written to, with what it would have said."""
        if not self._is_failing:
            self._is_failing = True
            error = sys.exc_info()[1]
            sys.stderr.write(
                f"localaws cannot write its log {self.baseFilename}: {error}. "
                f"{record.getMessage()}\n"
            )

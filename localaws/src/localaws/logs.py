"""What functions print goes to CloudWatch Logs, and to a file in the data folder."""

import threading
import time
from pathlib import Path
from typing import Final

from moto.logs.models import logs_backends

from localaws.journals import Journal

LINES_PER_STREAM_MAX: Final = 5_000
"""CloudWatch keeps everything; here memory is one machine's. The file keeps everything too."""


class Logs:
    """Log groups of functions. Safe to call from any thread (moto's own streams are not)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "logs"
        self._lock = threading.Lock()
        self._journals: dict[str, Journal] = {}

    def prepare(self) -> None:
        """Make the folder of the files."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def write(
        self, *, account: str, region: str, group: str, stream: str, line: str, kept: bool = True
    ) -> None:
        """Append one line.

        The group and the stream come into being with their first line, as on Lambda.

        Where `kept` is False, the writer may not write to CloudWatch: the line is in the file
        alone.
        """
        with self._lock:
            if kept:
                _append(account, region, group, stream, line)
            name = f"{group.rsplit('/', 1)[-1]}.log"
            journal = self._journals.setdefault(name, Journal(self._folder / name))
        journal.add(line)


def _append(account: str, region: str, group: str, stream: str, line: str) -> None:
    backend = logs_backends[account][region]
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, stream)
    written = backend.groups[group].streams[stream]
    written.put_log_events([{"timestamp": int(time.time() * 1000), "message": line}])
    del written.events[:-LINES_PER_STREAM_MAX]

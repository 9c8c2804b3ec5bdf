"""The processes that we started: a registry in the data folder.

What a SIGKILL leaves behind is found there and ended.

A process is ended only if its command line is the one in the registry and, where the pid is known,
its start time too. A pid that the system has meanwhile given to somebody else is left alone.
"""

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

# A start time is computed from the boot time, which a correction of the clock moves.
START_TIME_TOLERANCE_SECONDS: Final = 0.5
END_SECONDS_MAX: Final = 5.0
POLL_SECONDS: Final = 0.01


@dataclass(frozen=True)
class Entry:
    """One process: its command, and its pid and start time (epoch seconds) once it runs.

    None while it is started.
    """

    command: tuple[str, ...]
    pid: int | None = None
    started_at: float | None = None

    def find(self) -> psutil.Process | None:
        """Return this very process if it still runs, never another one."""
        if self.pid is None:
            running = psutil.process_iter()
            return next((found for found in running if _command(found) == self.command), None)
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            # A program that is just being executed has no command line for a moment (Linux).
            is_ours = _command(process) in (self.command, ()) and _is_alive(process)
            if is_ours and self._started_like(process):
                return process
        return None

    def _started_like(self, process: psutil.Process) -> bool:
        return (
            abs(float(process.create_time()) - (self.started_at or 0.0))
            < START_TIME_TOLERANCE_SECONDS
        )


class ProcessRegistry:
    """The processes started from one data folder, kept in one file.

    Safe to use from several threads.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock, self._starting = threading.Lock(), threading.Lock()
        self._entries = _read(file)
        self._is_closed = False

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own; `options` are Popen's.

        It is written down before it exists.
        """
        with self._starting:
            if self._is_closed:
                raise ProcessLookupError(
                    f"{command[0]} is not started: everything is being stopped."
                )
            return self._start(command, options)

    def _start(self, command: Sequence[str], options: dict[str, Any]) -> subprocess.Popen[bytes]:
        # Written before the process exists: a SIGKILL between the two would else leave an orphan
        # that nobody knows.
        intent = Entry(tuple(command))
        self._write(add=intent)
        try:
            process = subprocess.Popen(command, start_new_session=True, **options)
            started_at = _start_time(process.pid)
        except OSError:
            self._write(remove=intent)
            raise
        self._write(add=Entry(intent.command, process.pid, started_at), remove=intent)
        return process

    def forget(self, pid: int) -> None:
        """Strike out a process that has ended and was waited for."""
        for entry in [entry for entry in self._entries if entry.pid == pid]:
            self._write(remove=entry)

    def close(self) -> None:
        """Start nothing more: whoever is still about to, fails.

        What is being started is written down by then.
        """
        with self._starting:
            self._is_closed = True

    def signal(self, number: int) -> None:
        """Send a signal to all that is in this registry and runs, and wait for nothing."""
        for process in self._running():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def end_leftovers(self) -> list[int]:
        """End what is in this registry and runs; return the pids.

        For a start, before anything else, and for the end.
        """
        found = self._running()
        end_trees(found)
        with self._lock:
            self._entries = []
            self._file.unlink(missing_ok=True)
        return [process.pid for process in found]

    def _running(self) -> list[psutil.Process]:
        return [process for entry in self._entries if (process := entry.find())]

    def _write(self, *, add: Entry | None = None, remove: Entry | None = None) -> None:
        with self._lock:
            self._entries = [entry for entry in self._entries if entry != remove] + (
                [add] if add else []
            )
            # Replaced as a whole, so that a SIGKILL leaves the old list or the new one.
            scratch = self._file.with_suffix(".new")
            scratch.write_text(json.dumps([asdict(entry) for entry in self._entries]))
            scratch.replace(self._file)


def end_trees(processes: Sequence[psutil.Process]) -> None:
    """Ask processes to stop, as Ctrl-C would, then kill what is left of them and their descendants.

    All are given the same few seconds: many take no longer than one.
    """
    doomed = [found for process in processes for found in _ask_to_stop(process)]
    if not _are_gone(doomed):
        for survivor in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        _are_gone(doomed)


def _ask_to_stop(process: psutil.Process) -> list[psutil.Process]:
    """Return what has to be gone with a process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        # Listed first: children of a process that has ended belong to nobody any more.
        tree = [*process.children(recursive=True), process]
        process.send_signal(signal.SIGINT)  # PostgreSQL then gives its shared memory back
        return tree
    return []


def _are_gone(processes: Sequence[psutil.Process]) -> bool:
    """Wait a moment for processes to end.

    A zombie has ended: whoever inherited it may never ask for its exit code.
    """
    ends_at = time.monotonic() + END_SECONDS_MAX
    while any(_is_alive(process) for process in processes):
        if time.monotonic() > ends_at:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _read(file: Path) -> list[Entry]:
    try:
        rows = json.loads(file.read_text())
    except FileNotFoundError:
        return []
    return [Entry(tuple(row["command"]), row["pid"], row["started_at"]) for row in rows]


def _command(process: psutil.Process) -> tuple[str, ...]:
    try:
        return tuple(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ()


def _start_time(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None

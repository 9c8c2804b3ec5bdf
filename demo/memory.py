"""The memory of the demo and of everything that it started, where Linux's /proc tells it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
SAMPLE_SECONDS = 1.0
KIB = 1024


class MemoryMeter:
    """Samples in the background; `peak_bytes` is the maximum, or None where nothing can be read."""

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._stop = threading.Event()
        self.peak_bytes: int | None = None
        if PROC.joinpath("self/statm").exists():
            threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """End the sampling."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            now_bytes = sum(map(memory_of, processes(os.getpid(), self._data)))
            self.peak_bytes = max(self.peak_bytes or 0, now_bytes)


def processes(root: int, data: Path) -> Iterator[int]:
    """Yield a process, its descendants, and the processes whose current folder is below `data`.

    PostgreSQL's server leaves its parent (pg_ctl detaches it), but stays in its data folder.
    """
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    for pid in parents:
        if _descends(pid, root, parents) or _works_below(pid, data):
            yield pid


def memory_of(pid: int) -> int:
    """Give a process's proportional set size in bytes: shared pages are divided among its users."""
    try:
        rollup = PROC.joinpath(str(pid), "smaps_rollup").read_text()
    except OSError:  # gone, or somebody else's
        return 0
    sizes = (line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(next(sizes, 0)) * KIB


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int | None:
    try:
        stat = PROC.joinpath(str(pid), "stat").read_text()
    except OSError:
        return None
    # The program's name stands in brackets, and may itself hold blanks and brackets (proc(5)).
    after_name = stat.rpartition(")")[2]
    return int(after_name.split()[1])


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid and pid != root:
        pid = parents.get(pid, 0)
    return pid == root


def _works_below(pid: int, data: Path) -> bool:
    try:
        return PROC.joinpath(str(pid), "cwd").readlink().is_relative_to(data)
    except OSError:
        return False

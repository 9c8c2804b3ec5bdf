"""How much memory the demo and everything it started take, where the system tells (Linux's /proc)."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
SAMPLE_SECONDS = 1.0
KIB = 1024


class MemoryMeter:
    """Samples in the background.

    `peak_bytes` is the most that was seen, or None where nothing can be seen.
    """

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
            self.peak_bytes = max(
                self.peak_bytes or 0, sum(map(memory_of, processes(os.getpid(), self._data)))
            )


def processes(root: int, data: Path) -> Iterator[int]:
    """Yield a process, its descendants, and what works below `data`: PostgreSQL's server leaves its parent."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    for pid in parents:
        if _descends(pid, root, parents) or _works_below(pid, data):
            yield pid


def memory_of(pid: int) -> int:
    """Give a process's own share of memory in bytes: pages that several share are divided among them (PSS)."""
    try:
        rollup = PROC.joinpath(str(pid), "smaps_rollup").read_text()
    except OSError:  # gone, or somebody else's
        return 0
    return next(
        (int(line.split()[1]) * KIB for line in rollup.splitlines() if line.startswith("Pss:")), 0
    )


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int | None:
    try:
        stat = PROC.joinpath(str(pid), "stat").read_text()
    except OSError:
        return None
    return int(
        stat.rpartition(")")[2].split()[1]
    )  # the name in brackets may hold spaces and brackets


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid and pid != root:
        pid = parents.get(pid, 0)
    return pid == root


def _works_below(pid: int, data: Path) -> bool:
    try:
        return PROC.joinpath(str(pid), "cwd").readlink().is_relative_to(data)
    except OSError:
        return False

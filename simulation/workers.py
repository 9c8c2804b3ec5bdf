"""Processes that work for a program, and that Ctrl-C does not reach.

The program ends them when it is interrupted.
"""

import gc
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Literal


def workers(
    method: Literal["fork", "spawn"],
    count: int,
    *,
    initializer: Callable[[], None] | None = None,
    tasks_each_max: int | None = None,
) -> Pool:
    """Start a pool of processes; leaving it as a context manager ends them.

    A terminal sends Ctrl-C to all of them, and each would print a trace of its own. The signal is
    blocked while the pool is made, which its processes and threads inherit, and so do processes
    that are started later in their place.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return get_context(method).Pool(count, initializer, maxtasksperchild=tasks_each_max)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def collect_seldom() -> None:
    """Look for garbage a hundred times less often, and never among what was imported.

    Worlds are many, and each is garbage soon.
    """
    gc.freeze()
    gc.set_threshold(70_000, 10, 10)

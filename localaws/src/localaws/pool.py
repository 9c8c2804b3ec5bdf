"""The few workers that one machine can afford, and which of them is warm."""

import threading
import time
from collections.abc import Callable
from typing import Final

from localaws.workers import Specification, Worker

WORKERS_MAX: Final = 6
"""Worker processes in all, about 50 MB each: the whole world must fit into 1 GiB."""

WORKERS_PER_FUNCTION_MAX: Final = 2
"""Enough for a duplicate to meet its twin. More invocations of one function wait their turn."""

IDLE_SECONDS_MAX: Final = 30.0


class Pool:
    """Warm and busy workers. Its caller never asks for more than WORKERS_MAX at once."""

    def __init__(self, start: Callable[[Specification], Worker]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False

    def take(self, specification: Specification) -> Worker:
        """Return a warm worker of exactly this specification, or start one.

        The worker that is idle longest is ended where there are too many.
        """
        with self._lock:
            self._drop_stale(specification)
            worker = self._warm(specification) or self._start(specification)
            self._busy.add(worker)
        # The pool may have been closed while a worker was starting.
        if self._closed:
            worker.kill()
        return worker

    def _warm(self, specification: Specification) -> Worker | None:
        for worker in self._idle:
            if worker.specification == specification:
                self._idle.remove(worker)
                return worker
        while self._idle and len(self._idle) + len(self._busy) >= WORKERS_MAX:
            self._idle.pop(0).end()
        return None

    def _drop_stale(self, specification: Specification) -> None:
        """End warm workers of an earlier deployment of this function."""
        arn = specification.arn
        for worker in [idle for idle in self._idle if idle.specification.arn == arn]:
            if worker.specification != specification:
                self._idle.remove(worker)
                worker.end()

    def give_back(self, worker: Worker) -> None:
        """Keep a worker warm for the next invocation, unless it died in this one."""
        with self._lock:
            self._busy.discard(worker)
            if worker.alive and not self._closed:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
            else:
                worker.end()

    def reap(self) -> None:
        """End workers that have been idle too long."""
        with self._lock:
            oldest = time.monotonic() - IDLE_SECONDS_MAX
            while self._idle and self._idle[0].idle_since < oldest:
                self._idle.pop(0).end()

    def close(self) -> None:
        """End all workers, busy ones in the middle of what they do."""
        self._closed = True
        with self._lock:
            for worker in self._busy:  # whoever waits for its answer gives it back
                worker.kill()
            while self._idle:
                self._idle.pop().end()

    @property
    def process_ids(self) -> list[int]:
        """The processes that run now."""
        with self._lock:
            return [worker.process_id for worker in [*self._idle, *self._busy] if worker.alive]

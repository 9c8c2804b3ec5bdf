"""The endpoints of all clusters: one thread listens at their addresses and passes sessions on."""

import asyncio
import socket
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from localaws.postgres.sessions import Backend, Greeting

BACKLOG: Final = 100
WORK_SECONDS_MAX: Final = 10.0
T = TypeVar("T")
Listener = asyncio.Server


class Listeners:
    """Opens and closes endpoints. Sessions live on when the endpoint where they began closes."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._clients: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="localaws-endpoints", daemon=True
        )
        self._lock = threading.Lock()

    def open(self, address: str, port: int, backend: Backend) -> Listener:
        """Let clients in at an address. OSError if somebody else listens there."""
        listening = socket.create_server((address, port), backlog=BACKLOG)
        greeting = self._loop.create_server(
            lambda: Greeting(backend, self._clients), sock=listening, backlog=BACKLOG
        )
        return self._run(greeting)

    def close(self, listener: Listener) -> None:
        """Refuse further clients at an address, which is free afterwards."""

        async def stop() -> None:
            listener.close()

        self._run(stop())

    def end(self) -> None:
        """End all sessions, and the thread. Nothing can be opened afterwards."""
        with self._lock:
            if self._thread.is_alive():
                asyncio.run_coroutine_threadsafe(self._end_sessions(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
            self._loop.close()

    async def _end_sessions(self) -> None:
        for client in list(self._clients):
            client.abort()
        await asyncio.sleep(0)  # for the other ends to hear of it
        await asyncio.sleep(0)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if not self._thread.is_alive():
                self._thread.start()
            done = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(WORK_SECONDS_MAX)

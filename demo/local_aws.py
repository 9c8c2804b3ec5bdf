"""`python -m demo.up` in a process of its own, which is stopped at the end whatever happens."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from demo.errors import DemoError
from demo.options import DemoOptions
from demo.time_limits import TimeLimit

READY = "ready"  # the last line of `python -m demo.up` before it only serves
STOP_SECONDS = 30  # PostgreSQL servers included
LAST_LINES = 15  # shown when the world ends by itself


class LocalAwsProcess:
    """A running `python -m demo.up`: a context manager, since nothing may outlive the demo."""

    def __init__(
        self, command: list[str], endpoint: str, *, stop_seconds: float = STOP_SECONDS
    ) -> None:
        self.endpoint = endpoint
        self._command = command
        self._stop_seconds = stop_seconds
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: deque[str] = deque(maxlen=LAST_LINES)

    def __enter__(self) -> Self:
        """Start the process in a group of its own, so that Ctrl-C reaches the demo alone."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask the process to stop, and wait until it has; kill what is left of its group."""
        try:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process, which leads its own group."""
        return self._process.pid

    def building(self, deadline: TimeLimit) -> Iterator[str]:
        """Yield the lines that it prints until it is ready; raises DemoError if it never is."""
        while (line := self._next(deadline)) != READY:
            yield line

    def check(self) -> None:
        """Raise DemoError if the process has ended by itself."""
        if self._process.poll() is not None:
            said = "\n  ".join(self._said)
            raise DemoError(
                f"The local AWS ended with status {self._process.returncode}. It said:\n  {said}"
            )

    def wait(self) -> None:
        """Wait until the process ends by itself and all its lines were read."""
        self._process.wait()
        self._listener.join(1)

    def _next(self, deadline: TimeLimit) -> str:
        try:
            line = self._lines.get(timeout=deadline.remaining())
        except queue.Empty:
            raise deadline.over("the local AWS to be ready") from None
        if line is None:
            status = self._process.wait(self._stop_seconds)
            raise DemoError(
                f"The local AWS ended with status {status} before it was ready; what it said "
                "last is above."
            )
        return line

    def _listen(self) -> None:
        """Read to the end: a full pipe would block the process."""
        for line in self._process.stdout or ():
            self._said.append(line.rstrip())
            self._lines.put(line.rstrip())
        self._lines.put(None)


def local_aws(options: DemoOptions) -> LocalAwsProcess:
    """Prepare the local AWS that `make up` leaves running, by this interpreter."""
    command = [sys.executable, "-m", "demo.up", "--port", str(options.port)]
    command += ["--data", str(options.data), "--replacement", options.replacement]
    command += ["--dump", str(options.dump)] if options.dump else []
    command += ["--postgres", str(options.postgres)] if options.postgres else []
    return LocalAwsProcess(command, f"http://127.0.0.1:{options.port}")

"""Worker processes: each runs one function, one invocation at a time, and stays warm."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from localaws.loopback import direct_loopback

START_SECONDS_MAX: Final = 60.0
"""How long a worker may import its handler. Lambda allows 10 s.

A busy laptop is slower than Lambda.
"""

LAST_LINES_SECONDS_MAX: Final = 1.0
"""How long the end waits for what was printed: a process that the function left may print on."""

TAIL_LINES: Final = 40
READ_BYTES: Final = 65_536
_PROGRAM: Final = Path(__file__).with_name("lambda_runtime.py")


@dataclass(frozen=True)
class Specification:
    """All that decides how a function runs.

    A warm worker is reused only while this is unchanged.
    """

    arn: str
    name: str
    account: str
    region: str
    handler: str
    package: Path
    runtime: Path
    environment: tuple[tuple[str, str], ...]
    timeout_seconds: int
    memory_mb: int
    endpoint: str
    role: str

    @property
    def log_group(self) -> str:
        """The log group that Lambda writes to."""
        return f"/aws/lambda/{self.name}"


@dataclass(frozen=True)
class InvocationResult:
    """How one invocation ended: the payload (JSON), and the error that Lambda's header names."""

    payload: str
    error: str | None = None
    tail: str = ""


@dataclass
class _Log:
    """Lines of the running invocation.

    `finished` is set when the last one, REPORT, has been seen.
    """

    lines: list[str] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)


class Worker:
    """One process with one function in it."""

    def __init__(
        self,
        specification: Specification,
        credentials: dict[str, str],
        write: Callable[[str, str], None],
    ) -> None:
        """Start the process, with credentials as variables.

        `write(stream, line)` takes what the function prints.
        """
        self.specification = specification
        self.alive = True
        self.idle_since = time.monotonic()
        self.stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._write = write
        self._log = _Log()
        self._ready = False
        self._unread = b""
        self._start(credentials)

    def _start(self, credentials: dict[str, str]) -> None:
        self._answers, child_end = os.pipe()
        here = self.specification
        # Isolated and without site-packages: a function sees its zip and Lambda's boto3 alone.
        command = [sys.executable, "-I", "-S", "-u", "-X", "utf8", str(_PROGRAM)]
        command += [str(child_end), str(here.package), str(here.runtime), here.handler]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment_of(here, self.stream, credentials),
            cwd=here.package,
            pass_fds=(child_end,),
            start_new_session=True,  # so that its own children can be ended with it
        )
        os.close(child_end)
        os.set_blocking(self._answers, False)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def invoke(self, request_id: str, event: Any) -> InvocationResult:
        """Run one invocation to its end, its timeout, or the death of the process."""
        self._log = _Log()
        if not self._ready:
            answer = self._receive(START_SECONDS_MAX)
            if answer is None or not answer.get("ready"):
                self.kill()
                return _outcome(answer) if answer else self._died(request_id, START_SECONDS_MAX)
            self._ready = True
        seconds = float(self.specification.timeout_seconds)
        if self._send(
            {"id": request_id, "arn": self.specification.arn, "seconds": seconds, "event": event}
        ):
            answer = self._receive(seconds)
            if answer is not None:
                self._log.finished.wait(1.0)
                return _outcome(answer, self._tail())
        return self._died(request_id, seconds)

    def _send(self, request: dict[str, Any]) -> bool:
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]  # it is a pipe
            self._process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError:
            return False
        return True

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        """Wait for one line of answer; None when the time is over or the process has ended."""
        ends_at = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                remaining = ends_at - time.monotonic()
                if remaining <= 0 or not selector.select(remaining):
                    return None
                chunk = os.read(self._answers, READ_BYTES)
                if not chunk:
                    return None
                self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _died(self, request_id: str, seconds: float) -> InvocationResult:
        """Say what Lambda says without an answer: the process ended, or its time was over."""
        try:
            status = self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            kind, text = "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"
        else:
            kind, text = "Runtime.ExitError", f"Runtime exited with error: {_exit_words(status)}"
        self.kill()
        self._write(
            self.stream, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {request_id} {text}"
        )
        message = f"RequestId: {request_id} Error: {text}"
        return InvocationResult(
            json.dumps({"errorType": kind, "errorMessage": message}), "Unhandled", self._tail()
        )

    def _read_log(self) -> None:
        with self._process.stdout as source:  # type: ignore[union-attr]  # Popen was given a pipe
            for raw in source:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self._write(self.stream, line)
                self._log.lines.append(line)
                if line.startswith("REPORT RequestId: "):
                    self._log.finished.set()

    def _tail(self) -> str:
        return "\n".join(self._log.lines[-TAIL_LINES:])

    def kill(self) -> None:
        """End the process now, from any thread.

        An invocation that waits for its answer then fails.
        """
        self.alive = False
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        """End the process and give its pipes back.

        Only for a worker that is not in an invocation.
        """
        self.kill()
        if self._answers >= 0:
            self._reader.join(LAST_LINES_SECONDS_MAX)
            os.close(self._answers)
            self._answers = -1
            # What a killed worker had not read is lost with it.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()  # type: ignore[union-attr]  # Popen was given a pipe

    @property
    def process_id(self) -> int:
        """The process of this worker."""
        return self._process.pid


def environment_of(here: Specification, stream: str, credentials: dict[str, str]) -> dict[str, str]:
    """Build the environment of a function: Lambda's variables and its settings, none of ours."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": here.handler,
        "LAMBDA_TASK_ROOT": str(here.package),
        "LAMBDA_RUNTIME_DIR": str(here.runtime),
        "AWS_ENDPOINT_URL": here.endpoint,
        **dict(here.environment),
        **direct_loopback(dict(here.environment)),
        # What Lambda sets itself, no function can override (developer guide, reserved variables).
        **credentials,
        "AWS_REGION": here.region,
        "AWS_DEFAULT_REGION": here.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
        "AWS_LAMBDA_FUNCTION_NAME": here.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(here.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": here.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


def _outcome(answer: dict[str, Any], tail: str = "") -> InvocationResult:
    return InvocationResult(answer["payload"], answer.get("error"), tail)


def _exit_words(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"signal: {-status}"

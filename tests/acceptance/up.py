"""`python -m demo.up` as a process, watched from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import psutil

ROOT = Path(__file__).parents[2]
READY = "ready"
BUILD_SECONDS_MAX = 120.0
END_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.1


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def command(pid: int) -> list[str]:
    """Return the command line of a process; nothing for one that has ended."""
    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return []


class Up:
    """A world that is being built, or runs."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.folder, self.port = folder, port
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "demo.up",
                "--port",
                str(port),
                "--data",
                str(folder),
                *options,
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def endpoint(self) -> str:
        """The URL that it serves."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, beginning: str) -> None:
        """Wait for a line that begins so.

        Fails with all that was said when the process ends before.
        """
        with self._news:
            self._news.wait_for(
                lambda: self._has_said(beginning) or not self._reader.is_alive(), BUILD_SECONDS_MAX
            )
        assert self._has_said(beginning), "\n".join(self.lines)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, wait for the end, return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(END_SECONDS_MAX)
        self._reader.join(END_SECONDS_MAX)
        return status

    def descendants(self) -> list[int]:
        """Return the processes that it has started and that run now."""
        return [
            process.pid for process in psutil.Process(self.process.pid).children(recursive=True)
        ]

    def client(self, service: str, region: str = "us-west-2") -> Any:
        """Make a boto3 client as anybody would."""
        session = boto3.Session(
            aws_access_key_id="any", aws_secret_access_key="any", region_name=region
        )
        return session.client(service, endpoint_url=self.endpoint)

    def environment(self) -> dict[str, str]:
        """Return the environment that its `export` lines make."""
        exported = dict(
            line.removeprefix("export ").split("=", 1)
            for line in self.lines
            if line.startswith("export ")
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            **exported,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def run(self, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run `aurora-restore` for this world's stage, on the checkout it was deployed from."""
        line = [
            sys.executable,
            "-m",
            "aurora_restore",
            verb,
            *options,
            "--stage",
            "local",
            "--checkout",
            str(self.folder / "checkout"),
        ]
        return subprocess.run(
            line,
            cwd=ROOT,
            env=self.environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def set(self, **variables: str) -> None:
        """Change settings of the stage in that checkout."""
        file = self.folder / "checkout" / ".chalice" / "config.json"
        config = json.loads(file.read_text())
        config["stages"]["local"]["environment_variables"] |= variables
        file.write_text(json.dumps(config))

    def _has_said(self, beginning: str) -> bool:
        return any(line.startswith(beginning) for line in self.lines)

    def _read(self) -> None:
        with self.process.stdout or open(os.devnull) as output:  # noqa: PTH123  # Popen was given a pipe
            for line in output:
                with self._news:
                    self.lines.append(line.rstrip())
                    self._news.notify_all()


def servers_of(world: Up) -> list[int]:
    """Wait until a world has a PostgreSQL server, and return its postmasters' processes."""
    ends_at = time.monotonic() + BUILD_SECONDS_MAX
    while not (
        found := [
            pid for pid in world.descendants() if "listen_addresses=127" in " ".join(command(pid))
        ]
    ):
        assert time.monotonic() < ends_at, world.lines
        time.sleep(LOOK_SECONDS)
    return found


def up(*options: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m demo.up` where it is to refuse."""
    started = [sys.executable, "-m", "demo.up", *options]
    return subprocess.run(
        started, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120
    )

"""A server takes its port or says that it cannot, and leaves nothing behind, however it ends."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from localaws.server import HOST, PortTakenError, Server

END_SECONDS_MAX = 10


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a server with one warm worker in a process of its own."""
    command = [sys.executable, "-m", "tests.local.world", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
        process.kill()


def is_free(endpoint: str) -> bool:
    """Tell whether nobody listens on the port of an endpoint."""
    with socket.socket() as client:
        return client.connect_ex((HOST, int(endpoint.rsplit(":", 1)[1]))) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_workers_end_with_the_server(world: tuple[subprocess.Popen[str], dict[str, Any]], number: int) -> None:
    """Whether it stops or is killed, its workers are gone soon after, and its port is free."""
    process, told = world
    workers = [psutil.Process(worker) for worker in told["workers"]]
    process.send_signal(number)
    process.wait(END_SECONDS_MAX)
    _, alive = psutil.wait_procs(workers, timeout=END_SECONDS_MAX)

    assert (1, [], True) == (len(workers), alive, is_free(told["endpoint"]))


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """A second server on a port says which port is taken and what to do."""
    first = Server(0, tmp_path / "first")
    first.start()
    port = int(first.endpoint.rsplit(":", 1)[1])
    with pytest.raises(PortTakenError) as refused:
        Server(port, tmp_path / "second").start()
    first.stop()

    assert f"Port {port} of 127.0.0.1 is taken by another program. Stop that program, or choose another port." == str(
        refused.value
    )


def test_a_port_is_free_after_stop(tmp_path: Path) -> None:
    """Another server can start on the port at once, and knows nothing of the one before."""
    first = Server(0, tmp_path / "first")
    first.start()
    first.stop()
    second = Server(int(first.endpoint.rsplit(":", 1)[1]), tmp_path / "second")
    second.start()
    second.stop()

    assert is_free(first.endpoint)

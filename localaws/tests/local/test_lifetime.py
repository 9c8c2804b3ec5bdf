"""A server takes its port or says that it cannot, and leaves nothing behind, however it ends."""

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from localaws.server import HOST, PortTakenError, Server
from moto.core.model_instances import model_data
from tests.local.warm_server import create_function

LEAVES_A_PROCESS = """
import subprocess
def handler(event, context):
    return subprocess.Popen(["sleep", "600"]).pid
"""
PROJECT = Path(__file__).parents[2]
END_SECONDS_MAX = 10
DISPATCHER = "localaws-functions"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a server with one warm worker in a process of its own."""
    command = [sys.executable, "-m", "tests.local.warm_server", str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
        process.kill()


def is_free(endpoint: str) -> bool:
    """Tell whether nobody listens on the port of an endpoint."""
    with socket.socket() as client:
        return client.connect_ex((HOST, int(endpoint.rsplit(":", 1)[1]))) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_workers_end_with_the_server(
    world: tuple[subprocess.Popen[str], dict[str, Any]], number: int
) -> None:
    """Whether it stops or is killed, its workers are gone soon after, and its port is free."""
    process, told = world
    workers = [psutil.Process(worker) for worker in told["workers"]]
    process.send_signal(number)
    process.wait(END_SECONDS_MAX)
    _, alive = psutil.wait_procs(workers, timeout=END_SECONDS_MAX)

    assert (1, [], True) == (len(workers), alive, is_free(told["endpoint"]))


class LateDispatcher(threading.Condition):
    """A lock that the dispatcher of functions gets only after the end has told everybody of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()
        self.waited = False

    def __enter__(self) -> bool:
        if threading.current_thread().name == DISPATCHER:
            self.told.wait(END_SECONDS_MAX)
        return super().__enter__()

    def notify_all(self) -> None:
        """Tell all who wait."""
        super().notify_all()
        self.told.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait to be told."""
        self.waited = True
        return super().wait(timeout)


def test_a_dispatcher_that_looks_late_does_not_wait_for_more(tmp_path: Path) -> None:
    """It ends at once, though it was told of the end before it began to listen."""
    server = Server(0, tmp_path)
    server.functions._changed = lock = LateDispatcher()
    server.start()
    server.stop()

    assert not lock.waited


def test_a_process_that_a_function_left_ends_with_it(tmp_path: Path) -> None:
    """What a function has started and not ended holds up no end, and is gone afterwards."""
    server = Server(0, tmp_path)
    server.start()
    create_function(server.endpoint, "parent", LEAVES_A_PROCESS)
    client = boto3.client(
        "lambda",
        region_name="us-west-2",
        endpoint_url=server.endpoint,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    left = psutil.Process(json.load(client.invoke(FunctionName="parent", Payload="{}")["Payload"]))
    ending = threading.Thread(target=server.stop, daemon=True)
    ending.start()
    ending.join(END_SECONDS_MAX)
    _, alive = psutil.wait_procs([left], timeout=END_SECONDS_MAX)
    for process in alive:
        process.kill()

    assert (False, []) == (ending.is_alive(), alive)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """A second server on a port says which port is taken and what to do."""
    first = Server(0, tmp_path / "first")
    first.start()
    port = int(first.endpoint.rsplit(":", 1)[1])
    with pytest.raises(PortTakenError) as refused:
        Server(port, tmp_path / "second").start()
    first.stop()

    assert (
        f"Port {port} of 127.0.0.1 is taken by another program. "
        "Stop that program, or choose another port with --port." == str(refused.value)
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


class Importing(type):
    """A model of moto's whose forgetting falls together with a request that imports another
    service.
    """

    def __setattr__(cls, name: str, value: object) -> None:
        model_data[f"imported-{len(model_data)}"]["Model"] = Importing("Model", (), {})


class Failing(type):
    """A model of moto's that cannot be forgotten."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise ValueError(name)


@pytest.fixture
def models() -> Iterator[dict[str, dict[str, object]]]:
    """Give moto's models; those that a test adds are removed."""
    before = dict(model_data)
    yield model_data
    model_data.clear()
    model_data.update(before)


def test_a_request_that_imports_a_service_meanwhile_does_not_disturb_the_end(
    tmp_path: Path, models: dict[str, dict[str, object]]
) -> None:
    """Requests run on in their threads while the state of moto is forgotten."""
    server = Server(0, tmp_path)
    server.start()
    models["imported"]["Model"] = Importing("Model", (), {})
    server.stop()

    assert is_free(server.endpoint)
    assert any(name.startswith("imported-") for name in models)


def test_a_part_that_cannot_be_stopped_does_not_keep_others_running(
    tmp_path: Path, models: dict[str, dict[str, object]]
) -> None:
    """Its error is raised when everything else has ended, the log last."""
    server = Server(0, tmp_path)
    before = list(logging.getLogger("localaws").handlers)
    server.start()
    models["failing"]["Model"] = Failing("Model", (), {})
    with pytest.raises(ValueError, match="instances_tracked"):
        server.stop()

    assert is_free(server.endpoint)
    assert before == logging.getLogger("localaws").handlers


def test_a_start_that_fails_half_way_leaves_no_port_taken(tmp_path: Path) -> None:
    """`stop` ends what had begun (here the log cannot be opened), and may be called again."""
    (tmp_path / "localaws.log").mkdir()
    server = Server(0, tmp_path)
    with pytest.raises(
        IsADirectoryError
    ) as failed:  # kept, and with it all that the start had made
        server.start()
    server.stop()
    server.stop()

    assert (True, "localaws.log") == (is_free(server.endpoint), Path(failed.value.filename).name)

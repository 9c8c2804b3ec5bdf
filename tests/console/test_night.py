"""`make night`: one request to localaws, and a sentence when nobody answers."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from console import night

SNAPSHOT = "rds:prod-cluster-2026-11-23-02-10"


REFUSALS = {
    "nobody": (404, "DBClusterNotFoundFault", "DBCluster nobody not found."),
    "stopped": (400, "DBClusterAlreadyExistsFault", "Something else is wrong."),
}


class Sky(BaseHTTPRequestHandler):
    """Answers as localaws does; the cluster is still `backing-up` as often as `busy` says."""

    busy = 0

    def do_POST(self) -> None:  # the name that http.server calls
        """Take the snapshot, or say why not."""
        cluster = parse_qs(urlsplit(self.path).query)["cluster"][0]
        if cluster in REFUSALS:
            self._refuse(*REFUSALS[cluster])
        elif type(self).busy:
            type(self).busy -= 1
            self._refuse(400, "InvalidDBClusterStateFault", "Cluster prod-cluster is backing-up.")
        elif cluster == "strange":
            self._send(502, b"<html>Bad gateway</html>")
        else:
            self._send(200, json.dumps({"DBClusterSnapshotIdentifier": SNAPSHOT}).encode())

    def _refuse(self, status: int, code: str, sentence: str) -> None:
        self._send(status, json.dumps({"code": code, "error": sentence}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the name that http.server uses
        """Keep quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    """Serve on a free port of the loopback."""
    Sky.busy = 0
    with HTTPServer(("127.0.0.1", 0), Sky) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_night_falls(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The snapshot is named."""
    assert night.main(["--port", str(port)]) == 0
    assert capsys.readouterr().out == f"Aurora takes the snapshot {SNAPSHOT} of prod-cluster.\n"


def test_a_night_during_the_last_one_waits_for_it(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A cluster is no longer available while its snapshot is taken; a second `make night` comes after that."""
    Sky.busy = 1

    assert night.main(["--port", str(port)]) == 0
    assert SNAPSHOT in capsys.readouterr().out


@pytest.mark.parametrize("cluster", REFUSALS)
def test_a_refusal_is_passed_on_as_a_sentence(port: int, cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In localaws' own words, without the JSON around them."""
    assert night.main(["--port", str(port), "--cluster", cluster]) == 1
    assert capsys.readouterr().err == f"No snapshot is taken: {REFUSALS[cluster][2]}\n"


def test_what_another_program_answers_is_shown(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no answer of localaws is passed on as it came."""
    assert night.main(["--port", str(port), "--cluster", "strange"]) == 1
    assert capsys.readouterr().err == "No snapshot is taken: <html>Bad gateway</html>\n"


def test_nobody_answers_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held and not listening: nobody else gets the port meanwhile
        status = night.main(["--port", str(held.getsockname()[1])])

    assert status == 1
    assert "Run `make up` in another terminal first." in capsys.readouterr().err

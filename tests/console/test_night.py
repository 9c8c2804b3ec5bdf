"""`make night`: one request to localaws, and a sentence when nobody answers."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from console import night

SNAPSHOT = "rds:prod-cluster-2026-11-23-02-10"


class Sky(BaseHTTPRequestHandler):
    """Answers as localaws does for a cluster that it knows."""

    def do_POST(self) -> None:  # the name that http.server calls
        """Take the snapshot, or say why not."""
        known = self.path == "/localaws/night?cluster=prod-cluster&region=us-east-1"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(
            json.dumps({"DBClusterSnapshotIdentifier": SNAPSHOT}).encode() if known else b"No such cluster."
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the name that http.server uses
        """Keep quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    """Serve on a free port of the loopback."""
    with HTTPServer(("127.0.0.1", 0), Sky) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_night_falls(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The snapshot is named."""
    assert night.main(["--port", str(port)]) == 0
    assert capsys.readouterr().out == f"Night falls: Aurora takes the snapshot {SNAPSHOT} of prod-cluster.\n"


def test_a_refusal_is_passed_on(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """In localaws' own words."""
    assert night.main(["--port", str(port), "--cluster", "nobody"]) == 1
    assert capsys.readouterr().err == "Night does not fall: No such cluster.\n"


def test_nobody_answers_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held and not listening: nobody else gets the port meanwhile
        status = night.main(["--port", str(held.getsockname()[1])])

    assert status == 1
    assert "Run `make up` in another terminal first." in capsys.readouterr().err

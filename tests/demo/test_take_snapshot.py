"""`make night`: one request to localaws, and a sentence when nobody answers."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from demo import take_snapshot

SNAPSHOT = "rds:prod-cluster-2026-11-23-02-10"


CLUSTERS = {
    "eu-west-1": ["orders"],
    "us-east-1": ["prod-cluster"],
    "us-west-2": ["staging-cluster"],
}
REFUSALS = {
    "stopped": (400, "DBClusterAlreadyExistsFault", "Something else is wrong."),
}


class Sky(BaseHTTPRequestHandler):
    """Answers as localaws does; the cluster is still `backing-up` as often as `busy` says."""

    busy = 0
    clusters: dict[str, list[str]] = CLUSTERS

    def do_POST(self) -> None:  # the name that http.server calls
        """Take the snapshot, or say why not."""
        cluster = parse_qs(urlsplit(self.path).query)["cluster"][0]
        if cluster.endswith("ordres") or cluster == "nobody":
            self._not_found(cluster)
        elif cluster in REFUSALS:
            self._refuse(*REFUSALS[cluster])
        elif type(self).busy:
            type(self).busy -= 1
            self._refuse(400, "InvalidDBClusterStateFault", "Cluster prod-cluster is backing-up.")
        elif cluster == "strange":
            self._send(502, b"<html>Bad gateway</html>")
        else:
            self._send(200, json.dumps({"DBClusterSnapshotIdentifier": SNAPSHOT}).encode())

    def _not_found(self, cluster: str) -> None:
        """Say what Aurora does, and which clusters there are."""
        refused = {
            "code": "DBClusterNotFoundFault",
            "error": f"DBCluster {cluster} not found.",
            "clusters": type(self).clusters,
        }
        self._send(404, json.dumps(refused).encode())

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
    Sky.busy, Sky.clusters = 0, CLUSTERS
    with HTTPServer(("127.0.0.1", 0), Sky) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_night_takes_a_snapshot(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The command names the snapshot that is being taken."""
    assert take_snapshot.main(["--port", str(port)]) == 0
    assert capsys.readouterr().out == (
        f"Aurora takes the snapshot {SNAPSHOT} of prod-cluster in us-east-1 (the local AWS at "
        f"http://127.0.0.1:{port}).\n"
    )


def test_the_exported_endpoint_is_used_where_no_port_is_given(
    port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell with the exports of `make up` need not name its port again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")

    assert take_snapshot.main([]) == 0
    assert SNAPSHOT in capsys.readouterr().out


@pytest.mark.parametrize(
    "endpoint", ["", "https://rds.amazonaws.com:8443", "http://127.0.0.1:port", "nowhere"]
)
def test_an_endpoint_elsewhere_is_not_asked(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only localaws takes a snapshot for us: without its endpoint, the default port is asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr(take_snapshot, "PORT", 9)  # where nobody listens

    assert take_snapshot.main([]) == 1
    assert "Nobody answers at http://127.0.0.1:9 (Connection refused)" in capsys.readouterr().err


def test_a_night_during_the_last_one_waits_for_it(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cluster is not available while its snapshot is taken, and a second `make night` comes after
    that.
    """
    Sky.busy = 1

    assert take_snapshot.main(["--port", str(port)]) == 0
    assert SNAPSHOT in capsys.readouterr().out


@pytest.mark.parametrize("cluster", REFUSALS)
def test_a_refusal_is_passed_on_as_a_sentence(
    port: int, cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal is printed in the words of localaws, without the JSON around them."""
    assert take_snapshot.main(["--port", str(port), "--cluster", cluster]) == 1
    assert capsys.readouterr().err == f"No snapshot is taken: {REFUSALS[cluster][2]}\n"


@pytest.mark.parametrize(
    ("cluster", "region", "advice"),
    [
        ("ordres", "us-east-1", "Did you mean: make night CLUSTER=orders REGION=eu-west-1"),
        (
            "nobody",
            "us-west-2",
            (
                "Choose one: make night CLUSTER=orders REGION=eu-west-1 PORT=0; "
                "make night CLUSTER=prod-cluster REGION=us-east-1 PORT=0; "
                "make night CLUSTER=staging-cluster REGION=us-west-2 PORT=0"
            ),
        ),
    ],
)
def test_an_unknown_cluster_is_answered_with_the_existing_ones(
    port: int, cluster: str, region: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """For an unknown cluster the nearest names are given, in any region, as commands that take
    their snapshot.
    """
    assert take_snapshot.main(["--port", str(port), "--cluster", cluster, "--region", region]) == 1
    told = capsys.readouterr().err.replace(f"PORT={port}", "PORT=0")
    assert told.startswith(
        f"No snapshot is taken: There is no cluster {cluster} in {region}. {advice}"
    )


def test_an_account_without_clusters_is_one_sentence(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no cluster at all, the sentence says so."""
    Sky.clusters = {}
    expected = (
        "There is no cluster nobody in us-east-1. This AWS has none at all: create one first."
    )

    assert take_snapshot.main(["--port", str(port), "--cluster", "nobody"]) == 1
    assert expected in capsys.readouterr().err


def test_what_another_program_answers_is_shown(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that is not one of localaws is printed as it came."""
    assert take_snapshot.main(["--port", str(port), "--cluster", "strange"]) == 1
    assert capsys.readouterr().err == "No snapshot is taken: <html>Bad gateway</html>\n"


def test_an_endpoint_without_a_server_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody listens, the sentence says to run `make up` first."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held and not listening: nobody else gets the port meanwhile
        status = take_snapshot.main(["--port", str(held.getsockname()[1])])

    output = capsys.readouterr().err
    assert status == 1
    assert "urlopen" not in output
    assert "If it has another port, name it: make night PORT=…" in output
    assert "Run `make up` in another terminal first." in output

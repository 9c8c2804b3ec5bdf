"""`localaws up`, installed from its wheel, where neither the app nor the repository is."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from tests.distribution.installation import environment


@pytest.fixture
def world(installed: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start `localaws up` on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(installed / "bin" / "localaws"), "up", "--port", str(port), "--data", "data"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(installed), stdout=subprocess.PIPE, text=True
    ) as process:
        yield process, port
        process.terminate()


def test_up_leaves_a_production_running_and_stops_when_it_is_asked_to(
    world: tuple[subprocess.Popen[str], int],
) -> None:
    """Without the app, `localaws up` is an AWS that has production's cluster and its snapshot."""
    process, port = world
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.rstrip())
        if said[-1] == "ready":
            break
    rds = boto3.client(
        "rds",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    clusters = rds.describe_db_clusters()["DBClusters"]
    snapshots = rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()

    assert "ready" == said[-1]
    assert "prod-cluster in us-east-1 has its data: shop and ledger" in said
    assert any(line.startswith("export AWS_ENDPOINT_URL=") for line in said)
    assert [("prod-cluster", "available")] == [
        (cluster["DBClusterIdentifier"], cluster["Status"]) for cluster in clusters
    ]
    assert ["automated"] == [snapshot["SnapshotType"] for snapshot in snapshots]
    assert (
        "Press Ctrl-C to stop it.\nStopping, and deleting the databases' files ...\nstopped\n",
        0,
    ) == (rest, process.wait(30))

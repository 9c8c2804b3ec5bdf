"""`python -m demo.take_snapshot`: have localaws take a cluster's automated snapshot.

Aurora takes one a night, and no API call asks for it: this is an endpoint of localaws alone.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import typer

from aurora_restore.process.loopback import HOSTS
from aurora_restore.process.options import port_number, program
from aurora_restore.process.reasons import reason

TIMEOUT_SECONDS = 30
RETRY_SECONDS = 0.5
PORT, CLUSTER, REGION = 4577, "prod-cluster", "us-east-1"
NO_CLUSTER = "DBClusterNotFoundFault"
BUSY = "InvalidDBClusterStateFault"  # such as while an earlier snapshot is being taken

Clusters = dict[str, list[str]]  # identifiers by region
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        parser=port_number,
        metavar="PORT",
        help=f"Where localaws listens, by default that of AWS_ENDPOINT_URL, else {PORT}.",
    ),
]
Cluster = Annotated[str, typer.Option("--cluster", metavar="NAME", help="Whose snapshot it is.")]
Region = Annotated[str, typer.Option("--region", metavar="REGION", help="The cluster's region.")]


class SnapshotRefusedError(Exception):
    """A refusal of localaws: the text is its sentence, and `code` the error code of RDS.

    `clusters` are all that it has, by region.
    """

    def __init__(self, code: str, sentence: str, clusters: Clusters | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.clusters = clusters or {}


def take_snapshot(endpoint: str, *, cluster: str, region: str) -> str:
    """Have the snapshot taken as soon as the cluster is available; returns its name.

    Raises SnapshotRefusedError, and OSError when nobody answers.
    """
    gives_up_at = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return _ask(endpoint, cluster=cluster, region=region)
        except SnapshotRefusedError as refusal:
            if refusal.code != BUSY or time.monotonic() > gives_up_at:
                raise
        time.sleep(RETRY_SECONDS)


def _ask(endpoint: str, *, cluster: str, region: str) -> str:
    query = urllib.parse.urlencode({"cluster": cluster, "region": region})
    url = f"{endpoint}/localaws/night?{query}"
    request = urllib.request.Request(url, method="POST")  # noqa: S310 # http on loopback
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return str(json.load(answer)["DBClusterSnapshotIdentifier"])
    except urllib.error.HTTPError as error:
        raise _refusal(error.read().decode(errors="replace").strip()) from error


def _refusal(body: str) -> SnapshotRefusedError:
    """Read what localaws answers; another program on its port may answer anything."""
    try:
        refused = json.loads(body)
        return SnapshotRefusedError(
            str(refused.get("code", "")), str(refused["error"]), refused.get("clusters")
        )
    except (ValueError, AttributeError, KeyError):
        return SnapshotRefusedError("", body or "The answer is empty.")


def main(arguments: list[str] | None = None) -> int:
    """Say which snapshot is being taken, or why none is."""
    return program(night, arguments, name="python -m demo.take_snapshot")


def night(port: Port = None, cluster: Cluster = CLUSTER, region: Region = REGION) -> int:
    """Have localaws take a cluster's automated snapshot, as Aurora does once a night."""
    port = port or _exported_port(os.environ.get("AWS_ENDPOINT_URL", "")) or PORT
    endpoint = f"http://127.0.0.1:{port}"
    try:
        snapshot = take_snapshot(endpoint, cluster=cluster, region=region)
    except SnapshotRefusedError as refusal:
        why = _explained(refusal, SnapshotRequest(port, cluster, region))
        sys.stderr.write(f"No snapshot is taken: {why}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"Nobody answers at {endpoint} ({reason(error)}). Run `make up` in another terminal "
            "first. If it has another port, name it: make night PORT=…\n"
        )
        return 1
    sys.stdout.write(
        f"Aurora takes the snapshot {snapshot} of {cluster} in {region} (the local AWS at "
        f"{endpoint}).\n"
    )
    return 0


def _exported_port(endpoint: str) -> int | None:
    """Read the port of an address on this machine; elsewhere nobody takes a snapshot for us."""
    try:
        address = urllib.parse.urlsplit(endpoint)
        port = address.port
    except ValueError:  # no address, or no port
        return None
    return port if address.hostname in HOSTS else None


@dataclass(frozen=True)
class SnapshotRequest:
    """Whose snapshot was asked for, and where."""

    port: int
    cluster: str
    region: str


def _explained(refusal: SnapshotRefusedError, asked: SnapshotRequest) -> str:
    """Explain a refusal; where the cluster is unknown, name the nearest one, or all there are."""
    if refusal.code != NO_CLUSTER:
        return str(refusal)
    missing = f"There is no cluster {asked.cluster} in {asked.region}."
    known = [(name, region) for region, names in refusal.clusters.items() for name in names]
    if not known:
        return f"{missing} This AWS has none at all: create one first."
    near = get_close_matches(asked.cluster, [name for name, _ in known], n=1)
    meant = [(name, region) for name, region in known if name in near] or known
    commands = [_command(name, region, asked.port) for name, region in meant]
    return f"{missing} {'Did you mean' if near else 'Choose one'}: {'; '.join(commands)}"


def _command(cluster: str, region: str, port: int) -> str:
    elsewhere = f" PORT={port}" if port != PORT else ""
    return f"make night CLUSTER={cluster} REGION={region}{elsewhere}"


if __name__ == "__main__":
    sys.exit(main())

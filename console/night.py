"""`python -m console.night`: have localaws take prod-cluster's automated snapshot, as Aurora does once a night.

AWS has no call for that, so this is localaws' own endpoint and no AWS API.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from programs.arguments import port

TIMEOUT_SECONDS = 30
LOOK_SECONDS = 0.5
BUSY = "InvalidDBClusterStateFault"  # the last night's snapshot is still being taken, for example


class RefusedError(Exception):
    """localaws does not take the snapshot; the text is its sentence, `code` is RDS's error code."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def fall(endpoint: str, *, cluster: str, region: str) -> str:
    """Let night fall on one cluster and return the snapshot's name, once the cluster is available.

    Raises RefusedError, and OSError when nobody answers.
    """
    gives_up_at = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return _ask(endpoint, cluster=cluster, region=region)
        except RefusedError as refusal:
            if refusal.code != BUSY or time.monotonic() > gives_up_at:
                raise
        time.sleep(LOOK_SECONDS)


def _ask(endpoint: str, *, cluster: str, region: str) -> str:
    asked = urllib.parse.urlencode({"cluster": cluster, "region": region})
    request = urllib.request.Request(f"{endpoint}/localaws/night?{asked}", method="POST")  # noqa: S310 # http, ours
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return str(json.load(answer)["DBClusterSnapshotIdentifier"])
    except urllib.error.HTTPError as error:
        raise _refusal(error.read().decode(errors="replace").strip()) from error


def _refusal(body: str) -> RefusedError:
    """Read what localaws answers; another program on its port may answer anything."""
    try:
        refused = json.loads(body)
        return RefusedError(str(refused.get("code", "")), str(refused["error"]))
    except (ValueError, AttributeError, KeyError):
        return RefusedError("", body or "The answer is empty.")


def main(arguments: list[str] | None = None) -> int:
    """Say which snapshot is being taken, or why none is."""
    options = _options().parse_args(arguments)
    endpoint = f"http://127.0.0.1:{options.port}"
    try:
        snapshot = fall(endpoint, cluster=options.cluster, region=options.region)
    except RefusedError as refusal:
        sys.stderr.write(f"No snapshot is taken: {refusal}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"Nobody answers at {endpoint} ({error}). Run `make up` in another terminal first.\n")
        return 1
    sys.stdout.write(f"Aurora takes the snapshot {snapshot} of {options.cluster}.\n")
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m console.night", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=port, default=4577, help="where localaws listens (%(default)s)")
    parser.add_argument("--cluster", default="prod-cluster", help="whose night it is (%(default)s)")
    parser.add_argument("--region", default="us-east-1", help="the cluster's region (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

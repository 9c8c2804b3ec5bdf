"""`python -m console.night`: have localaws take prod-cluster's automated snapshot, as Aurora does once a night.

AWS has no call for that, so this is localaws' own endpoint and no AWS API.
"""

import argparse
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_SECONDS = 30


def fall(endpoint: str, *, cluster: str, region: str) -> str:
    """Let night fall on one cluster and return the snapshot's name; raises OSError when nobody answers."""
    asked = urllib.parse.urlencode({"cluster": cluster, "region": region})
    request = urllib.request.Request(f"{endpoint}/localaws/night?{asked}", method="POST")  # noqa: S310 # http, ours
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=TIMEOUT_SECONDS) as answer:
        return str(json.load(answer)["DBClusterSnapshotIdentifier"])


def main(arguments: list[str] | None = None) -> int:
    """Say which snapshot is being taken, or why none is."""
    options = _options().parse_args(arguments)
    endpoint = f"http://127.0.0.1:{options.port}"
    try:
        snapshot = fall(endpoint, cluster=options.cluster, region=options.region)
    except urllib.error.HTTPError as refusal:
        sys.stderr.write(f"Night does not fall: {refusal.read().decode(errors='replace').strip()}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"Nobody answers at {endpoint} ({error}). Run `make up` in another terminal first.\n")
        return 1
    sys.stdout.write(f"Night falls: Aurora takes the snapshot {snapshot} of {options.cluster}.\n")
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m console.night", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=4577, help="where localaws listens (%(default)s)")
    parser.add_argument("--cluster", default="prod-cluster", help="whose night it is (%(default)s)")
    parser.add_argument("--region", default="us-east-1", help="the cluster's region (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

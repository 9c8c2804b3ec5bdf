"""An AWS as a process of its own: it prints its endpoint and runs until its input ends.

moto's state belongs to a process; these files of tests share one world, while other folders' tests
make theirs.
"""

import sys
from dataclasses import replace

from localaws.aurora import Durations
from localaws.server import Server

ACCOUNT, REGION = "123456789012", "us-west-2"
COPY_SECONDS = 3600  # a copy that was begun is under way until the world ends
SNAPSHOTS_MAX = 16  # so that a few fill the quota
AT_ONCE = 1e6


def main() -> None:
    """Run until nobody is there any more."""
    server = Server(
        0, sys.argv[1], durations=replace(Durations().scaled(AT_ONCE), copy=COPY_SECONDS)
    )
    server.start()
    server.aurora.quotas(account=ACCOUNT, region=REGION).manual_cluster_snapshots = SNAPSHOTS_MAX
    sys.stdout.write(f"{server.endpoint}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()

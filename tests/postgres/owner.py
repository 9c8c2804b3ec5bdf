"""A process that runs a cluster and is killed by the test. Usage: owner.py FOLDER; prints the server's pid and address."""

import sys
import threading
from pathlib import Path

from localaws.postgres import PostgresData
from tests.postgres.client import make

data = PostgresData(Path(sys.argv[1]))
make(data, "cluster-A")
data.start("cluster-A")
sys.stdout.write(f"{data.process_ids[0]} {data.endpoint('cluster-A')[0]}\n")
sys.stdout.flush()
threading.Event().wait()

"""A process that runs a cluster in the folder that it is given, prints the server's pid and
address, and is killed.
"""

import sys
import threading
from pathlib import Path

from localaws.postgres import PostgresData
from tests.postgres.client import make

data = PostgresData(Path(sys.argv[1]))
make(data, "cluster-A")
data.start("cluster-A")
sys.stdout.write(f"{data.process_ids[0]} {(data.endpoint('cluster-A') or ('',))[0]}\n")
sys.stdout.flush()
threading.Event().wait()

"""The data of clusters: a cluster is a PostgreSQL server, a snapshot a real copy of its folder.

`PostgresData` (`clusters.py`) implements the port `aurora.data`. `server.py` is one process,
`programs.py` and `full_server.py` find what it runs, `rds_roles.py` makes it look like RDS from
the inside. A dump is divided by `statements.py`, judged by `dumps.py`, `existing.py` and
`adapting.py`, and loaded by `loading.py`; `exports.py` writes Parquet.

It may import the port and the registry of processes, and nothing else of localaws.
"""

from localaws.postgres.clusters import PostgresData
from localaws.postgres.errors import DataPlaneError

__all__ = ["DataPlaneError", "PostgresData"]

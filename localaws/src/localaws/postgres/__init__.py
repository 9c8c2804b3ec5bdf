"""The data plane: a cluster is a PostgreSQL server, a snapshot a real copy of its data."""

from localaws.postgres.clusters import PostgresData
from localaws.postgres.errors import DataPlaneError

__all__ = ["DataPlaneError", "PostgresData"]

"""The data plane: a cluster is a PostgreSQL 16 server of the embedded wheel, a snapshot a real copy of its data."""

from localaws.postgres.clusters import PostgresData
from localaws.postgres.errors import DataPlaneError

__all__ = ["DataPlaneError", "PostgresData"]

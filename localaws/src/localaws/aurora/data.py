"""What is inside the clusters: the port to a data plane, and the one that holds nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

DATA_ERRORS = (RuntimeError, OSError)
"""What a data plane raises when it cannot do what it was asked.

Anything else is a bug, and fails the resource too.
"""


@dataclass(frozen=True)
class ExportedTable:
    """A table in Parquet files: `target` is database.schema.table, `files` lie below one folder.

    `columns` are name, PostgreSQL's type and Parquet's; `size` is the bytes of the files.
    """

    target: str
    files: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    size: int


class DataPlane(Protocol):
    """The databases behind the model's clusters.

    Clusters are named by `DbClusterResourceId`, snapshots by an opaque key that is safe in a file
    name. A cluster's server runs from its first available instance until its last instance is gone
    or the cluster is stopped.
    """

    def place(self, resource_id: str, *, name: str, port: int) -> None:
        """Give a new cluster its endpoint, before it has data.

        `name` is Aurora's own for it. A cluster that is made under the name of an earlier one is
        reached where that was reached.
        """

    def rename(self, resource_id: str, *, name: str) -> None:
        """Move a cluster's endpoint to where its new name is reached.

        Sessions and the server's certificate stay as they are.
        """

    def create_cluster(
        self,
        resource_id: str,
        *,
        master_username: str,
        master_password: str,
        database_name: str | None,
    ) -> None:
        """Prepare an empty cluster's data; the server does not run yet."""

    def take_snapshot(self, resource_id: str, snapshot_key: str) -> None:
        """Keep the cluster's data as it is now under a key; the server may be running, or not."""

    def restore_snapshot(self, snapshot_key: str, resource_id: str) -> None:
        """Prepare a new cluster's data from a snapshot; the server does not run yet."""

    def copy_snapshot(self, snapshot_key: str, copy_key: str) -> None:
        """Make a second snapshot that outlives the first."""

    def delete_snapshot(self, snapshot_key: str) -> None:
        """Forget a snapshot.

        A copy that failed, or never began, has no data and is forgotten as well.
        """

    def export_snapshot(
        self, snapshot_key: str, folder: Path, only: Sequence[str]
    ) -> Sequence[ExportedTable] | None:
        """Write a snapshot's tables into a folder as Parquet files; None where there is no data.

        `only` are databases, database.schema or database.schema.table; none stands for all.
        """
        ...  # pragma: no cover

    def start(
        self, resource_id: str, *, names: Sequence[str] = (), read_only: bool = False
    ) -> None:
        """Run the cluster's server, with a certificate for `names` until it is started again."""

    def stop(self, resource_id: str) -> None:
        """Stop the cluster's server and keep its data."""

    def endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return host and port that clients connect to.

        An empty host stands for Aurora's own kind of name.
        """
        ...  # pragma: no cover

    def instance_endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return host and port of the cluster's instances, which no rename of it changes."""
        ...  # pragma: no cover

    def set_master_password(self, resource_id: str, username: str, password: str) -> None:
        """Change the master user's password on the running server."""

    def set_master_authentication(self, resource_id: str, username: str, *, by_iam: bool) -> None:
        """Have the master user of the running server log in by IAM alone, or by password."""

    def destroy(self, resource_id: str) -> None:
        """Forget a cluster's data; the server was stopped before."""


class NoData:
    """Clusters without a database inside: enough for everything that is said to RDS alone."""

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}

    def place(self, resource_id: str, *, name: str, port: int) -> None:
        """Remember the port."""
        del name
        self._ports[resource_id] = port

    def rename(self, resource_id: str, *, name: str) -> None:
        """There is nothing to move."""

    def create_cluster(
        self,
        resource_id: str,
        *,
        master_username: str,
        master_password: str,
        database_name: str | None,
    ) -> None:
        """There is nothing to prepare."""

    def restore_snapshot(self, snapshot_key: str, resource_id: str) -> None:
        """There is nothing to prepare."""

    def endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return no host, so that the model answers with an Aurora-like name, and the port."""
        return "", self._ports.get(resource_id, 0)

    def instance_endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return what leads to the cluster."""
        return self.endpoint(resource_id)

    def destroy(self, resource_id: str) -> None:
        """Forget the port."""
        self._ports.pop(resource_id, None)

    def take_snapshot(self, resource_id: str, snapshot_key: str) -> None:
        """There is nothing to keep."""

    def copy_snapshot(self, snapshot_key: str, copy_key: str) -> None:
        """There is nothing to copy."""

    def delete_snapshot(self, snapshot_key: str) -> None:
        """There is nothing to forget."""

    def export_snapshot(
        self, snapshot_key: str, folder: Path, only: Sequence[str]
    ) -> Sequence[ExportedTable] | None:
        """There is nothing to write: an export goes through its states and leaves no files."""
        del snapshot_key, folder, only
        return None

    def start(
        self, resource_id: str, *, names: Sequence[str] = (), read_only: bool = False
    ) -> None:
        """There is nothing to run."""

    def stop(self, resource_id: str) -> None:
        """Nothing runs."""

    def set_master_password(self, resource_id: str, username: str, password: str) -> None:
        """There is nobody to log in."""

    def set_master_authentication(self, resource_id: str, username: str, *, by_iam: bool) -> None:
        """There is nobody to log in."""

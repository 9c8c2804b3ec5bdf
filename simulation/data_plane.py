"""A data plane in memory.

The roles and passwords of every cluster, copied with its snapshots as Aurora copies them.
"""

from collections.abc import Sequence
from pathlib import Path

from localaws.aurora.data import ExportedTable

from simulation.in_memory_database import InMemoryCluster, InMemoryRole


class InMemoryData:
    """What is inside the model's clusters, as far as logins go.

    Hosts are names that lead to one cluster each.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, InMemoryCluster] = {}
        self.snapshots: dict[str, InMemoryCluster] = {}
        self.hosts: dict[str, str] = {}
        self.renames_to_fail = 0
        self._places: dict[str, tuple[str, int]] = {}

    def place(self, resource_id: str, *, name: str, port: int) -> None:
        """Let a name lead to a cluster from now on."""
        self._places[resource_id], self.hosts[name] = (name, port), resource_id

    def rename(self, resource_id: str, *, name: str) -> None:
        """Let another name lead to a cluster; the old one leads nowhere."""
        if self.renames_to_fail:
            self.renames_to_fail -= 1
            raise RuntimeError(f"The name {name} cannot be given.")
        old, port = self._places[resource_id]
        if self.hosts.get(old) == resource_id:
            del self.hosts[old]
        self.place(resource_id, name=name, port=port)

    def create_cluster(
        self,
        resource_id: str,
        *,
        master_username: str,
        master_password: str,
        database_name: str | None,
    ) -> None:
        """Prepare an empty cluster's data."""
        roles = {"rdsadmin": InMemoryRole(None), master_username: InMemoryRole(master_password)}
        databases = ["postgres", *([database_name] if database_name else [])]
        self.clusters[resource_id] = InMemoryCluster(roles, databases)

    def take_snapshot(self, resource_id: str, snapshot_key: str) -> None:
        """Keep the cluster's roles as they are now."""
        self.snapshots[snapshot_key] = self.clusters[resource_id].copied()

    def restore_snapshot(self, snapshot_key: str, resource_id: str) -> None:
        """Prepare a cluster from a snapshot: production's logins and passwords come with it."""
        self.clusters[resource_id] = self.snapshots[snapshot_key].copied()

    def copy_snapshot(self, snapshot_key: str, copy_key: str) -> None:
        """Make a second snapshot that outlives the first."""
        self.snapshots[copy_key] = self.snapshots[snapshot_key].copied()

    def delete_snapshot(self, snapshot_key: str) -> None:
        """Forget a snapshot; a copy that failed, or never began, has none."""
        self.snapshots.pop(snapshot_key, None)

    def export_snapshot(
        self, snapshot_key: str, folder: Path, only: Sequence[str]
    ) -> Sequence[ExportedTable] | None:
        """There are no tables to write."""
        del snapshot_key, folder, only
        return None

    def start(
        self, resource_id: str, *, names: Sequence[str] = (), read_only: bool = False
    ) -> None:
        """Give the server a certificate.

        Nothing has to be started: the model says what can be reached.
        """
        del read_only
        if cluster := self.clusters.get(resource_id):
            cluster.certified = frozenset(names)

    def stop(self, resource_id: str) -> None:
        """Nothing has to be stopped."""

    def endpoint(self, resource_id: str) -> tuple[str, int]:
        """Give the name and the port of a cluster; one that was never placed has Aurora's own."""
        return self._places.get(resource_id, ("", 0))

    def instance_endpoint(self, resource_id: str) -> tuple[str, int]:
        """Leave instances their own names, which nobody connects to."""
        return "", self._places.get(resource_id, ("", 0))[1]

    def set_master_password(self, resource_id: str, username: str, password: str) -> None:
        """Change the master user's password."""
        self.clusters[resource_id].set_master_password(username, password)

    def set_master_authentication(self, resource_id: str, username: str, *, by_iam: bool) -> None:
        """Change how the master user logs in."""
        role = self.clusters[resource_id].roles[username]
        if by_iam or role.by_token == "rds_iam":  # noqa: S105 # the name of a role
            role.by_token = "rds_iam" if by_iam else ""

    def destroy(self, resource_id: str) -> None:
        """Forget a cluster."""
        del self.clusters[resource_id]

"""A data plane that holds one text per cluster and snapshot instead of a database."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from localaws.aurora import NoData


@dataclass
class Stored:
    """What a cluster holds: its rows as one text, its master user's password, whether its server
    runs, and what its certificate is for.
    """

    rows: str
    password: str
    runs: bool = False
    certified: tuple[str, ...] = ()


@dataclass
class RecordingData(NoData):
    """Keep a text per cluster and per snapshot; copying a snapshot copies the text."""

    clusters: dict[str, Stored] = field(default_factory=dict)
    snapshots: dict[str, Stored] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def create_cluster(
        self,
        resource_id: str,
        *,
        master_username: str,
        master_password: str,
        database_name: str | None,
    ) -> None:
        """Begin with no rows."""
        super().create_cluster(
            resource_id,
            master_username=master_username,
            master_password=master_password,
            database_name=database_name,
        )
        self.clusters[resource_id] = Stored("", master_password)

    def take_snapshot(self, resource_id: str, snapshot_key: str) -> None:
        """Keep the text as it is now."""
        cluster = self.clusters[resource_id]
        self.snapshots[snapshot_key] = Stored(cluster.rows, cluster.password)

    def restore_snapshot(self, snapshot_key: str, resource_id: str) -> None:
        """Begin with the snapshot's text."""
        super().restore_snapshot(snapshot_key, resource_id)
        snapshot = self.snapshots[snapshot_key]
        self.clusters[resource_id] = Stored(snapshot.rows, snapshot.password)

    def copy_snapshot(self, snapshot_key: str, copy_key: str) -> None:
        """Keep the text a second time."""
        snapshot = self.snapshots[snapshot_key]
        self.snapshots[copy_key] = Stored(snapshot.rows, snapshot.password)

    def delete_snapshot(self, snapshot_key: str) -> None:
        """Forget the text, which must be there."""
        del self.snapshots[snapshot_key]

    def start(
        self, resource_id: str, *, names: Sequence[str] = (), read_only: bool = False
    ) -> None:
        """Run, with a certificate for some names."""
        del read_only
        self.clusters[resource_id].runs = True
        self.clusters[resource_id].certified = tuple(names)

    def stop(self, resource_id: str) -> None:
        """Stop."""
        self.clusters[resource_id].runs = False

    def set_master_password(self, resource_id: str, username: str, password: str) -> None:
        """Change the password; only a running server can."""
        del username
        if not self.clusters[resource_id].runs:
            raise AssertionError(f"The server of {resource_id} does not run.")
        self.clusters[resource_id].password = password

    def destroy(self, resource_id: str) -> None:
        """Forget the cluster."""
        super().destroy(resource_id)
        del self.clusters[resource_id]

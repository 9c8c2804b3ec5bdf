"""The data plane itself: clusters and snapshots by their keys. Safe to use from several threads."""

import contextlib
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psycopg2.sql import Composable

from localaws.aurora.data import ExportedTable
from localaws.postgres import rds_roles
from localaws.postgres.endpoints import Endpoints
from localaws.postgres.errors import DataPlaneError
from localaws.postgres.exports import export_tables
from localaws.postgres.files import copy_for_writing, share_read_only
from localaws.postgres.full_server import find_full_server
from localaws.postgres.loading import Master, load_dump
from localaws.postgres.programs import (
    TEMPORARY_PREFIX,
    Programs,
    find_programs,
    is_reachable,
    temporary_folder,
)
from localaws.postgres.server import IMMEDIATE_SHUTDOWN, PostgresServer, ServerFolders
from localaws.processes import ProcessRegistry

TEMPORARY_NAME: Final = "temporary"
ROOTS_NAME: Final = "rds-ca.pem"


@dataclass(frozen=True)
class _Cluster:
    server: PostgresServer
    lock: threading.RLock = field(default_factory=threading.RLock)


class PostgresData:
    """Every cluster a PostgreSQL server, every snapshot a folder that nobody writes to.

    `folder` keeps the logs, the registry of processes, and the data, unless the programs' user
    cannot reach it: then a link in it names the temporary folder that holds the rest. Opening it
    ends and removes what an earlier owner left there.
    """

    def __init__(self, folder: Path, full_server: Path | None = None) -> None:
        """Prepare; `full_server` is the bin folder of a PostgreSQL in place of the wheel's.

        DataPlaneError if it cannot be used.
        """
        full = find_full_server(full_server) if full_server else None
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._endpoints = Endpoints()
        self._registry = ProcessRegistry(self._folder / "processes.json")
        self._registry.end_leftovers()
        # What was made is removed again if the rest cannot be.
        with contextlib.ExitStack() as undone:
            undone.callback(self._remove_data)
            self._make_folders(full)
            undone.pop_all()
        self._clusters: dict[str, _Cluster] = {}
        self._lock = threading.RLock()

    def _make_folders(self, full: Programs | None) -> None:
        self._remove_data()
        self._temporary = temporary_folder()
        (self._folder / TEMPORARY_NAME).symlink_to(self._temporary)
        self._programs = full or find_programs(self._temporary)
        reachable = self._programs.user is None or is_reachable(self._folder)
        self._home = self._folder if reachable else self._temporary
        for name in ("clusters", "snapshots"):
            self._programs.make_folder(self._home / name)
        shutil.rmtree(self._folder / "logs", ignore_errors=True)
        (self._folder / "logs").mkdir()
        self._endpoints.write_roots(self.roots)

    @property
    def roots(self) -> Path:
        """The file with the certificate authority of all servers, for `sslrootcert`."""
        return self._folder / ROOTS_NAME

    def place(self, resource_id: str, *, name: str, port: int) -> None:
        """Give a new cluster its address, the one that its name had before if that is free."""
        with self._lock:
            if resource_id in self._clusters:
                raise DataPlaneError(f"There is a cluster {resource_id} already.")
            self._endpoints.place(resource_id, name, port)
            # A socket's path may have 107 bytes, and a resource id is long.
            sockets = self._temporary / secrets.token_hex(4)
            folders = ServerFolders(
                self._home / "clusters" / resource_id, sockets, self.log(resource_id)
            )
            server = PostgresServer(folders, self._programs, self._registry)
            self._clusters[resource_id] = _Cluster(server)

    def rename(self, resource_id: str, *, name: str) -> None:
        """Move the cluster's endpoint to where its new name is reached; sessions stay."""
        cluster = self._cluster(resource_id)
        with cluster.lock:
            self._endpoints.rename(resource_id, name)

    def create_cluster(
        self,
        resource_id: str,
        *,
        master_username: str,
        master_password: str,
        database_name: str | None,
    ) -> None:
        """Make an empty cluster with Aurora's roles and the master user.

        Its server does not run yet.
        """
        cluster = self._cluster(resource_id)
        with cluster.lock:
            cluster.server.initialise()
            with self._running(cluster):
                rds_roles.create_rds_roles(
                    cluster.server,
                    master_username=master_username,
                    master_password=master_password,
                    database=database_name,
                )

    def take_snapshot(self, resource_id: str, snapshot_key: str) -> None:
        """Keep the cluster's data as it is now; a running server goes on serving meanwhile."""
        cluster, target = self._cluster(resource_id), self._new_snapshot(snapshot_key)
        with cluster.lock:
            if cluster.server.process_id is None:
                copy_for_writing(cluster.server.folders.data, target, self._programs)
                return
            # Consistent although the server goes on writing, and without waiting for a checkpoint.
            options = ["--checkpoint=fast", "--no-sync", "--no-manifest", "--wal-method=stream"]
            self._programs.run(
                "pg_basebackup", "-D", str(target), *cluster.server.socket_arguments, *options
            )

    def restore_snapshot(self, snapshot_key: str, resource_id: str) -> None:
        """Make a cluster from a snapshot: its rows, roles and passwords.

        Its server does not run yet.
        """
        source, cluster = self._snapshot(snapshot_key), self._cluster(resource_id)
        with cluster.lock:
            copy_for_writing(source, cluster.server.folders.data, self._programs)

    def copy_snapshot(self, snapshot_key: str, copy_key: str) -> None:
        """Make a second snapshot that outlives the first.

        They share what neither will ever change.
        """
        share_read_only(self._snapshot(snapshot_key), self._new_snapshot(copy_key), self._programs)

    def delete_snapshot(self, snapshot_key: str) -> None:
        """Remove a snapshot; a copy that failed, or never began, has no data to remove."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._home / "snapshots" / snapshot_key)

    def export_snapshot(
        self, snapshot_key: str, folder: Path, only: Sequence[str]
    ) -> Sequence[ExportedTable]:
        """Write a snapshot's tables as Parquet files, read from a server on a copy of its data."""
        source, name = self._snapshot(snapshot_key), f"export-{snapshot_key}"
        sockets = self._temporary / secrets.token_hex(4)
        folders = ServerFolders(self._home / "clusters" / name, sockets, self.log(name))
        server = PostgresServer(folders, self._programs, self._registry)
        try:
            # On a copy: a server would write into the snapshot, which others share.
            copy_for_writing(source, folders.data, self._programs)
            server.start()
            return export_tables(server, folder, only)
        finally:
            server.stop(immediate=True)
            shutil.rmtree(folders.data, ignore_errors=True)

    def start(
        self, resource_id: str, *, names: Sequence[str] = (), read_only: bool = False
    ) -> None:
        """Run the cluster's server at its endpoint, with a certificate for that and for `names`.

        Put all its roles within the master user's reach.
        """
        if read_only:
            raise DataPlaneError(
                f"A server that only reads is not modelled: {resource_id} has one server, which "
                "writes."
            )
        cluster = self._cluster(resource_id)
        with cluster.lock:
            if cluster.server.process_id is not None:
                return
            cluster.server.start(*self._endpoints.backend(resource_id))
            rds_roles.put_roles_within_reach(cluster.server)
            self._endpoints.open(resource_id, names, self._temporary)

    def stop(self, resource_id: str) -> None:
        """Stop the cluster's server and keep its data."""
        self._end(resource_id, self._cluster(resource_id))

    def _end(self, resource_id: str, cluster: _Cluster, *, immediate: bool = False) -> None:
        with cluster.lock:
            self._endpoints.close(resource_id)
            cluster.server.stop(immediate=immediate)

    def endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return the address and port of the cluster's server, whether or not it runs."""
        return self._endpoints.of_cluster(resource_id)

    def instance_endpoint(self, resource_id: str) -> tuple[str, int]:
        """Return the address and port of its instances, whatever the cluster is called."""
        return self._endpoints.of_instances(resource_id)

    def set_master_password(self, resource_id: str, username: str, password: str) -> None:
        """Change the master user's password, on a running server and on a stopped one."""
        cluster = self._cluster(resource_id)
        with cluster.lock, self._running(cluster):
            rds_roles.set_password(cluster.server, username, password)

    def set_master_authentication(self, resource_id: str, username: str, *, by_iam: bool) -> None:
        """Have the master user log in by IAM alone, or by password."""
        cluster = self._cluster(resource_id)
        with cluster.lock, self._running(cluster):
            rds_roles.set_authentication(cluster.server, username, by_iam=by_iam)

    def run_as_rds(self, resource_id: str, statements: Composable, *, database: str) -> None:
        """Run SQL as rdsadmin: what RDS lets its master user do and PostgreSQL does not."""
        cluster = self._cluster(resource_id)
        with cluster.lock, cluster.server.session(database) as cursor:
            cursor.execute(statements)

    def load_dump(
        self, resource_id: str, dump: Path, *, username: str, password: str, database: str
    ) -> list[str]:
        """Load somebody's plain SQL dump into a database, with the master user's login.

        Returns what has to be told of it, a sentence each: what was left out or put differently.
        """
        cluster = self._cluster(resource_id)
        with cluster.lock:
            where = self._endpoints.backend(resource_id)
            master = Master(*where, username, password, database)
            return load_dump(cluster.server, self._programs, dump, master)

    def destroy(self, resource_id: str) -> None:
        """Stop the cluster's server, if it runs, and remove its data; the log stays."""
        cluster = self._cluster(resource_id)
        with cluster.lock:
            self._end(resource_id, cluster, immediate=True)
            with contextlib.suppress(FileNotFoundError):  # what could not be prepared has none
                shutil.rmtree(cluster.server.folders.data)
        with self._lock:
            del self._clusters[resource_id]
        self._endpoints.forget(resource_id)

    def interrupt(self) -> None:
        """Have all servers end at once, without waiting for that; none is started any more.

        Whoever holds a cluster, for a copy of it or a statement that waits, then lets go of it.
        """
        self._registry.close()
        self._registry.signal(IMMEDIATE_SHUTDOWN)

    def close(self) -> None:
        """Stop all servers and remove all data; the logs stay.

        Afterwards nothing is left to use.
        """
        self.interrupt()
        with self._lock:  # and not longer: whoever holds a cluster may need it to let go of that
            clusters = list(self._clusters.items())
        # On a stack, so that a server that cannot be ended keeps no other from its end.
        with contextlib.ExitStack() as ends:
            ends.callback(self._remove_data)
            ends.callback(self._endpoints.end)
            # Such as a server whose start was interrupted.
            ends.callback(self._registry.end_leftovers)
            ends.callback(self._clusters.clear)
            for resource_id, cluster in clusters:
                ends.callback(self._end, resource_id, cluster, immediate=True)

    def log(self, resource_id: str) -> Path:
        """Return the log file of a cluster's server; it outlives the cluster."""
        return self._folder / "logs" / f"{resource_id}.log"

    @property
    def major(self) -> int:
        """The major version of all servers."""
        return self._programs.major

    @property
    def process_ids(self) -> list[int]:
        """The servers that run now."""
        with self._lock:
            return [
                pid
                for cluster in self._clusters.values()
                if (pid := cluster.server.process_id) is not None
            ]

    def _cluster(self, resource_id: str) -> _Cluster:
        with self._lock:
            if resource_id not in self._clusters:
                raise DataPlaneError(f"There is no cluster {resource_id}.")
            return self._clusters[resource_id]

    def _snapshot(self, key: str) -> Path:
        folder = self._home / "snapshots" / key
        if not folder.is_dir():
            raise DataPlaneError(f"There is no snapshot {key} with data.")
        return folder

    def _new_snapshot(self, key: str) -> Path:
        folder = self._home / "snapshots" / key
        if folder.exists():
            raise DataPlaneError(f"There is a snapshot {key} with data already.")
        return folder

    @contextlib.contextmanager
    def _running(self, cluster: _Cluster) -> Iterator[None]:
        """Run a server that does not run for a moment, where no client reaches it."""
        if cluster.server.process_id is not None:
            yield
            return
        cluster.server.start()
        try:
            yield
        finally:
            cluster.server.stop()

    def _remove_data(self) -> None:
        """Remove clusters, snapshots and the temporary folder.

        The folder's name is checked: a link could point anywhere.
        """
        for name in ("clusters", "snapshots"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
        self.roots.unlink(missing_ok=True)
        link = self._folder / TEMPORARY_NAME
        if link.is_symlink():
            target = link.readlink()
            if target.name.startswith(TEMPORARY_PREFIX):
                shutil.rmtree(target, ignore_errors=True)
            link.unlink()

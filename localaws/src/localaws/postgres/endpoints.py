"""Where clients reach clusters: an address for each name of a cluster, and one for its instances.

Behind them the cluster's server listens at a third one, which nobody is told.
"""

import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from localaws.postgres.addresses import choose_address, private_endpoint, separate_address
from localaws.postgres.authority import Authority
from localaws.postgres.listeners import Listener, Listeners
from localaws.postgres.sessions import Backend


@dataclass
class ClusterEndpoints:
    """The addresses of one cluster. That of the cluster follows its name; the others stay.

    While its server runs, `open` are the listeners, and `context` has its certificate.
    """

    port: int
    address: str
    instance_address: str
    backend: tuple[str, int]
    context: ssl.SSLContext | None = None
    open: dict[str, Listener] = field(default_factory=dict)

    @property
    def taken(self) -> set[tuple[str, int]]:
        """Where something of this cluster listens, or will when it is started."""
        return {(self.address, self.port), (self.instance_address, self.port), self.backend}


class Endpoints:
    """The endpoints of all clusters, by resource id. Safe to use from several threads."""

    def __init__(self) -> None:
        self._authority = Authority()
        self._listeners = Listeners()
        self._clusters: dict[str, ClusterEndpoints] = {}
        self._last: dict[str, tuple[str, int]] = {}  # of clusters that are gone, too
        self._addresses: dict[str, str] = {}  # by the name of the endpoint, likewise
        self._lock = threading.RLock()

    def write_roots(self, file: Path) -> None:
        """Write the certificate authority that clients trust."""
        self._authority.write_root(file)

    def place(self, resource_id: str, name: str, port: int) -> None:
        """Give a new cluster its addresses: the one that its name had before if that is free."""
        with self._lock:
            address = self._address_of(name, port)
            taken = {*self._taken(), (address, port)}
            instances = separate_address(port, taken) or address
            backend = private_endpoint(port, {*taken, (instances, port)})
            self._clusters[resource_id] = ClusterEndpoints(port, address, instances, backend)
            self._last[resource_id] = address, port

    def _address_of(self, name: str, port: int) -> str:
        address = choose_address(port, self._taken(), self._addresses.get(name))
        self._addresses[name] = address
        return address

    def _taken(self) -> set[tuple[str, int]]:
        return {place for cluster in self._clusters.values() for place in cluster.taken}

    def rename(self, resource_id: str, name: str) -> None:
        """Move the cluster's endpoint to the address of its new name.

        Nobody is let in at the old one any more; whoever is in stays. On a machine with a single
        loopback address the endpoint stays where it is.
        """
        with self._lock:
            cluster = self._clusters[resource_id]
            if cluster.address == cluster.instance_address:
                return
            before, address = cluster.address, self._address_of(name, cluster.port)
            if cluster.open:
                self._open(cluster, address)
            cluster.address = address
            self._last[resource_id] = address, cluster.port
            if before in cluster.open.keys() - {address, cluster.instance_address}:
                self._listeners.close(cluster.open.pop(before))

    def open(self, resource_id: str, names: Iterable[str], folder: Path) -> None:
        """Let clients in, with a certificate for these names and the addresses of this moment."""
        with self._lock:
            cluster = self._clusters[resource_id]
            addresses = dict.fromkeys((cluster.address, cluster.instance_address))
            cluster.context = self._authority.context_for([*names, *addresses], folder)
            for address in addresses:
                self._open(cluster, address)

    def _open(self, cluster: ClusterEndpoints, address: str) -> None:
        if address not in cluster.open and cluster.context is not None:
            backend = Backend(*cluster.backend, cluster.context)
            cluster.open[address] = self._listeners.open(address, cluster.port, backend)

    def close(self, resource_id: str) -> None:
        """Let nobody in any more; whoever is in stays as long as the server does."""
        with self._lock:
            cluster = self._clusters[resource_id]
            while cluster.open:
                self._listeners.close(cluster.open.popitem()[1])

    def forget(self, resource_id: str) -> None:
        """Give the addresses back."""
        with self._lock:
            del self._clusters[resource_id]

    def of_cluster(self, resource_id: str) -> tuple[str, int]:
        """Return where a cluster is reached, or was."""
        with self._lock:
            return self._last[resource_id]

    def of_instances(self, resource_id: str) -> tuple[str, int]:
        """Return where the instances of a cluster are reached."""
        with self._lock:
            cluster = self._clusters[resource_id]
            return cluster.instance_address, cluster.port

    def backend(self, resource_id: str) -> tuple[str, int]:
        """Return where the server of a cluster listens."""
        with self._lock:
            return self._clusters[resource_id].backend

    def end(self) -> None:
        """End all sessions."""
        self._listeners.end()

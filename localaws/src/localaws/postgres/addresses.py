"""Where clusters listen: a loopback address each, so that each can have its own port.

Linux answers on all of 127.0.0.0/8. Elsewhere only 127.0.0.1 exists, and two clusters cannot share
a port there.
"""

import secrets
import socket
from itertools import chain
from typing import Final

from localaws.postgres.errors import DataPlaneError

ONLY_LOOPBACK: Final = "127.0.0.1"
ATTEMPTS_MAX: Final = 20


def choose_address(port: int, taken: set[tuple[str, int]], preferred: str | None = None) -> str:
    """Return a loopback address where `port` is free and not among `taken` (address, port).

    DataPlaneError if none.

    The `preferred` one is tried before any other.
    """
    many = (_random_address() for _ in range(ATTEMPTS_MAX))
    candidates = many if _has_many_addresses() else (ONLY_LOOPBACK,)
    for address in chain(filter(None, [preferred]), candidates):
        if (address, port) not in taken and is_free(address, port):
            return address
    raise DataPlaneError(
        f"Port {port} is taken on this machine's loopback address: stop what listens there, or "
        "choose another port for the cluster."
    )


def separate_address(port: int, taken: set[tuple[str, int]]) -> str | None:
    """Return one more loopback address where `port` is free, if there is more than one."""
    return choose_address(port, taken) if _has_many_addresses() else None


def private_endpoint(port: int, taken: set[tuple[str, int]]) -> tuple[str, int]:
    """Return where a server listens that nobody asks for: with its own port if that is possible."""
    if _has_many_addresses():
        return choose_address(port, taken), port
    with socket.create_server((ONLY_LOOPBACK, 0)) as probe:
        return ONLY_LOOPBACK, int(probe.getsockname()[1])


def is_free(address: str, port: int) -> bool:
    """Tell whether a server could listen on an address and port now."""
    with socket.socket() as probe:
        # As PostgreSQL does: a connection in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _has_many_addresses() -> bool:
    return is_free("127.83.0.1", 0)


def _random_address() -> str:
    """Random, so that two worlds on one machine do not meet; 127.0 is left to everybody else."""
    return f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"

"""Servers that are none: they answer a login as only somebody would who wants to be taken for the
cluster.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from chalicelib.database.restored_database import Endpoint

SASL = b"R" + struct.pack("!ii", 23, 10) + b"SCRAM-SHA-256\0\0"
ASKS_FOR_CLEAR_TEXT = b"R" + struct.pack("!ii", 8, 3)
SPEAKS_NO_TLS = b"N"
ASKS_NOTHING = b"R" + struct.pack("!ii", 8, 0)
ASKS_BY_MD5 = b"R" + struct.pack("!ii", 12, 5) + b"salt"


def says(sqlstate: str) -> bytes:
    """Return an ErrorResponse in another language than English."""
    fields = f"SFATAL\0C{sqlstate}\0Mdas Datenbanksystem sagt nein\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


def a_server_that_answers(answer: bytes) -> AbstractContextManager[Endpoint]:
    """Serve connections, each with this one answer to whatever it says first."""

    def talk(channel: socket.socket) -> None:
        channel.recv(1024)
        channel.sendall(answer)

    return _serving(talk)


def a_server_that_turns_away(sqlstate: str, *, after: bool) -> AbstractContextManager[Endpoint]:
    """Serve connections that ask for a password, and say an error `after` it was right, or in place
    of that.
    """

    def talk(channel: socket.socket) -> None:
        channel.recv(1024)
        channel.sendall(ASKS_BY_MD5)
        channel.recv(1024)
        channel.sendall((ASKS_NOTHING if after else b"") + says(sqlstate))

    return _serving(talk)


def a_server_that_knows_no_password() -> AbstractContextManager[Endpoint]:
    """Serve connections with a challenge that anybody can make up, and a proof of nothing."""

    def talk(channel: socket.socket) -> None:
        channel.recv(1024)
        channel.sendall(SASL)
        nonce = channel.recv(1024).rpartition(b"r=")[2]
        channel.sendall(_sasl(11, b"r=" + nonce + b"more,s=c2FsdHNhbHQ=,i=4096"))
        channel.recv(1024)
        channel.sendall(_sasl(12, b"v=bm90aGluZw=="))

    return _serving(talk)


def _sasl(kind: int, text: bytes) -> bytes:
    return b"R" + struct.pack("!ii", len(text) + 8, kind) + text


@contextmanager
def _serving(talk: Callable[[socket.socket], None]) -> Iterator[Endpoint]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                channel, _ = listener.accept()
            except OSError:
                return
            with channel:
                talk(channel)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Endpoint("127.0.0.1", listener.getsockname()[1], 2, tls="off")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)

"""A proxy that sees every statement before the server does, and can cut the connection for good.

For the server, a connection that is cut is what a client killed by SIGKILL leaves: it ends where it
is, and no further message comes. For the client it is a server that has gone.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from chalicelib.database.restored_database import Endpoint
from tests.database.postgres_server import Server

Watch = Callable[[str], bool]
"""Told the text of each statement before the server is.

False cuts the connection instead of sending it.
"""
PIECE_BYTES = 65_536


@contextmanager
def proxy(server: Server, watch: Watch) -> Iterator[Endpoint]:
    """Give an endpoint from which `server` is reached, without TLS, past `watch`."""
    running = _Proxy(server, watch)
    try:
        yield replace(server.endpoint, host="127.0.0.1", port=running.port, tls="off")
    finally:
        running.cut()


class _Proxy:
    def __init__(self, server: Server, watch: Watch) -> None:
        self._to, self._watch = (server.address, server.port), watch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    def cut(self) -> None:
        """End all connections, and take no more."""
        for channel in (self._listener, *self._sockets):
            with suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
            channel.close()

    def _accept(self) -> None:
        with suppress(OSError):  # which ends the listening
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._to)
                self._sockets += [client, server]
                self._start(self._forward_client, client, server)
                self._start(self._forward_server, server, client)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: socket.socket) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _forward_client(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what a client says, message by message (PostgreSQL documentation, "Message
        Formats").
        """
        kind = b""  # the first message has none
        try:
            while True:
                head = _exactly(client, len(kind) + 4)
                body = _exactly(client, struct.unpack("!i", head[-4:])[0] - 4)
                if (
                    head[:1] == b"Q"
                    and kind
                    and not self._watch(body[:-1].decode(errors="replace"))
                ):
                    self.cut()
                server.sendall(head + body)
                kind = b"?"
        except (OSError, EOFError):
            _hang_up(server)

    @staticmethod
    def _forward_server(server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := server.recv(PIECE_BYTES):
                client.sendall(piece)
        _hang_up(client)


def _exactly(channel: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        piece = channel.recv(count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


def _hang_up(channel: socket.socket) -> None:
    with suppress(OSError):
        channel.shutdown(socket.SHUT_RDWR)

"""A wire to a server on which every statement is seen before the server gets it, and which can be
cut for good.

For the server, a wire that is cut is what a client killed by SIGKILL is: its connections end where
they are, and no further word comes. For the client it is a server that has gone.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from chalicelib.database.restored_database import Endpoint
from tests.database.server import Server

Watch = Callable[[str], bool]
"""Told the text of each statement before the server is.

False cuts the wire instead of sending it.
"""
PIECE_BYTES = 65_536


@contextmanager
def wire(server: Server, watch: Watch) -> Iterator[Endpoint]:
    """Give an endpoint from which `server` is reached, without TLS, past `watch`."""
    wired = _Wire(server, watch)
    try:
        yield replace(server.endpoint, host="127.0.0.1", port=wired.port, tls="off")
    finally:
        wired.cut()


class _Wire:
    def __init__(self, server: Server, watch: Watch) -> None:
        self._to, self._watch = (server.address, server.port), watch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)

    def cut(self) -> None:
        """End all connections, and take no more."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):  # which ends the listening
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._to)
                self._sockets += [client, server]
                self._start(self._speak, client, server)
                self._start(self._answer, server, client)

    @staticmethod
    def _start(work: Callable[..., None], *arguments: socket.socket) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _speak(self, client: socket.socket, server: socket.socket) -> None:
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
    def _answer(server: socket.socket, client: socket.socket) -> None:
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

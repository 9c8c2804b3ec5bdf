"""One session of a client with a cluster: it begins with or without TLS, and is then passed on.

The embedded PostgreSQL is built without OpenSSL, and no PostgreSQL can move to another address
while it runs. So endpoints are listeners of localaws' own, which speak TLS for the server.
"""

import asyncio
import ssl
import struct
from collections.abc import MutableSet
from dataclasses import dataclass
from typing import Final, cast

# PostgreSQL's manual, "Message Formats": a length, and a number in place of a protocol's version.
SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
GSS_REQUEST: Final = struct.pack("!ii", 8, 80877104)
YES, NO = b"S", b"N"


@dataclass(frozen=True)
class Backend:
    """Where a cluster's server listens, and the certificate that its clients are shown."""

    address: str
    port: int
    context: ssl.SSLContext


class Relay(asyncio.Protocol):
    """One end of a session: what it receives goes out at the other end, no faster than there."""

    transport: asyncio.Transport
    other: "Relay"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to this end."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what was received."""
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        """Receive nothing at the other end while this one cannot keep up."""
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session at the other end, too, when all is written there."""
        del exc
        self.other.transport.close()


class Greeting(asyncio.Protocol):
    """A client before its session: asks for TLS, for GSS, which there is not, or for neither."""

    _transport: asyncio.Transport

    def __init__(self, backend: Backend, clients: MutableSet[asyncio.Transport]) -> None:
        self._backend, self._clients = backend, clients
        self._received = b""
        self._beginning: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the client."""
        self._transport = cast("asyncio.Transport", transport)
        self._clients.add(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer what the client asks for first."""
        self._received += data
        if self._received == GSS_REQUEST:
            self._received = b""
            self._transport.write(NO)
        elif len(self._received) >= len(SSL_REQUEST):
            self._transport.pause_reading()
            self._beginning = asyncio.get_running_loop().create_task(self._begin())

    async def _begin(self) -> None:
        """Connect client and server; a server that is gone ends it."""
        client, server = Relay(), Relay()
        client.transport, client.other, server.other = self._transport, server, client
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: server, self._backend.address, self._backend.port)
        except OSError:
            self._transport.close()
            return
        if self._transport.is_closing():
            server.transport.close()
        elif self._received == SSL_REQUEST:
            server.transport.pause_reading()  # until there is a way to the client
            await self._encrypt(client)
        else:
            server.transport.write(self._received)
            self._transport.set_protocol(client)
            self._transport.resume_reading()

    async def _encrypt(self, client: Relay) -> None:
        """Show the certificate; a client that does not trust it goes away."""
        self._transport.write(YES)
        loop, context = asyncio.get_running_loop(), self._backend.context
        try:
            secured = await loop.start_tls(self._transport, client, context, server_side=True)
        except OSError:
            client.other.transport.close()
            return
        client.transport = cast("asyncio.Transport", secured)
        client.other.transport.resume_reading()

"""TLS in front of a PostgreSQL that speaks none: a local authority, and a terminator that answers
SSLRequest.
"""

import datetime as dt
import ipaddress
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A certificate authority that exists in one test."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls) -> "Authority":
        """Make one with a key and a root certificate of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        root = _builder(_name("Local Root"), key, issuer=_name("Local Root"))
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return cls(key, root.sign(key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        """The root certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write_root(self, path: Path) -> Path:
        """Write what a client must trust."""
        path.write_bytes(self.pem)
        return path

    def write_server(self, path: Path, name: str | ipaddress.IPv4Address) -> Path:
        """Write key and certificate of a server called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        other = x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name)
        builder = _builder(_name("server"), key, issuer=self.certificate.subject)
        builder = builder.add_extension(x509.SubjectAlternativeName([other]), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return path


def rds_root(
    region: str, *, signed_by: Authority | None = None, until: dt.datetime | None = None
) -> bytes:
    """Make what AWS would publish for a region, as text.

    Another authority's signature makes it an intermediate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Amazon Web Services, Inc."),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Amazon RDS"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Amazon RDS {region} Root CA ECC384 G1"),
        ]
    )
    issuer = signed_by.certificate.subject if signed_by else name
    builder = _builder(name, key, issuer=issuer, until=until)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    root = builder.sign(signed_by.key if signed_by else key, hashes.SHA256())
    return root.public_bytes(serialization.Encoding.PEM)


@contextmanager
def terminator(server_pem: Path, behind: tuple[str, int]) -> Iterator[int]:
    """Listen on a loopback port with TLS and forward to the address `behind`.

    Yields the port to connect to.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_pem)
    listener = socket.create_server(("127.0.0.1", 0))
    accepting = threading.Thread(target=_accept, args=(listener, context, behind))
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def _accept(listener: socket.socket, context: ssl.SSLContext, behind: tuple[str, int]) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context, behind), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, behind: tuple[str, int]) -> None:
    """Forward one connection until either side is done.

    A client that does not trust us is none of our business.
    """
    with suppress(OSError), plain:
        plain.settimeout(10)
        if plain.recv(8) != SSL_REQUEST:
            return
        plain.sendall(b"S")
        with (
            context.wrap_socket(plain, server_side=True) as secured,
            socket.create_connection(behind, 10) as server,
        ):
            _relay(secured, server)


def _relay(secured: ssl.SSLSocket, server: socket.socket) -> None:
    """Forward both ways in one thread: OpenSSL lets no second one read while the first writes."""
    other = {secured: server, server: secured}
    while True:
        ready = [secured] if secured.pending() else select.select([secured, server], [], [])[0]
        for end in ready:
            received = end.recv(65_536)
            if not received:
                return
            other[end].sendall(received)


def _builder(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Name,
    until: dt.datetime | None = None,
) -> x509.CertificateBuilder:
    until = until or dt.datetime.now(dt.UTC) + DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 2 * DAY)
        .not_valid_after(until)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

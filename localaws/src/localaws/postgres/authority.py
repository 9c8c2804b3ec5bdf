"""A certificate authority of localaws' own, and certificates for its servers.

Its key is never written down: it dies with the data plane that made it.
"""

import datetime as dt
import ipaddress
import secrets
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID: Final = dt.timedelta(days=3650)
SLACK: Final = dt.timedelta(days=1)  # for a client whose clock is behind
_PRIVATE: Final = 0o600


class Authority:
    """A root certificate and its key, of a curve that costs next to nothing."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        # A name of its own: two of one name would be taken for each other, and fail oddly.
        self._name = _common_name(f"localaws Root CA {secrets.token_hex(4)}")
        root = _certificate(self._name, self._name, self._key.public_key())
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self._root = root.add_extension(basic, critical=True).sign(self._key, hashes.SHA256())

    def write_root(self, file: Path) -> None:
        """Write the certificate that clients trust, for `sslrootcert`."""
        file.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))

    def context_for(self, names: Iterable[str], folder: Path) -> ssl.SSLContext:
        """Give what a server needs that is known by these names and addresses.

        OpenSSL reads key and certificate from a file, which is there for a moment.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        server = _common_name("localaws")
        known_as = x509.SubjectAlternativeName([_alternative(name) for name in names])
        builder = _certificate(server, self._name, key.public_key())
        signed = builder.add_extension(known_as, critical=False).sign(self._key, hashes.SHA256())
        file = folder / f"{signed.serial_number:x}.pem"
        file.touch(mode=_PRIVATE)
        try:
            file.write_bytes(_private(key) + signed.public_bytes(serialization.Encoding.PEM))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file)
        finally:
            file.unlink()
        return context


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + VALID)
    )

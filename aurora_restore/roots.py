"""The root certificates of RDS that the app trusts, brought up to date after judging every one.

AWS publishes them for all regions of a partition in one file (Aurora user guide, "Certificate
bundles by AWS Region").
"""

import urllib.request
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chalicelib.database.root_certificates import region_of

URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
LOOPBACK = ("127.0.0.1", "localhost")
TIMEOUT_SECONDS = 30
BYTES_MAX = 2_000_000  # ten times what the file was in 2025


class RootsError(Exception):
    """What was fetched is not kept; the text says why."""


def fetch(url: str) -> bytes:
    """Fetch a file of certificates by HTTPS; raises RootsError and OSError."""
    address = urlsplit(url)
    is_local = address.scheme == "http" and address.hostname in LOOPBACK  # the tests'
    if address.scheme != "https" and not is_local:
        raise RootsError(
            f"{url} is no https address, so nothing proves that it is Amazon's. Use {URL}"
        )
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 # judged above
        return bytes(answer.read(BYTES_MAX))


def roots_in(pem: bytes, now: datetime) -> list[x509.Certificate]:
    """Give the valid roots of RDS among certificates, without expired ones and intermediates.

    Raises RootsError where there is no root, or a certificate that is not Amazon's.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise RootsError(f"What was fetched holds no certificates: {error}.") from error
    others = [certificate for certificate in found if not _is_of_rds(certificate)]
    if others:
        subjects = "; ".join(certificate.subject.rfc4514_string() for certificate in others)
        raise RootsError(f"Some certificates are not of Amazon RDS: {subjects}.")
    valid = [certificate for certificate in found if certificate.not_valid_after_utc > now]
    roots = [certificate for certificate in valid if _is_root(certificate)]
    if not roots:
        raise RootsError(f"None of the {len(found)} certificates is a root that is still valid.")
    return roots


def _is_of_rds(certificate: x509.Certificate) -> bool:
    wanted = {
        NameOID.ORGANIZATION_NAME: "Amazon Web Services, Inc.",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "Amazon RDS",
    }
    named = {part.oid: part.value for part in certificate.subject}
    return all(named.get(oid) == value for oid, value in wanted.items())


def _is_root(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate is an authority's and signed by itself."""
    try:
        certificate.verify_directly_issued_by(certificate)
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (InvalidSignature, TypeError, ValueError, x509.ExtensionNotFound):
        return False  # signed by another key, or for another name


def refresh(url: str, bundle: Path, now: datetime) -> str:
    """Replace a bundle's roots by those of a published file, and say which regions are covered.

    A region that the file does not name keeps its roots, since each partition of AWS has a file of
    its own. Raises RootsError and OSError.
    """
    fetched = roots_in(fetch(url), now)
    before = x509.load_pem_x509_certificates(bundle.read_bytes())
    known, published = _regions(before), _regions(fetched)
    kept = [root for root in before if not _regions([root]) <= published]
    fresh = bundle.with_name(f"{bundle.name}.new")
    fresh.write_bytes(b"".join(root.public_bytes(Encoding.PEM) for root in (*kept, *fetched)))
    fresh.replace(bundle)
    count, added = len(known | published), ", ".join(sorted(published - known)) or "none"
    return f"{bundle.name} has the roots of {count} regions now. New regions: {added}."


def _regions(roots: list[x509.Certificate]) -> set[str]:
    names = [
        str(root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for root in roots
    ]
    return {region for name in names if (region := region_of(name))}

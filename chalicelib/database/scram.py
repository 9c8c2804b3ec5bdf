"""SCRAM-SHA-256 (RFC 5802, RFC 7677): what PostgreSQL stores, and the proof that a client shows.

PostgreSQL accepts a ready-made verifier where a password is expected. Sending only that keeps
passwords out of every server log: even a failed `CREATE ROLE … PASSWORD 'x'` is logged in clear
under the default settings.
"""

import base64
import hashlib
import hmac
import os
from typing import NamedTuple

ITERATIONS = 4096  # PostgreSQL's own default (scram_iterations)
SALT_BYTES = 16  # as PostgreSQL's own verifiers


class Proof(NamedTuple):
    """A client's answer to a challenge, and the server's that proves that it knows the verifier."""

    message: str
    server_signature: str


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Return what PostgreSQL keeps: scheme, iterations, salt, StoredKey and ServerKey."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    salted = _salted(password, salt, iterations)
    stored, server = (
        hashlib.sha256(_keyed(salted, "Client Key")).digest(),
        _keyed(salted, "Server Key"),
    )
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def proof(password: str, *, client_first: str, server_first: str) -> Proof:
    """Answer the server's challenge `server_first` (r=nonce, s=salt, i=iterations).

    ValueError if it is not one.
    """
    challenge = dict(part.split("=", 1) for part in server_first.split(",") if "=" in part)
    if not {"r", "s", "i"} <= challenge.keys() or not challenge["r"].startswith(
        client_first.rpartition("r=")[2]
    ):
        raise ValueError("The server's SCRAM challenge does not answer the client's first message.")
    salted = _salted(password, base64.b64decode(challenge["s"]), int(challenge["i"]))
    without_proof = f"c=biws,r={challenge['r']}"  # biws is the base64 of "n,,": no channel binding
    conversation = f"{client_first},{server_first},{without_proof}"
    client_key = _keyed(salted, "Client Key")
    signature = _keyed(hashlib.sha256(client_key).digest(), conversation)
    shown = bytes(key ^ mask for key, mask in zip(client_key, signature, strict=True))
    expected = _keyed(_keyed(salted, "Server Key"), conversation)
    return Proof(f"{without_proof},p={_text(shown)}", _text(expected))


def is_plain(password: str) -> bool:
    """Tell whether a password is printable ASCII, which SASLprep (RFC 4013) leaves as it is.

    Others are refused rather than prepared: many drivers skip SASLprep, so they work in one and not
    in the next.
    """
    return bool(password) and password.isascii() and password.isprintable()


def _salted(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _keyed(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()

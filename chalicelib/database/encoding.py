"""What a server says, byte for byte: names of roles and databases have no known encoding.

All databases share them, and each stands in the bytes of the database where it was written.
A session whose client_encoding is SQL_ASCII converts nothing (PostgreSQL documentation, "Character
Set Support"), so there a name is the same bytes in every database, as it is at login.

Bytes that are UTF-8 are read as UTF-8. Each other byte becomes a character of Unicode's last
private use area, so that a name that was read can be said again, and can be stored and shown. A
name that really has one of those characters is not found when it is said; no statement then means
another role than the one that the catalog has.
"""

import codecs
from typing import Any

import psycopg2.extensions

CLIENT_ENCODING = "SQL_ASCII"
CODEC = "postgresql_bytes"
# The characters to which a byte is added, by Python's surrogateescape and by us.
SURROGATE, PRIVATE = 0xDC00, 0x10FF00

_TO_PRIVATE = {SURROGATE + byte: PRIVATE + byte for byte in range(0x80, 0x100)}
_TO_SURROGATE = {private: surrogate for surrogate, private in _TO_PRIVATE.items()}


def decode(raw: bytes) -> str:
    """Read bytes of a server."""
    return raw.decode("utf-8", "surrogateescape").translate(_TO_PRIVATE)


def encode(text: str) -> bytes:
    """Write what `decode` has read, or any other text as UTF-8."""
    return text.translate(_TO_SURROGATE).encode("utf-8", "surrogateescape")


def _codec(name: str) -> codecs.CodecInfo | None:
    def written(text: str, _errors: str = "strict") -> tuple[bytes, int]:
        return encode(text), len(text)

    def read(raw: Any, _errors: str = "strict") -> tuple[str, int]:
        return decode(bytes(raw)), len(raw)

    return codecs.CodecInfo(written, read, name=CODEC) if name == CODEC else None


codecs.register(_codec)
# The table by which psycopg2 knows what Python calls an encoding of PostgreSQL's.
psycopg2.extensions.encodings.update({"SQL_ASCII": CODEC, "SQLASCII": CODEC})

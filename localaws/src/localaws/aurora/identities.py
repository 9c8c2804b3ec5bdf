"""Identifiers that look like AWS's and are the same in every run with the same seed."""

import base64
import hashlib
import uuid


class Identities:
    """A supply of identifiers: a counter and a hash, so that a test can be repeated exactly."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._number = 0

    def _digest(self) -> bytes:
        self._number += 1
        return hashlib.sha256(f"{self._seed}:{self._number}".encode()).digest()

    def resource_id(self, prefix: str) -> str:
        """Return a resource id such as `cluster-` with 26 capitals and digits.

        No two are ever equal.
        """
        return f"{prefix}-{base64.b32encode(self._digest()).decode()[:26]}"

    def unique_id(self) -> str:
        """Return a UUID, as events and requests carry them."""
        return str(uuid.UUID(bytes=self._digest()[:16], version=4))


def endpoint_hash(account: str, region: str) -> str:
    """Return the part of endpoint names that stands for an account in a region."""
    return "c" + hashlib.sha256(f"{account}:{region}".encode()).hexdigest()[:11]

"""Where a restored cluster listens, and who logs in there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

BUNDLED_ROOTS = Path(__file__).parent.parent / "rds-ca-bundle.pem"
"""Amazon's roots for RDS; `rds-ca-bundle.README` beside it tells how to refresh them."""


@dataclass(frozen=True)
class Login:
    """A user name and its password; the password's `repr` hides it."""

    username: str
    password: SecretStr

    @property
    def secret(self) -> str:
        """The password in clear, for the one line that uses it."""
        return self.password.get_secret_value()


@dataclass(frozen=True)
class Endpoint:
    """One cluster's endpoint, how long to wait there, and whether TLS must prove its identity.

    `tls="verify-full"` accepts only a certificate for `host` that leads to one of `roots`;
    `"verify-ca"` accepts any name in it, for a cluster whose name has changed; `"off"` is for a
    server that speaks no TLS, on this machine.
    """

    host: str
    port: int
    connect_timeout_seconds: int = 10
    statement_timeout_seconds: int = 120
    lock_timeout_seconds: int = 10
    tls: Literal["verify-full", "verify-ca", "off"] = "verify-full"
    roots: Path = BUNDLED_ROOTS

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

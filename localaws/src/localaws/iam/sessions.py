"""Temporary credentials of functions, made here for each worker."""

import base64
import secrets
from dataclasses import dataclass
from typing import Final

TEMPORARY: Final = "ASIA"
"""How the access keys of temporary credentials begin (IAM user guide, unique identifiers)."""

_KEY_BYTES: Final = 10  # sixteen characters of base 32, after the beginning
_SECRET_BYTES: Final = 30
_TOKEN_BYTES: Final = 150


@dataclass(frozen=True)
class Session:
    """A role (ARN) as a worker of a function (ARN) has assumed it. `repr` hides what is secret."""

    access_key: str
    secret_key: str
    token: str
    role: str
    function: str

    def __repr__(self) -> str:
        return f"Session({self.access_key}, {self.role})"

    @classmethod
    def of(cls, role: str, function: str) -> "Session":
        """Make credentials that nobody else has."""
        key = TEMPORARY + base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()
        return cls(
            key,
            secrets.token_urlsafe(_SECRET_BYTES),
            secrets.token_urlsafe(_TOKEN_BYTES),
            role,
            function,
        )

    @property
    def name(self) -> str:
        """The session's name, which is the function's (Lambda developer guide)."""
        return self.function.split(":")[6]

    @property
    def principal(self) -> str:
        """Who this is, as AWS's messages say it."""
        account, role = self.role.split(":")[4], self.role.rsplit("/", 1)[-1]
        return f"arn:aws:sts::{account}:assumed-role/{role}/{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables in which Lambda hands credentials to a function."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }

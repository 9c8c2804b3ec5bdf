"""Production's passwords: new in each world, kept in Secrets Manager, and printed nowhere."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Final

from localaws.clients import EndpointClients
from localaws.sample import names

RANDOM_BYTES: Final = 18  # 24 characters of URL-safe base64, which RDS allows in a master password
LOGINS: Final = ("shop_app", "reporting", "etl")


def random_password() -> str:
    """Make a password that nobody has had before."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def _logins() -> dict[str, str]:
    return {name: random_password() for name in LOGINS}


@dataclass(frozen=True, repr=False)
class ProductionPasswords:
    """The passwords of production's master user and of its login roles."""

    master: str = field(default_factory=random_password)
    logins: dict[str, str] = field(default_factory=_logins)

    def keep(self, clients: EndpointClients) -> None:
        """Put them into production's own secret, where its users look them up."""
        master = {"username": names.MASTER, "password": self.master}
        content = json.dumps({"master": master, "logins": self.logins})
        secretsmanager = clients("secretsmanager", names.REGION)
        secretsmanager.create_secret(Name=names.SECRET, SecretString=content)

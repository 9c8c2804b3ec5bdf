"""Everybody's passwords: new in each world, kept in Secrets Manager, and printed nowhere."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from localaws import names
from localaws.clients import Clients

RANDOM_BYTES: Final = 18  # 24 characters of URL-safe base64, which RDS allows in a master password
APPLICATION: Final = "app_user"
READ_ONLY: Final = "readonly_user"
PRODUCTION_LOGINS: Final = ("shop_app", "reporting", "etl")


def _random() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)


@dataclass(frozen=True, repr=False)
class Passwords:
    """Production's master and login roles, and what staging has instead of them."""

    production_master: str = field(default_factory=_random)
    production_logins: dict[str, str] = field(
        default_factory=lambda: {name: _random() for name in PRODUCTION_LOGINS}
    )
    staging_master: str = field(default_factory=_random)
    application: str = field(default_factory=_random)
    read_only: str = field(default_factory=_random)


def keep_passwords(clients: Clients, passwords: Passwords) -> None:
    """Put the passwords where their users look them up: the stage's two secrets, which stand, and production's own."""
    _fill(
        clients,
        names.MASTER_SECRET,
        {
            "database": names.DATABASE,
            "username": names.MASTER,
            "password": passwords.staging_master,
        },
    )
    _fill(
        clients,
        names.APP_SECRET,
        {
            "app_username": APPLICATION,
            "app_password": passwords.application,
            "readonly_username": READ_ONLY,
            "readonly_password": passwords.read_only,
        },
    )
    production = {"username": names.MASTER, "password": passwords.production_master}
    everybody = {"master": production, "logins": passwords.production_logins}
    clients("secretsmanager", names.SOURCE_REGION).create_secret(
        Name=names.PRODUCTION_SECRET, SecretString=json.dumps(everybody)
    )


def _fill(clients: Clients, name: str, content: dict[str, Any]) -> None:
    clients("secretsmanager", names.TARGET_REGION).put_secret_value(
        SecretId=name, SecretString=json.dumps(content)
    )

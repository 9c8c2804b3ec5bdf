"""What the stage's two secrets hold."""

import json
from dataclasses import dataclass, field
from typing import Final

from localaws.clients import EndpointClients
from localaws.sample.names import DATABASE, MASTER
from localaws.sample.passwords import random_password

from demo.aws import APP_SECRET, MASTER_SECRET, TARGET_REGION

APPLICATION: Final = "app_user"
READ_ONLY: Final = "readonly_user"


@dataclass(frozen=True, repr=False)
class StagingPasswords:
    """The passwords of staging's master user and of the two users that its applications have."""

    master: str = field(default_factory=random_password)
    application: str = field(default_factory=random_password)
    read_only: str = field(default_factory=random_password)

    def keep(self, clients: EndpointClients) -> None:
        """Put them into the stage's secrets, which its deployment has made."""
        secrets = {
            MASTER_SECRET: {"database": DATABASE, "username": MASTER, "password": self.master},
            APP_SECRET: {
                "app_username": APPLICATION,
                "app_password": self.application,
                "readonly_username": READ_ONLY,
                "readonly_password": self.read_only,
            },
        }
        secretsmanager = clients("secretsmanager", TARGET_REGION)
        for name, content in secrets.items():
            secretsmanager.put_secret_value(SecretId=name, SecretString=json.dumps(content))

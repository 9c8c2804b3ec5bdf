"""Secrets Manager's API: moto's, with every form of a secret's name in every call."""

from typing import Final

from moto.secretsmanager.exceptions import SecretNotFoundException
from moto.secretsmanager.models import FakeSecret
from moto.secretsmanager.responses import SecretsManagerResponse

CURRENT: Final = "AWSCURRENT"


class Secrets(SecretsManagerResponse):
    """The API of Secrets Manager."""

    def list_secret_version_ids(self) -> str:
        """List the versions of a secret that is there."""
        if self._get_param("SecretId") not in self.backend.secrets:
            raise SecretNotFoundException
        answer: str = super().list_secret_version_ids()
        return answer

    def update_secret_version_stage(self) -> str:
        """Move a label, and read that version by default if the label is the current one's.

        In moto GetSecretValue goes on with the version that was the current one before.
        """
        answer: str = super().update_secret_version_stage()
        secret = self.backend.secrets[self._get_param("SecretId")]
        for version_id, version in secret.versions.items():
            if isinstance(secret, FakeSecret) and CURRENT in version["version_stages"]:
                secret.set_default_version_id(version_id)
        return answer

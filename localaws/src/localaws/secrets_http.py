"""Secrets Manager's API: moto's, with every form of a secret's name in every call."""

from moto.secretsmanager.exceptions import SecretNotFoundException
from moto.secretsmanager.responses import SecretsManagerResponse


class Secrets(SecretsManagerResponse):
    """The API of Secrets Manager."""

    def list_secret_version_ids(self) -> str:
        """List the versions of a secret that is there."""
        if self._get_param("SecretId") not in self.backend.secrets:
            raise SecretNotFoundException
        answer: str = super().list_secret_version_ids()
        return answer

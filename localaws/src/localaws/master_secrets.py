"""The secrets of managed master passwords, in localaws' Secrets Manager."""

from moto.secretsmanager.exceptions import SecretNotFoundException
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends


class MasterSecrets:
    """See `localaws.aurora.master_secrets.SecretStore`."""

    def create(
        self, account: str, region: str, *, name: str, value: str, key_arn: str | None
    ) -> str:
        """Keep a new secret and return its ARN."""
        backend = secretsmanager_backends[account][region]
        backend.create_secret(
            name=name,
            secret_string=value,
            secret_binary=None,
            description="The master password of a DB cluster, managed by RDS",
            tags=[{"Key": "aws:secretsmanager:owningService", "Value": "rds"}],
            kms_key_id=key_arn,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return str(backend.secrets[name].arn)

    def change(self, arn: str, value: str) -> None:
        """Give a secret another value."""
        _backend(arn).put_secret_value(arn, value, "", "", ["AWSCURRENT"])

    def delete(self, arn: str) -> None:
        """Delete a secret at once; one that somebody has deleted is deleted."""
        try:
            _backend(arn).delete_secret(arn, None, True)  # moto's signature
        except SecretNotFoundException:
            return


def _backend(arn: str) -> SecretsManagerBackend:
    _, _, _, region, account, _ = arn.split(":", 5)
    return secretsmanager_backends[account][region]

"""Master passwords that RDS manages: made by it, kept in a secret, and deleted with the cluster."""

import json
import secrets
import string
from typing import Protocol

from localaws.aurora.errors import invalid_combination, not_modelled
from localaws.aurora.names import master_password
from localaws.aurora.records import Cluster, MasterSecret
from localaws.aurora.state import AuroraState, Request

_LENGTH = 28
_ALPHABET = string.ascii_letters + string.digits


class SecretStore(Protocol):
    """Where secrets are kept: AWS Secrets Manager, for an account's region."""

    def create(
        self, account: str, region: str, *, name: str, value: str, key_arn: str | None
    ) -> str:
        """Keep a new secret and return its ARN."""
        ...  # pragma: no cover

    def change(self, arn: str, value: str) -> None:
        """Give a secret another value."""

    def delete(self, arn: str) -> None:
        """Delete a secret at once; one that somebody has deleted is deleted."""


class NoSecrets:
    """A world without a Secrets Manager: nothing is kept there, and whoever asks is told so."""

    def create(
        self, account: str, region: str, *, name: str, value: str, key_arn: str | None
    ) -> str:
        """Refuse."""
        del account, region, name, value, key_arn
        raise not_modelled("ManageMasterUserPassword in a world without a Secrets Manager")

    def change(self, arn: str, value: str) -> None:
        """There is nothing to change."""

    def delete(self, arn: str) -> None:
        """There is nothing to delete."""


def password_of_new(request: Request) -> str:
    """Return the master password of a new cluster: the caller's, or one that RDS makes."""
    if not request.get("ManageMasterUserPassword", False):
        _refuse_key(request)
        return master_password(request)
    if "MasterUserPassword" in request:
        raise _two_passwords()
    return _new_password()


def password_of_change(request: Request, cluster: Cluster) -> str | None:
    """Return the new master password that a ModifyDBCluster asks for.

    None when it asks for none.
    """
    manage, managed = request.get("ManageMasterUserPassword"), cluster.master_secret is not None
    if not manage:
        _refuse_key(request)
    if request.get("RotateMasterUserPassword", False):
        if not managed or not request.get("ApplyImmediately", False):
            raise invalid_combination(
                "RotateMasterUserPassword needs a managed password, and ApplyImmediately."
            )
        return _new_password()
    if "MasterUserPassword" in request:
        if manage or (managed and manage is None):
            raise _two_passwords()
        return master_password(request)
    if managed and manage is False:
        raise invalid_combination("MasterUserPassword is needed when RDS manages it no longer.")
    return _new_password() if manage and not managed else None


def keep(request: Request, cluster: Cluster, password: str) -> None:
    """Make the secret of a cluster whose password RDS manages from now on."""
    region, key_arn = request.region, None
    if "MasterUserSecretKmsKeyId" in request:
        key_arn = request.state.usable_key(region, request["MasterUserSecretKmsKeyId"]).arn
    arn = request.state.secrets.create(
        region.account,
        region.name,
        name=f"rds!{cluster.resource_id.lower()}",
        value=_value(cluster, password),
        key_arn=key_arn,
    )
    cluster.master_secret = MasterSecret(arn, key_arn)


def change(state: AuroraState, cluster: Cluster, password: str) -> None:
    """Put a password that is in force into the cluster's secret, if it has one."""
    if cluster.master_secret is not None:
        state.secrets.change(cluster.master_secret.arn, _value(cluster, password))


def forget(state: AuroraState, cluster: Cluster) -> None:
    """Delete the cluster's secret, if it has one."""
    if cluster.master_secret is not None:
        state.secrets.delete(cluster.master_secret.arn)
        cluster.master_secret = None


def _value(cluster: Cluster, password: str) -> str:
    return json.dumps({"username": cluster.master_username, "password": password})


def _new_password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _refuse_key(request: Request) -> None:
    if "MasterUserSecretKmsKeyId" in request:
        raise invalid_combination("MasterUserSecretKmsKeyId needs ManageMasterUserPassword.")


def _two_passwords() -> Exception:
    return invalid_combination(
        "MasterUserPassword cannot be given while ManageMasterUserPassword is in force."
    )

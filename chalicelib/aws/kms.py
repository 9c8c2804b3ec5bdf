"""KMS keys, resolved once to their ARNs: an alias may point to another key at any time."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chalicelib.aws.client import NotFoundError, Service
from chalicelib.flow.errors import RefusedError

_OTHER_KEY = "Enable it, or set KMS_KEY_ID to another key of the target's region."
_USABLE = ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")  # RDS takes no others (user guide, encrypting)


def observe_key(kms: Service, key_id: str) -> Mapping[str, Any] | None:
    """Describe a key by its id, ARN or alias (`KeyMetadata`); None where there is none."""
    with suppress(NotFoundError):
        found: Mapping[str, Any] = kms.call("describe_key", KeyId=key_id)["KeyMetadata"]
        return found
    return None


def key_arn(kms: Service, key_id: str) -> str:
    """Give the ARN of a key by its id, ARN or alias, whatever state it is in.

    Raises RefusedError.
    """
    return str(_described(kms, key_id)["Arn"])


def usable_key_arn(kms: Service, key_id: str, *, remedy: str = _OTHER_KEY) -> str:
    """Give the ARN of a key.

    Raises RefusedError for one that is missing, disabled or cannot encrypt.
    """
    key = _described(kms, key_id)
    if key.get("KeyState", "Enabled") != "Enabled":
        raise RefusedError(
            f"The key {key['Arn']} is {key['KeyState']}, so nothing can be encrypted with it.",
            remedy,
        )
    if key["Arn"].split(":")[3] != kms.region:
        raise RefusedError(
            f"The key {key['Arn']} is not in {kms.region}.",
            f"Set KMS_KEY_ID to a key of {kms.region}.",
        )
    kind = (key.get("KeyUsage", _USABLE[0]), key.get("KeySpec", _USABLE[1]))
    if kind != _USABLE:
        raise RefusedError(
            f"The key {key['Arn']} is {' '.join(kind)}.",
            "Set KMS_KEY_ID to a symmetric key for encryption.",
        )
    return str(key["Arn"])


def _described(kms: Service, key_id: str) -> Mapping[str, Any]:
    if found := observe_key(kms, key_id):
        return found
    raise RefusedError(
        f"There is no key {key_id} in {kms.region}.",
        "Create it, or correct KMS_KEY_ID, which names it.",
    )

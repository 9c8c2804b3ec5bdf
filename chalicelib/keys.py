"""KMS keys: an alias may be moved at any time, so a key is resolved once and known by its ARN from then on."""

from chalicelib.aws import Service
from chalicelib.errors import RefusedError


def key_arn(kms: Service, key_id: str) -> str:
    """Give the ARN of a key by its id, ARN or alias, whatever state it is in; raises what `Service.call` does."""
    return str(kms.call("describe_key", KeyId=key_id)["KeyMetadata"]["Arn"])


_OTHER_KEY = "Enable it, or set KMS_KEY_ID to another key of the target's region."


def usable_key_arn(kms: Service, key_id: str, *, remedy: str = _OTHER_KEY) -> str:
    """Give the ARN of a key; raises RefusedError for one that is missing or disabled."""
    key = kms.call("describe_key", KeyId=key_id)["KeyMetadata"]
    if key.get("KeyState", "Enabled") != "Enabled":
        raise RefusedError(
            f"The key {key['Arn']} is {key['KeyState']}, so nothing can be encrypted with it.",
            remedy,
        )
    return str(key["Arn"])

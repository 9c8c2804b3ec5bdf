"""KMS: moto's, with every form of a key's name, and unusable keys refused."""

from typing import Any, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.kms.models import Key
from moto.kms.responses import KmsResponse
from moto.kms.utils import HEADER_LEN

from localaws.refusals import json_error

KEY_FIELDS: Final = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")
USING: Final = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "ReEncrypt",
        "Sign",
    }
) | {"Verify", "VerifyMac"}
"""The calls that use a key, which must be enabled (KMS developer guide, key states)."""

_BY_ALIAS: Final = USING | {"DescribeKey", "GetPublicKey"}
_WHILE_PENDING: Final = frozenset(
    {
        "CancelKeyDeletion",
        "DeleteAlias",
        "DescribeKey",
        "GetKeyPolicy",
        "ListAliases",
        "ListGrants",
        "ListKeyPolicies",
    }
) | {"ListResourceTags", "PutKeyPolicy", "RetireGrant", "RevokeGrant"}
_PENDING: Final = "PendingDeletion"
_ID_BYTES: Final = 36


class Kms(KmsResponse):
    """The API of KMS."""

    def call_action(self) -> TYPE_RESPONSE:
        """Look at the keys of a call before it is made."""
        try:
            for name in KEY_FIELDS:
                if given := super()._get_param(name):
                    self._check(self._key(str(given)))
            self._check_ciphertext()
        except JsonRESTError as error:
            return json_error(self, error)
        answer: TYPE_RESPONSE = super().call_action()
        return answer

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        """Read a parameter; a key by its id, in whatever form it was named."""
        given = super()._get_param(param_name, if_none)
        return self._key(str(given)).id if given and param_name in KEY_FIELDS else given

    def _key(self, reference: str) -> Key:
        """Find a key of this account and region by id, ARN, alias, or the ARN of an alias."""
        name = self._without_arn(reference)
        if name.startswith("alias/"):
            # Calls that manage a key take no alias (KMS API reference, KeyId of each call).
            if self._get_action() not in _BY_ALIAS:
                raise JsonRESTError("NotFoundException", f"Invalid keyId '{reference}'")
            name = self.kms_backend.get_key_id_from_alias(name) or ""
        key = self.kms_backend.keys.get(name)
        if key is None:
            what = "Alias" if "alias/" in reference else "Key"
            raise JsonRESTError("NotFoundException", f"{what} {reference} is not found.")
        return key

    def _without_arn(self, reference: str) -> str:
        if not reference.startswith("arn:"):
            return reference
        parts = reference.split(":", 5)
        if parts[:5] != ["arn", "aws", "kms", self.region, self.current_account] or len(parts) != 6:  # noqa: PLR2004  (an ARN has six parts)
            raise JsonRESTError("NotFoundException", f"Invalid arn {reference}")
        return parts[5].removeprefix("key/")

    def _check(self, key: Key) -> None:
        """Refuse a call that the state of its key forbids."""
        call = self._get_action()
        if key.key_state == _PENDING and call not in _WHILE_PENDING:
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key.key_state != _PENDING and call == "CancelKeyDeletion":
            raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
        if call in USING and not key.enabled:
            raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")

    def _check_ciphertext(self) -> None:
        """Look at the key that a ciphertext names by itself."""
        given = super()._get_param("CiphertextBlob")
        if given is None:
            return
        # moto writes the id of the key in front of a ciphertext.
        key = self.kms_backend.keys.get(given[:_ID_BYTES].decode(errors="replace"))
        if key is None or len(given) < HEADER_LEN:
            raise JsonRESTError(
                "InvalidCiphertextException",
                "The ciphertext is none that a key of this region made.",
            )
        self._check(key)

"""KMS knows a key by each of its names, and uses none that is not to be used."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Clients

NOWHERE = "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def key(clients: Clients) -> dict[str, str]:
    """Make a key with an alias; return the forms of its name."""
    kms = clients("kms")
    made = kms.create_key()["KeyMetadata"]
    alias = f"alias/{made['KeyId'][:8]}"
    kms.create_alias(AliasName=alias, TargetKeyId=made["Arn"])
    of_alias = made["Arn"].replace(f"key/{made['KeyId']}", alias)
    return {"id": made["KeyId"], "arn": made["Arn"], "alias": alias, "arn of the alias": of_alias}


def refusal(call: Any, **parameters: Any) -> str:
    """Give the code with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize("form", ["id", "arn"])
def test_a_key_is_disabled_by_its_id_or_its_arn(
    clients: Clients, key: dict[str, str], form: str
) -> None:
    """A key that is disabled by its id or ARN neither encrypts nor decrypts until it is enabled
    again.
    """
    kms = clients("kms")
    secret = kms.encrypt(KeyId=key["alias"], Plaintext=b"s")["CiphertextBlob"]
    kms.disable_key(KeyId=key[form])

    assert "DisabledException" == refusal(kms.encrypt, KeyId=key["arn"], Plaintext=b"s")
    assert "DisabledException" == refusal(kms.decrypt, CiphertextBlob=secret)
    kms.enable_key(KeyId=key[form])
    assert b"s" == kms.decrypt(CiphertextBlob=secret)["Plaintext"]


@pytest.mark.parametrize("form", ["id", "arn", "alias", "arn of the alias"])
def test_a_key_encrypts_by_each_of_its_names(
    clients: Clients, key: dict[str, str], form: str
) -> None:
    """A key encrypts by its id, its ARN and its alias."""
    kms = clients("kms")
    secret = kms.encrypt(KeyId=key[form], Plaintext=b"s")

    assert key["arn"] == secret["KeyId"]
    assert (
        b"s" == kms.decrypt(CiphertextBlob=secret["CiphertextBlob"], KeyId=key[form])["Plaintext"]
    )


def test_a_key_that_is_to_be_deleted_is_not_used(clients: Clients, key: dict[str, str]) -> None:
    """A key that waits for its deletion is neither used nor enabled; its deletion can be cancelled
    once.
    """
    kms = clients("kms")
    kms.schedule_key_deletion(KeyId=key["arn"], PendingWindowInDays=7)

    invalid = "KMSInvalidStateException"
    found = [
        refusal(kms.enable_key, KeyId=key["arn"]),
        refusal(kms.generate_data_key, KeyId=key["alias"], KeySpec="AES_256"),
        refusal(kms.schedule_key_deletion, KeyId=key["id"], PendingWindowInDays=7),
    ]

    assert [invalid] * 3 == found
    kms.cancel_key_deletion(KeyId=key["arn"])
    assert invalid == refusal(kms.cancel_key_deletion, KeyId=key["arn"])


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "arn:",
        "arn:aws:kms",
        NOWHERE,
        NOWHERE.replace("west", "east"),
        "alias/",
        "alias/none",
        "é",
    ],
)
@pytest.mark.parametrize(
    "call", ["disable_key", "describe_key", "list_resource_tags", "get_key_policy"]
)
def test_a_key_that_is_not_there_is_not_found(clients: Clients, call: str, name: str) -> None:
    """A missing key is not found, whatever stands in the place of its name."""
    more = {"PolicyName": "default"} if call == "get_key_policy" else {}

    assert "NotFoundException" == refusal(getattr(clients("kms"), call), KeyId=name, **more)


def test_what_no_key_encrypted_is_not_decrypted(clients: Clients) -> None:
    """A ciphertext that no key here made is refused with its own code."""
    found = refusal(clients("kms").decrypt, CiphertextBlob=b"\xff" * 100)

    assert "InvalidCiphertextException" == found

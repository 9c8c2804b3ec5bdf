"""Versions of a secret and their labels: the current one is moved only from where it is."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.local.conftest import Clients

LABEL = "PREPARED"


@pytest.fixture
def secret(clients: Clients, request: pytest.FixtureRequest) -> tuple[Any, str]:
    """Make a secret with one version."""
    client = clients("secretsmanager")
    client.create_secret(Name=request.node.name, SecretString="first")
    return client, request.node.name


def prepared(client: Any, name: str, value: str) -> str:
    """Make a version that is not the current one; returns its id."""
    made = client.put_secret_value(SecretId=name, SecretString=value, VersionStages=[LABEL])
    return str(made["VersionId"])


def current(client: Any, name: str) -> tuple[str, str]:
    """Read the current version: its id and its value."""
    found = client.get_secret_value(SecretId=name)
    return found["VersionId"], found["SecretString"]


def test_a_version_with_another_label_is_not_read_by_default(secret: tuple[Any, str]) -> None:
    """It is there, and waits."""
    client, name = secret
    before = current(client, name)
    version = prepared(client, name, "second")

    assert before == current(client, name)
    second = client.get_secret_value(SecretId=name, VersionId=version)
    assert "second" == second["SecretString"]


def test_the_version_that_gets_the_label_is_read_by_default(secret: tuple[Any, str]) -> None:
    """The one that loses it is the previous one."""
    client, name = secret
    before, _ = current(client, name)
    version = prepared(client, name, "second")
    client.update_secret_version_stage(
        SecretId=name,
        VersionStage="AWSCURRENT",
        MoveToVersionId=version,
        RemoveFromVersionId=before,
    )
    previous = client.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")

    assert (version, "second") == current(client, name)
    assert (before, "first") == (previous["VersionId"], previous["SecretString"])


def test_a_label_that_is_elsewhere_by_now_is_not_moved(secret: tuple[Any, str]) -> None:
    """That is how nobody's new password is overwritten."""
    client, name = secret
    before, _ = current(client, name)
    version = prepared(client, name, "second")
    client.put_secret_value(SecretId=name, SecretString="theirs")
    with pytest.raises(ClientError) as refused:
        client.update_secret_version_stage(
            SecretId=name,
            VersionStage="AWSCURRENT",
            MoveToVersionId=version,
            RemoveFromVersionId=before,
        )

    assert "InvalidParameterException" == refused.value.response["Error"]["Code"]
    assert "theirs" == current(client, name)[1]

"""A master password that RDS manages is kept in Secrets Manager."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from localaws.account import find_key
from localaws.aurora import Aurora, AuroraClient, VirtualClock
from localaws.clients import EndpointClients
from localaws.master_secrets import MasterSecrets
from localaws.server import Server
from tests.aurora.recording import RecordingData
from tests.aurora.scene import ACCOUNT, PASSWORD, SOURCE, Scene, code_of

MANAGED = {"ManageMasterUserPassword": True}


@pytest.fixture
def stored() -> RecordingData:
    """Return what the clusters hold."""
    return RecordingData()


@pytest.fixture
def scene(stored: RecordingData) -> Scene:
    """Return a world whose RDS keeps secrets in moto."""
    clock = VirtualClock()
    aurora = Aurora(clock, data=stored, keys=find_key, secrets=MasterSecrets())
    return Scene(lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock)


@pytest.fixture
def secrets(scene: Scene, tmp_path: Path) -> Iterator[Any]:
    """Return a client of Secrets Manager beside that RDS."""
    server = Server(0, tmp_path / "localaws", aurora=scene.aurora)
    server.start()
    yield EndpointClients(server.endpoint)("secretsmanager", SOURCE)
    server.stop()


def managed_cluster(scene: Scene) -> Any:
    """Make prod-cluster with a managed password and return its description."""
    scene.rds(SOURCE).create_db_cluster(
        DBClusterIdentifier="prod-cluster",
        Engine="aurora-postgresql",
        MasterUsername="postgres",
        **MANAGED,
    )
    scene.settle()
    scene.instance("prod-cluster-1", "prod-cluster")
    return scene.describe()


def kept(secrets: Any, cluster: Any) -> Any:
    """Return what the cluster's secret holds."""
    arn = cluster["MasterUserSecret"]["SecretArn"]
    return json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])


def modify(scene: Scene, **options: Any) -> Any:
    """Modify prod-cluster, wait, and return its description."""
    scene.rds(SOURCE).modify_db_cluster(
        DBClusterIdentifier="prod-cluster", ApplyImmediately=True, **options
    )
    scene.settle()
    return scene.describe()


def test_the_secret_holds_the_password_that_opens_the_cluster(
    scene: Scene, secrets: Any, stored: RecordingData
) -> None:
    """The managed secret, which the cluster names, holds the master user and the password that
    opens the cluster.
    """
    cluster = managed_cluster(scene)
    password = stored.clusters[cluster["DbClusterResourceId"]].password

    assert {"username": "postgres", "password": password} == kept(secrets, cluster)
    assert "active" == cluster["MasterUserSecret"]["SecretStatus"]


def test_a_rotation_changes_cluster_and_secret(
    scene: Scene, secrets: Any, stored: RecordingData
) -> None:
    """A rotation changes the cluster's password and the secret's value; the secret is the same
    one.
    """
    before = managed_cluster(scene)
    first = kept(secrets, before)
    after = modify(scene, RotateMasterUserPassword=True)
    password = stored.clusters[after["DbClusterResourceId"]].password

    assert before["MasterUserSecret"] == after["MasterUserSecret"]
    assert first["password"] != password
    assert password == kept(secrets, after)["password"]


def test_managing_can_begin_and_end_later(
    scene: Scene, secrets: Any, stored: RecordingData
) -> None:
    """RDS can begin and end managing the password later; at the end the caller gives one, and the
    secret is gone.
    """
    scene.cluster()
    begun = modify(scene, **MANAGED)
    arn = begun["MasterUserSecret"]["SecretArn"]
    generated = kept(secrets, begun)["password"]
    opened = stored.clusters[begun["DbClusterResourceId"]].password
    ended = modify(scene, ManageMasterUserPassword=False, MasterUserPassword=PASSWORD)

    assert generated == opened != PASSWORD
    assert PASSWORD == stored.clusters[ended["DbClusterResourceId"]].password
    assert "MasterUserSecret" not in ended
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secrets.get_secret_value(SecretId=arn)


def test_the_secret_goes_with_its_cluster(scene: Scene, secrets: Any) -> None:
    """The managed secret is deleted with its cluster."""
    managed_cluster(scene)
    scene.delete_instances("prod-cluster-1")
    scene.rds(SOURCE).delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)
    scene.settle()

    assert [] == secrets.list_secrets()["SecretList"]


@pytest.mark.parametrize(
    "options",
    [
        {"MasterUserPassword": PASSWORD},
        {"MasterUserPassword": PASSWORD, **MANAGED},
        {"ManageMasterUserPassword": False},
        {"RotateMasterUserPassword": True},
        {"MasterUserSecretKmsKeyId": "alias/any"},
    ],
)
def test_two_owners_of_a_password_are_refused(
    scene: Scene, secrets: Any, options: dict[str, Any]
) -> None:
    """A password, a key or a rotation that contradicts the management of the password is
    refused.
    """
    del secrets
    managed_cluster(scene)
    found = code_of(
        scene.rds(SOURCE).modify_db_cluster, DBClusterIdentifier="prod-cluster", **options
    )

    assert "InvalidParameterCombination" == found

"""The boto3-shaped client: what it checks, what it raises, how it pages."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, OperationNotPageableError, ParamValidationError
from localaws.aurora import Aurora, AuroraClient, LocalAwsBugError, RdsError
from localaws.aurora.state import Answer
from tests.aurora.scene import ACCOUNT, SOURCE, Rds, Scene


def test_a_refusal_is_the_exception_that_boto3_raises(rds: Rds) -> None:
    """A refusal is boto3's exception by class and by code, with the HTTP status in its metadata."""
    client = rds(SOURCE)
    with pytest.raises(client.exceptions.DBInstanceNotFoundFault) as caught:
        client.describe_db_instances(DBInstanceIdentifier="nobody")
    response = caught.value.response

    assert isinstance(caught.value, ClientError)
    assert "DBInstanceNotFound" == response["Error"]["Code"]
    assert 404 == response["ResponseMetadata"]["HTTPStatusCode"]
    assert "DescribeDBInstances" == caught.value.operation_name


def test_an_unmodelled_code_is_a_plain_client_error(scene: Scene, rds: Rds) -> None:
    """A code without a class in boto3, such as InvalidParameterCombination, is a plain
    ClientError.
    """
    scene.cluster(instances=0, DeletionProtection=True)
    with pytest.raises(ClientError) as caught:
        rds(SOURCE).delete_db_cluster(DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)

    assert ClientError is type(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"DBClusterIdentifier": 7, "Engine": "x"},
        {"DBClusterIdentifier": "a", "Engine": "x", "Colour": "red"},
    ],
)
def test_a_wrong_request_does_not_reach_the_model(rds: Rds, parameters: dict[str, Any]) -> None:
    """A missing, unknown or mistyped parameter is ParamValidationError and does not reach the
    model.
    """
    with pytest.raises(ParamValidationError):
        rds(SOURCE).create_db_cluster(**parameters)


class WrongAurora:
    """A model that answers or refuses as no AWS would."""

    def __init__(self, answer: Answer | RdsError) -> None:
        self.answer = answer

    def call(self, action: str, parameters: dict[str, Any], *, account: str, region: str) -> Answer:
        """Return or raise what it was made with."""
        del action, parameters, account, region
        if isinstance(self.answer, RdsError):
            raise self.answer
        return self.answer

    def unique_id(self) -> str:
        """Return an identifier."""
        return "0"


@pytest.mark.parametrize(
    "answer",
    [
        {"DBClusters": [{"Port": None}]},
        {"Clusters": []},
        RdsError("DBInstanceNotFound", "Wrong for clusters."),
    ],
)
def test_a_wrong_answer_is_a_bug_and_says_so(answer: Answer | RdsError) -> None:
    """An answer with wrong types, unknown members or a foreign code is reported as a bug."""
    wrong: Any = WrongAurora(answer)
    client = AuroraClient(wrong, account=ACCOUNT, region=SOURCE)

    with pytest.raises(LocalAwsBugError, match="DescribeDBClusters"):
        client.describe_db_clusters()


def test_answers_have_metadata(rds: Rds) -> None:
    """Each answer has metadata with a request id of its own."""
    client = rds(SOURCE)
    first, second = (client.describe_db_clusters()["ResponseMetadata"] for _ in range(2))

    assert 200 == first["HTTPStatusCode"]
    assert first["RequestId"] != second["RequestId"]


def test_a_client_knows_its_region_and_its_operations(rds: Rds) -> None:
    """The client knows its region and has every operation of boto3's client, and no other."""
    real = boto3.client("rds", region_name=SOURCE, aws_access_key_id="a", aws_secret_access_key="b")
    client = rds(SOURCE)

    assert real.meta.region_name == client.meta.region_name
    assert all(callable(getattr(client, name)) for name in real.meta.method_to_api_mapping)
    with pytest.raises(AttributeError, match="no operation 'describe_moons'"):
        client.describe_moons()


def test_only_lists_have_pages(rds: Rds) -> None:
    """The operations that have pages are exactly those of boto3."""
    client = rds(SOURCE)

    assert client.can_paginate("describe_db_clusters") is True
    assert client.can_paginate("copy_db_snapshot") is False
    with pytest.raises(OperationNotPageableError):
        client.get_paginator("delete_db_cluster")


def test_an_answer_is_the_callers_own(scene: Scene) -> None:
    """A caller who changes an answer changes nothing in the model."""
    tags = scene.cluster(Tags=[{"Key": "a", "Value": "b"}])["TagList"]
    tags[0]["Value"] = "c"

    assert [{"Key": "a", "Value": "b"}] == scene.describe()["TagList"]


def test_every_action_knows_its_parameters(aurora: Aurora) -> None:
    """Each parameter that the table calls modelled exists in AWS's service model."""
    from localaws.aurora.client import service  # noqa: PLC0415
    from localaws.aurora.modelled_actions import ACTIONS  # noqa: PLC0415

    unknown = {
        name: action.parameters - set(shape.members)
        for name, action in ACTIONS.items()
        if (shape := service().operation(name).input_shape) is not None
    }

    assert {name: frozenset() for name in unknown} == unknown

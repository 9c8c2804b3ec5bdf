"""The two stores under one contract: the dictionaries that tests trust, and DynamoDB's tables as they are deployed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.operations import Operations
from chalicelib.store import KEYS, DynamoStore, Store
from localaws.store import InMemoryStore

REGION = "us-west-2"
FOUNDATION = Path(__file__).parents[2] / "infra" / "foundation.yaml"
STAGE = "store"
TABLES = {f"aurora-restore-{STAGE}-{table}": key for table, key in KEYS.items()}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Make both tables from the template that is deployed, in a DynamoDB of this process."""
    with mock_aws():
        cloudformation: Any = boto3.client("cloudformation", region_name=REGION)
        cloudformation.create_stack(
            StackName="store", TemplateBody=FOUNDATION.read_text(),
            Parameters=[{"ParameterKey": "Stage", "ParameterValue": STAGE}],
        )  # fmt: skip
        yield boto3.client("dynamodb", region_name=REGION)


@pytest.fixture(params=["in memory", "DynamoDB"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give each implementation, empty."""
    if request.param == "in memory":
        return InMemoryStore()
    client = request.getfixturevalue("client")
    for table, key in TABLES.items():
        for item in client.scan(TableName=table, ProjectionExpression=key)["Items"]:
            client.delete_item(TableName=table, Key=item)
    state_table, audit_table = TABLES
    return DynamoStore(client, state_table=state_table, audit_table=audit_table)


@pytest.fixture
def operations(store: Store) -> Operations:
    """Give the records over each store."""
    return Operations(store)

"""The two stores under one contract: the dictionaries that tests trust, and DynamoDB's tables as they are deployed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from chalicelib.operations import Operations
from chalicelib.store import KEYS, DynamoStore, Store
from localaws.store import InMemoryStore

REGION = "us-west-2"
FOUNDATION = Path(__file__).parents[2] / "infra" / "foundation.yaml"
TABLES = {f"aurora-restore-store-{table}": key for table, key in KEYS.items()}
SHAPE = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


Template = type("Template", (yaml.SafeLoader,), {})  # for a template whose tags (!Sub, !If) do not matter here
Template.add_multi_constructor("!", lambda _loader, _tag, _node: None)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Make both tables in a DynamoDB of this process, in the shape that is deployed; a whole stack takes seconds."""
    resources = yaml.load(FOUNDATION.read_text(), Template)["Resources"]  # noqa: S506 # it is a SafeLoader
    with mock_aws():
        made: Any = boto3.client("dynamodb", region_name=REGION)
        for name, logical_id in zip(TABLES, ("State", "Audit"), strict=True):
            table = resources[logical_id]["Properties"]
            made.create_table(TableName=name, **{key: table[key] for key in SHAPE})
        yield made


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

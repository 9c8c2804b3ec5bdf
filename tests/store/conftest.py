"""The two stores under one contract: the dictionaries that tests trust, and DynamoDB's tables as
they are deployed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from chalicelib.records.operations import Operations
from chalicelib.records.store import KEYS, DynamoStore, Store
from simulation.in_memory_store import InMemoryStore

ACCOUNT, REGION = "123456789012", "us-west-2"  # the account that moto has
RECORDS = Path(__file__).parents[2] / "infra" / "records.yaml"
TABLES = [f"aurora-restore-store-{table}" for table in KEYS]
SHAPE = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


class Template(yaml.SafeLoader):  # type: ignore[misc]  # yaml publishes no types
    """Reads a template whose tags (!Sub, !If) do not matter here."""


Template.add_multi_constructor("!", lambda _loader, _tag, _node: None)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Make both tables in a DynamoDB of this process, in the shape that is deployed.

    A whole stack takes seconds.
    """
    resources = yaml.load(RECORDS.read_text(), Template)["Resources"]  # noqa: S506 # it is a SafeLoader
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
    for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
        # a scan and deletions through the client would take most of the time of these tests
        table.items.clear()
    state_table, audit_table = TABLES
    return DynamoStore(client, state_table=state_table, audit_table=audit_table)


@pytest.fixture
def operations(store: Store) -> Operations:
    """Give the records over each store."""
    return Operations(store)

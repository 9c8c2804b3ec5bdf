"""DynamoDB runs one request at a time, and honours the token of a transaction."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Client, Clients

THREADS = 8
ROUNDS = 12


@pytest.fixture(scope="module")
def table(clients: Clients) -> Client:
    """Return a client of DynamoDB with a table `items`."""
    client = clients("dynamodb")
    client.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def test_of_eight_threads_one_wins(table: Client) -> None:
    """However the threads fall, exactly one conditional write of each round succeeds."""
    with ThreadPoolExecutor(THREADS) as pool:
        winners = [_race(table, pool, f"round-{number}") for number in range(ROUNDS)]

    assert [1] * ROUNDS == winners


def _race(table: Client, pool: ThreadPoolExecutor, key: str) -> int:
    together = threading.Barrier(THREADS)

    def write(number: int) -> bool:
        together.wait()
        try:
            item = {"id": {"S": key}, "by": {"N": str(number)}}
            table.put_item(TableName="items", Item=item, ConditionExpression="attribute_not_exists(id)")
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    return Counter(pool.map(write, range(THREADS)))[True]


def _transaction(key: str, token: str) -> dict[str, Any]:
    put = {"TableName": "items", "Item": {"id": {"S": key}}, "ConditionExpression": "attribute_not_exists(id)"}
    return {"TransactItems": [{"Put": put}], "ClientRequestToken": token}


def test_a_repeated_transaction_succeeds_again(table: Client) -> None:
    """A retry with the same token after a lost reply is told of the success, not of a failed condition."""
    table.transact_write_items(**_transaction("once", "token-1"))
    answer = table.transact_write_items(**_transaction("once", "token-1"))

    assert 200 == answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("key", "token", "code"),
    [
        ("once", "token-2", "TransactionCanceledException"),
        ("other", "token-1", "IdempotentParameterMismatchException"),
    ],
    ids=["another token", "another transaction"],
)
def test_another_transaction_is_judged_by_itself(table: Client, key: str, token: str, code: str) -> None:
    """A new token is a new transaction; an old token with new contents is refused."""
    table.delete_item(TableName="items", Key={"id": {"S": "once"}})
    table.transact_write_items(**_transaction("once", "token-1"))
    table.put_item(TableName="items", Item={"id": {"S": "once"}})
    with pytest.raises(ClientError) as refused:
        table.transact_write_items(**_transaction(key, token))

    assert code == refused.value.response["Error"]["Code"]

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
    """Of eight threads exactly one conditional write of each round succeeds."""
    with ThreadPoolExecutor(THREADS) as pool:
        winners = [_race(table, pool, f"round-{number}") for number in range(ROUNDS)]

    assert [1] * ROUNDS == winners


def _race(table: Client, pool: ThreadPoolExecutor, key: str) -> int:
    together = threading.Barrier(THREADS)

    def write(number: int) -> bool:
        together.wait()
        try:
            item = {"id": {"S": key}, "by": {"N": str(number)}}
            table.put_item(
                TableName="items", Item=item, ConditionExpression="attribute_not_exists(id)"
            )
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    return Counter(pool.map(write, range(THREADS)))[True]


def _transaction(key: str, token: str) -> dict[str, Any]:
    put = {
        "TableName": "items",
        "Item": {"id": {"S": key}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    return {"TransactItems": [{"Put": put}], "ClientRequestToken": token}


def test_a_repeated_transaction_succeeds_again(table: Client) -> None:
    """A retry with the same token after a lost reply succeeds, and does not report a failed
    condition.
    """
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
def test_another_transaction_is_judged_by_itself(
    table: Client, key: str, token: str, code: str
) -> None:
    """A new token is a new transaction; an old token with new contents is refused."""
    table.delete_item(TableName="items", Key={"id": {"S": "once"}})
    table.transact_write_items(**_transaction("once", "token-1"))
    table.put_item(TableName="items", Item={"id": {"S": "once"}})
    with pytest.raises(ClientError) as refused:
        table.transact_write_items(**_transaction(key, token))

    assert code == refused.value.response["Error"]["Code"]


WRONG_VALUES = [
    ({"N": "NaN"}, "cannot be converted to a numeric value: NaN"),
    ({"N": "Infinity"}, "cannot be converted to a numeric value: Infinity"),
    ({"N": ""}, "cannot be converted to a numeric value"),
    ({"N": " 7 "}, "cannot be converted to a numeric value"),
    ({"N": "1_0"}, "cannot be converted to a numeric value"),
    ({"N": "0x1"}, "cannot be converted to a numeric value"),
    ({"N": "1" * 39}, "more than 38 significant digits"),
    ({"N": "1e126"}, "larger than supported range"),
    ({"N": "-1e-131"}, "smaller than supported range"),
    ({"SS": []}, "set  may not be empty"),
    ({"NS": ["1", "1.0"]}, "contains duplicates"),
    ({"NS": ["x"]}, "cannot be converted to a numeric value"),
    ({"NULL": False}, "must have the value of true"),
    ({"M": {"a": {"L": [{"N": "NaN"}]}}}, "cannot be converted to a numeric value"),
    ({}, "must contain exactly one of the supported datatypes"),
    ({"S": "a", "N": "1"}, "must contain exactly one of the supported datatypes"),
]


@pytest.fixture(scope="module")
def keyed(clients: Clients) -> Client:
    """Return a client that checks nothing itself, of DynamoDB with a table `keyed` that has both
    keys and an index.
    """
    client = clients("dynamodb", unchecked=True)
    client.create_table(
        TableName="keyed",
        KeySchema=[
            {"AttributeName": "range", "KeyType": "RANGE"},
            {"AttributeName": "hash", "KeyType": "HASH"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "hash", "AttributeType": "S"},
            {"AttributeName": "range", "AttributeType": "B"},
            {"AttributeName": "other", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-other",
                "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


RIGHT: dict[str, Any] = {"hash": {"S": "h"}, "range": {"B": b"r"}}


def refusal(call: Any, **parameters: Any) -> str:
    """Give the message of the ValidationException with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(TableName="keyed", **parameters)
    error = refused.value.response["Error"]
    assert "ValidationException" == error["Code"]
    return str(error["Message"])


@pytest.mark.parametrize(
    ("value", "said"), WRONG_VALUES, ids=[str(value) for value, _ in WRONG_VALUES]
)
def test_a_value_that_is_none_is_refused_everywhere(
    keyed: Client, value: dict[str, Any], said: str
) -> None:
    """An invalid value is refused in an item, a transaction, a batch, and as a value of an
    expression.
    """
    item = {**RIGHT, "value": value}
    update = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": value}}
    for call, request in (
        (
            keyed.transact_write_items,
            {"TransactItems": [{"Put": {"TableName": "keyed", "Item": item}}]},
        ),
        (keyed.batch_write_item, {"RequestItems": {"keyed": [{"PutRequest": {"Item": item}}]}}),
    ):
        with pytest.raises(ClientError, match=said):
            call(**request)

    assert said in refusal(keyed.put_item, Item=item)
    assert said in refusal(keyed.update_item, Key=RIGHT, **update)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hash": {"S": ""}}, "cannot contain an empty string value. Key: hash"),
        ({"range": {"B": b""}}, "cannot contain an empty binary value. Key: range"),
        (
            {"hash": {"S": "é" * 1025}},
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        ({"range": {"B": b"x" * 1025}}, "exceeded the size limit of 1024 bytes"),
    ],
    ids=str,
)
def test_a_key_that_is_empty_or_too_long_is_refused(
    keyed: Client, wrong: dict[str, Any], said: str
) -> None:
    """An empty or overlong key is refused where it is written and where it is looked for."""
    key = {**RIGHT, **wrong}
    update = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}}

    assert all(
        said in message
        for message in (
            refusal(keyed.put_item, Item=key),
            refusal(keyed.get_item, Key=key),
            refusal(keyed.delete_item, Key=key),
            refusal(keyed.update_item, Key=key, **update),
        )
    )


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"hash": {"S": "h"}}, "Missing the key range in the item"),
        ({**RIGHT, "hash": {"N": "1"}}, "Type mismatch for key hash expected: S actual: N"),
        (
            {**RIGHT, "other": {"N": "1"}},
            "Type mismatch for Index Key other Expected: S Actual: N IndexName: by-other",
        ),
        ({**RIGHT, "other": {"S": ""}}, "empty string value. IndexName: by-other, IndexKey: other"),
        (
            {**RIGHT, "large": {"S": "x" * 409_600}},
            "Item size has exceeded the maximum allowed size",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_item_that_does_not_fit_its_table_is_refused(
    keyed: Client, item: dict[str, Any], said: str
) -> None:
    """An item that does not fit its table is refused: by its keys, those of its indexes, and its
    size.
    """
    assert said in refusal(keyed.put_item, Item=item)


@pytest.mark.parametrize(
    "key", [{"hash": {"S": "h"}}, {**RIGHT, "more": {"S": "x"}}, {**RIGHT, "hash": {"N": "1"}}]
)
def test_a_key_that_does_not_fit_its_table_is_refused(keyed: Client, key: dict[str, Any]) -> None:
    """A key must have the table's key attributes, of their types, and no others."""
    assert "The provided key element does not match the schema" == refusal(keyed.get_item, Key=key)


def test_a_request_that_is_too_large_is_refused(keyed: Client) -> None:
    """Requests beyond the limits are refused: 4 KB for an expression, 25 entries for a batch, 32
    levels for an item.
    """
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(33):
        deep = {"L": [deep]}
    with pytest.raises(ClientError, match="length less than or equal to 25"):
        keyed.batch_write_item(RequestItems={"keyed": [{"DeleteRequest": {"Key": RIGHT}}] * 26})

    assert "Nesting Levels" in refusal(keyed.put_item, Item={**RIGHT, "deep": deep})
    assert "Invalid ConditionExpression: Expression size" in refusal(
        keyed.put_item, Item=RIGHT, ConditionExpression=" AND ".join(["attribute_exists(h)"] * 200)
    )


def test_numbers_that_are_right_are_kept(keyed: Client) -> None:
    """Valid numbers are kept: up to 38 digits, of any size that DynamoDB has."""
    numbers = [
        "0",
        "-0.0",
        "1" * 38,
        "9.9e125",
        "1e-130",
        "1" + "0" * 100,
        "0." + "0" * 60 + "1",
        "+5",
    ]
    for number in numbers:
        keyed.put_item(
            TableName="keyed", Item={**RIGHT, "number": {"N": number}, "set": {"NS": [number, "3"]}}
        )


def test_a_table_goes_on_when_an_index_is_added(table: Client) -> None:
    """A table works on when an index is added whose definitions name its own keys only."""
    index = {
        "IndexName": "by-color",
        "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table.update_table(
        TableName="items",
        AttributeDefinitions=[{"AttributeName": "color", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    table.put_item(TableName="items", Item={"id": {"S": "colored"}, "color": {"S": "red"}})
    found = table.get_item(TableName="items", Key={"id": {"S": "colored"}})["Item"]["color"]["S"]

    assert "red" == found

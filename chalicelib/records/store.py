"""The store of the two tables: conditional writes of items, in DynamoDB.

Its in-memory twin is in `simulation`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from chalicelib.aws.client import SERVER_ERROR_HTTP, SERVER_ERRORS, THROTTLED
from chalicelib.flow.errors import TablesBusyError

Item = dict[str, Any]
TableName = Literal["state", "audit"]
_TABLE_CODES = {"TransactionConflict", "TransactionConflictException", "ThrottlingError"}
TRANSIENT = THROTTLED | SERVER_ERRORS | _TABLE_CODES
KEYS: Mapping[TableName, str] = {"state": "operation_id", "audit": "metric_id"}
INDEXES: Mapping[str, tuple[TableName, str, str]] = {  # index: table, hash key, range key
    "open-by-due": ("state", "open", "due_at"),
    "by-plan": ("state", "plan", "created_at"),
    "by-operation": ("audit", "operation_id", "metric_id"),
}


@dataclass(frozen=True)
class When:
    """One condition on one attribute; `free_by` holds when it is absent or at most `value`."""

    attribute: str
    test: Literal["is", "in", "absent", "free_by"]
    value: Any = None


@dataclass(frozen=True)
class Change:
    """One conditional write of one item, all or nothing."""

    key: str
    assign: Item = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    add: Mapping[str, int] = field(default_factory=dict)
    when: tuple[When, ...] = ()
    table: TableName = "state"


class ConditionError(Exception):
    """A condition did not hold.

    `items` are the stored items, one for each change; None where its condition held, or where there
    is no item.
    """

    def __init__(self, failed: tuple[bool, ...], items: tuple[Item | None, ...]) -> None:
        super().__init__(
            f"The condition of change {failed.index(True) + 1} of {len(failed)} does not hold."
        )
        self.failed = failed
        self.items = items


class Store(Protocol):
    """The tables: read an item, write items at once on conditions, and read an index in order."""

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, consistently."""

    def change(self, change: Change) -> Item:
        """Write one item and return it as it is now; raises ConditionError."""

    def change_all(self, *changes: Change) -> None:
        """Write all or nothing; raises ConditionError."""

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        """Read the items of a hash key in order of the range key, at most up to `up_to`."""


class DynamoStore:
    """The tables in DynamoDB.

    Every call raises TransientError for throttling and server errors. Any other error than a failed
    condition is botocore's ClientError: a missing table fails the invocation.
    """

    def __init__(self, client: Any, *, state_table: str, audit_table: str) -> None:
        self._client = client
        self._names = {"state": state_table, "audit": audit_table}

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, consistently."""
        with _trouble_named():
            found = self._client.get_item(
                TableName=self._names[table], Key=_marshal({KEYS[table]: key}), ConsistentRead=True
            )
        return unmarshal(found["Item"]) if "Item" in found else None

    def change(self, change: Change) -> Item:
        """Write one item and return it as it is now; raises ConditionError."""
        try:
            with _trouble_named():
                written = self._client.update_item(**self._update(change), ReturnValues="ALL_NEW")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stored = error.response.get("Item")
            raise ConditionError((True,), (unmarshal(stored) if stored else None,)) from error
        return unmarshal(written["Attributes"])

    def change_all(self, *changes: Change) -> None:
        """Write all or nothing; raises ConditionError."""
        try:
            with _trouble_named():
                self._client.transact_write_items(
                    TransactItems=[{"Update": self._update(change)} for change in changes]
                )
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            failed = tuple(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)
            if error.response["Error"]["Code"] != "TransactionCanceledException" or not any(failed):
                raise
            stored = tuple(
                unmarshal(reason["Item"]) if reason.get("Item") else None for reason in reasons
            )
            raise ConditionError(failed, stored) from error

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        """Read the items of a hash key in order of the range key, at most up to `up_to`."""
        table, hash_key, range_key = INDEXES[index]
        condition, names, values = "#h = :h", {"#h": hash_key}, {":h": value}
        if up_to is not None:
            condition += " AND #r <= :r"
            names["#r"] = range_key
            values[":r"] = up_to
        pages = self._client.get_paginator("query").paginate(
            TableName=self._names[table],
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_marshal(values),
            ScanIndexForward=not newest_first,
            PaginationConfig={"PageSize": page},
        )
        with _trouble_named():
            for found in pages:
                yield from map(unmarshal, found["Items"])

    def _update(self, change: Change) -> Item:
        names = _Names()
        sets = [f"{names.name(key)} = {names.value(value)}" for key, value in change.assign.items()]
        adds = [f"{names.name(key)} {names.value(value)}" for key, value in change.add.items()]
        removes = [names.name(key) for key in change.remove]
        clauses = (("SET", sets), ("ADD", adds), ("REMOVE", removes))
        request: Item = {
            "TableName": self._names[change.table],
            "Key": _marshal({KEYS[change.table]: change.key}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if update := " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses if parts):
            request["UpdateExpression"] = update
        if change.when:
            request["ConditionExpression"] = " AND ".join(
                names.condition(when) for when in change.when
            )
        if names.names:
            request["ExpressionAttributeNames"] = names.names
        if names.values:
            request["ExpressionAttributeValues"] = _marshal(names.values)
        return request


@contextmanager
def _trouble_named() -> Iterator[None]:
    """Raise TablesBusyError for errors that may pass; a transaction has a reason for each item."""
    try:
        yield
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        codes = {error.response["Error"]["Code"], *(reason.get("Code") for reason in reasons)}
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if codes & TRANSIENT or status >= SERVER_ERROR_HTTP:
            raise TablesBusyError(
                f"DynamoDB is busy: {', '.join(sorted(map(str, codes & TRANSIENT)))}."
            ) from error
        raise


class _Names:
    """Placeholders of one expression, for all names: many good ones are reserved words.

    They are numbered, because a placeholder has letters and digits only (developer guide), and a
    name may have others.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: Item = {}

    def name(self, attribute: str) -> str:
        known = {name: placeholder for placeholder, name in self.names.items()}
        placeholder = known.get(attribute, f"#n{len(self.names)}")
        self.names[placeholder] = attribute
        return placeholder

    def value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def condition(self, when: When) -> str:
        name = self.name(when.attribute)
        if when.test == "is":
            return f"{name} = {self.value(when.value)}"
        if when.test == "in":
            return f"{name} IN ({', '.join(self.value(value) for value in when.value)})"
        absent = f"attribute_not_exists({name})"
        if when.test == "absent":
            return absent
        return f"({absent} OR {name} <= {self.value(when.value)})"


_SERIALIZER, _DESERIALIZER = TypeSerializer(), TypeDeserializer()


def _marshal(item: Mapping[str, Any]) -> Item:
    return {key: _SERIALIZER.serialize(_decimals(value)) for key, value in item.items()}


def unmarshal(item: Mapping[str, Any]) -> Item:
    """Read an item of DynamoDB's format (`{"name": {"S": "value"}}`).

    Whole numbers become integers.
    """
    return {key: _plain(_DESERIALIZER.deserialize(value)) for key, value in item.items()}


def _decimals(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))  # DynamoDB's numbers are decimal, and boto3 refuses floats
    if isinstance(value, Mapping):
        return {key: _decimals(part) for key, part in value.items()}
    return [_decimals(part) for part in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value

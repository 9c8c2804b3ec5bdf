"""Attribute values and keys, checked as DynamoDB does (developer guide, constraints).

moto stores what DynamoDB refuses: numbers that are none, empty sets, keys that are empty or too
long (moto 5.2).
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

Value = Mapping[str, Any]
Attributes = Mapping[str, Value]

HASH_KEY_BYTES_MAX: Final = 2048
RANGE_KEY_BYTES_MAX: Final = 1024
DIGITS_MAX: Final = 38
DEPTH_MAX: Final = 32
EXPRESSION_BYTES_MAX: Final = 4096
EXPONENTS: Final = range(-130, 125 + 1)
ENTRIES_MAX: Final = {
    "BatchWriteItem": 25,
    "BatchGetItem": 100,
    "TransactWriteItems": 100,
    "TransactGetItems": 100,
}

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_EXPRESSIONS: Final = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_SETS: Final = {"SS": ("string", "S"), "NS": ("number", "N"), "BS": ("binary", "B")}
_TYPES: Final[Mapping[str, type[Any]]] = {
    "S": str,
    "N": str,
    "B": str,
    "BOOL": bool,
    "NULL": bool,
    "M": dict,
    "L": list,
    **dict.fromkeys(_SETS, list),
}
_KINDS: Final = {"S": "string", "B": "binary"}
_INVALID: Final = "One or more parameter values were invalid: "
_NOT_VALID: Final = "One or more parameter values are not valid. "
_ONE_TYPE: Final = "must contain exactly one of the supported datatypes"
_TOO_DEEP: Final = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
    "above supported limit"
)
_NO_EMPTY: Final = "The AttributeValue for a key attribute cannot contain an empty {} value. "


class InvalidValueError(Exception):
    """DynamoDB would answer with a ValidationException. The text is its message."""


@dataclass(frozen=True)
class Index:
    """A secondary index: its name, and the types of its keys by their names."""

    name: str
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Schema:
    """The keys of a table: names with types, the hash key first, and those of its indexes."""

    keys: Mapping[str, str]
    indexes: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Part:
    """What one request says about one item of one table."""

    table: str
    key: Attributes | None = None
    item: Attributes | None = None
    values: Attributes = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)


def parts_of(operation: str, body: Mapping[str, Any]) -> Iterator[Part]:
    """Take a request apart; raises InvalidValueError where it has too many parts."""
    entries = body.get("RequestItems") or body.get("TransactItems") or {}
    if operation in ENTRIES_MAX:
        found = [part for entry in _entries(entries) for part in entry]
        if len(found) > ENTRIES_MAX[operation]:
            what = "requestItems" if operation.startswith("Batch") else "transactItems"
            limit = f"Member must have length less than or equal to {ENTRIES_MAX[operation]}"
            raise InvalidValueError(
                f"1 validation error detected: Value at '{what}' failed to satisfy constraint: "
                f"{limit}"
            )
        yield from found
    elif isinstance(body.get("TableName"), str):
        yield _part(body["TableName"], body)


def _entries(entries: Any) -> Iterator[list[Part]]:
    if isinstance(entries, list):  # of a transaction: Put, Update, Delete, ConditionCheck or Get
        yield [_part(inner["TableName"], inner) for entry in entries for inner in entry.values()]
        return
    for table, wanted in entries.items():
        if isinstance(wanted, list):  # of BatchWriteItem: PutRequest or DeleteRequest
            yield [_part(table, inner) for entry in wanted for inner in entry.values()]
        else:
            yield [Part(table, key=key) for key in wanted.get("Keys", [])]


def _part(table: str, request: Mapping[str, Any]) -> Part:
    return Part(
        table,
        key=request.get("Key"),
        item=request.get("Item"),
        values=request.get("ExpressionAttributeValues") or {},
        expressions={
            name: request[name] for name in _EXPRESSIONS if isinstance(request.get(name), str)
        },
    )


def check_part(part: Part, schema: Schema | None) -> None:
    """Check values, expressions and keys; without a schema (no such table) no keys.

    Raises InvalidValueError.
    """
    for name, expression in part.expressions.items():
        size = len(expression.encode())
        if size > EXPRESSION_BYTES_MAX:
            what = "Expression size has exceeded the maximum allowed size"
            raise InvalidValueError(f"Invalid {name}: {what}; expression size: {size}")
    for attributes in (part.key, part.item, part.values):
        for value in (attributes or {}).values():
            _check_value(value, 0)
    if schema is not None and part.key is not None:
        _check_key(part.key, schema)
    if schema is not None and part.item is not None:
        _check_item(part.item, schema)


def _check_key(key: Attributes, schema: Schema) -> None:
    if key.keys() != schema.keys.keys() or any(
        schema.keys[name] not in value for name, value in key.items()
    ):
        raise InvalidValueError("The provided key element does not match the schema")
    _check_key_values(key, schema)


def _check_item(item: Attributes, schema: Schema) -> None:
    for name, kind in schema.keys.items():
        if name not in item:
            raise InvalidValueError(f"{_INVALID}Missing the key {name} in the item")
        if kind not in item[name]:
            actual = next(iter(item[name]))
            raise InvalidValueError(
                f"{_INVALID}Type mismatch for key {name} expected: {kind} actual: {actual}"
            )
    _check_key_values(item, schema)
    for index in schema.indexes:
        _check_index(item, index)


def _check_key_values(attributes: Attributes, schema: Schema) -> None:
    limits = (
        (
            HASH_KEY_BYTES_MAX,
            f"Size of hashkey has exceeded the maximum size limit of{HASH_KEY_BYTES_MAX} bytes",
        ),
        (
            RANGE_KEY_BYTES_MAX,
            (
                "Aggregated size of all range keys has exceeded the size limit of "
                f"{RANGE_KEY_BYTES_MAX} bytes"
            ),
        ),
    )
    for (name, kind), (bytes_max, too_long) in zip(schema.keys.items(), limits, strict=False):
        size = _size(kind, attributes[name][kind])
        if size == 0:
            raise InvalidValueError(f"{_NOT_VALID}{_NO_EMPTY.format(_KINDS[kind])}Key: {name}")
        if size > bytes_max:
            raise InvalidValueError(_INVALID + too_long)


def _check_index(item: Attributes, index: Index) -> None:
    for name, kind in index.keys.items():
        if name not in item:
            continue
        if kind not in item[name]:
            actual = next(iter(item[name]))
            what = (
                f"Type mismatch for Index Key {name} Expected: {kind} Actual: {actual} IndexName: "
                f"{index.name}"
            )
            raise InvalidValueError(_INVALID + what)
        if _size(kind, item[name][kind]) == 0:
            what = (
                "A value specified for a secondary index key is not supported. "
                + _NO_EMPTY.format(_KINDS[kind])
            )
            raise InvalidValueError(f"{_NOT_VALID}{what}IndexName: {index.name}, IndexKey: {name}")


def _size(kind: str, content: str) -> int:
    """Count the bytes of a key. A number is never empty or too long: it has at most 38 digits."""
    if kind == "B":
        return len(base64.b64decode(content))
    return len(content.encode(errors="surrogatepass")) if kind == "S" else 1


def _check_value(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise InvalidValueError(_TOO_DEEP)
    if not isinstance(value, Mapping) or len(value) != 1:
        problem = "has more than one datatypes set" if value else "is empty"
        raise InvalidValueError(f"Supplied AttributeValue {problem}, {_ONE_TYPE}")
    ((kind, content),) = value.items()
    if not _has_type(kind, content):
        raise InvalidValueError(f"Supplied AttributeValue is empty, {_ONE_TYPE}")
    if kind in _SETS:
        _check_set(*_SETS[kind], content)
    elif kind == "M":
        for inner in content.values():
            _check_value(inner, depth + 1)
    elif kind == "L":
        for inner in content:
            _check_value(inner, depth + 1)
    else:
        _check_plain(kind, content)


def _has_type(kind: str, content: Any) -> bool:
    return kind in _TYPES and isinstance(content, _TYPES[kind])


def _check_set(name: str, kind: str, content: list[Any]) -> None:
    if not content:
        raise InvalidValueError(f"{_INVALID}An {name} set  may not be empty")
    for element in content:
        _check_value({kind: element}, 0)
    # 1 and 1.0 are the same member of a set of numbers.
    same = {Decimal(element) if kind == "N" else element for element in content}
    if len(same) < len(content):
        raise InvalidValueError(f"{_INVALID}Input collection {content} contains duplicates.")


def _check_plain(kind: str, content: Any) -> None:
    if kind == "N":
        _check_number(content)
    elif kind == "NULL" and content is not True:
        raise InvalidValueError(f"{_INVALID}Null attribute value types must have the value of true")
    elif kind == "B":
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidValueError("Invalid base64 in a binary value") from error


def _check_number(text: str) -> None:
    if not _NUMBER.fullmatch(text):
        raise InvalidValueError(f"The parameter cannot be converted to a numeric value: {text}")
    # Zeros at both ends are no significant digits (developer guide, numbers).
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > DIGITS_MAX:
        raise InvalidValueError(
            f"Attempting to store more than {DIGITS_MAX} significant digits in a Number"
        )
    if number and number.adjusted() not in EXPONENTS:
        flow, than = ("over", "larger") if number.adjusted() > 0 else ("under", "smaller")
        what = f"Attempting to store a number with magnitude {than} than supported range"
        raise InvalidValueError(f"Number {flow}flow. {what}")

"""DynamoDB: moto's, with what it gets wrong put right (seen in moto 5.2).

Its conditional writes are not atomic between threads, so requests run one at a time. And it takes a
repeated transaction for a new one, where AWS honours the client's token for ten minutes. Values and
keys that DynamoDB refuses are refused before (`dynamodb_values.py`).
"""

import json
import threading
import time
from typing import Any, ClassVar, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.dynamodb.responses import DynamoHandler

from localaws.documents import strict_json
from localaws.dynamodb_values import Index, InvalidValueError, Schema, check_part, parts_of
from localaws.refusals import json_error

# How long a client token is remembered (DynamoDB API reference, TransactWriteItems).
TOKEN_SECONDS: Final = 600.0


class Tokens:
    """Client tokens of the transactions that succeeded in the last ten minutes."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], tuple[float, str]] = {}

    def find(self, key: tuple[str, str, str]) -> str | None:
        """Give the request that was made with a token, or None."""
        oldest = time.monotonic() - TOKEN_SECONDS
        self._seen = {token: seen for token, seen in self._seen.items() if seen[0] > oldest}
        return self._seen[key][1] if key in self._seen else None

    def keep(self, key: tuple[str, str, str], request: str) -> None:
        """Remember a request that succeeded."""
        self._seen[key] = (time.monotonic(), request)


class DynamoDB(DynamoHandler):
    """The API of DynamoDB. The server fills in `lock` and `tokens`."""

    lock: ClassVar[threading.RLock]
    tokens: ClassVar[Tokens]

    def call_action(self) -> TYPE_RESPONSE:
        """Run one request at a time, if DynamoDB accepts its values."""
        try:
            request = strict_json(self.body or "{}")
        except ValueError:
            return json_error(
                self, JsonRESTError("SerializationException", "The request is not JSON.")
            )
        # moto's conditional writes are not atomic between threads: two of eight would win.
        with self.lock:
            try:
                for part in parts_of(self._get_action(), request):
                    check_part(part, self._schema(part.table))
            except InvalidValueError as error:
                return json_error(self, JsonRESTError("ValidationException", str(error)))
            answer: TYPE_RESPONSE = super().call_action()
            return answer

    def _schema(self, name: str) -> Schema | None:
        table = self.dynamodb_backend.tables.get(name)
        if table is None:
            return None
        types = {key["AttributeName"]: str(key["AttributeType"]) for key in table.attr}

        def keys(of: Any) -> dict[str, str]:
            ordered = sorted(of.schema, key=lambda key: str(key["KeyType"]))  # HASH before RANGE
            return {name: types[name] for key in ordered if (name := key["AttributeName"]) in types}

        of_table = keys(table)
        # moto forgets the types of keys when an index is added.
        if len(of_table) < len(table.schema):
            return None
        return Schema(
            of_table, tuple(Index(index.name, keys(index)) for index in table.all_indexes())
        )

    def transact_write_items(self) -> ActionResult:
        """Write all or nothing, and the same token only once."""
        token: str | None = self.body.get("ClientRequestToken")
        key = (self.current_account, self.region, token or "")
        request = json.dumps(self.body, sort_keys=True, default=str)
        earlier = self.tokens.find(key) if token else None
        # moto runs a repeated transaction again, whose conditions its first run has changed.
        if earlier is not None:
            return self._repeat(earlier, request)
        result = super().transact_write_items()
        if token:
            self.tokens.keep(key, request)
        return result

    @staticmethod
    def _repeat(earlier: str, request: str) -> ActionResult:
        if earlier != request:
            text = (
                "The provided client token was used with another request; use a new one for a new "
                "transaction."
            )
            raise JsonRESTError("IdempotentParameterMismatchException", text)
        return EmptyResult()

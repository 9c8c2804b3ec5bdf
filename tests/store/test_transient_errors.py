"""What DynamoDB answers when it is busy or broken: trouble that passes is named so, everything else
is left alone.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.flow.errors import TransientError
from chalicelib.records.store import Change, DynamoStore

CALLS: dict[str, Callable[[DynamoStore], object]] = {
    "get": lambda store: store.get("one"),
    "change": lambda store: store.change(Change("one")),
    "change_all": lambda store: store.change_all(Change("one")),
    "query": lambda store: list(store.query("by-plan", "default")),
}
each_call = pytest.mark.parametrize("call", CALLS)


class Answering:
    """A client whose every call is answered with one error."""

    def __init__(self, code: str, status: int, *reasons: str) -> None:
        answer: Any = {
            "Error": {"Code": code, "Message": "A test asked for this."},
            "ResponseMetadata": {"HTTPStatusCode": status},
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        }
        self._error = ClientError(answer, "Call")

    def __getattr__(self, _method: str) -> Callable[..., Any]:
        return self._raise

    def get_paginator(self, _method: str) -> "Answering":
        """Give a paginator whose first page is answered so."""
        return self

    def paginate(self, **_parameters: Any) -> Any:
        """Answer when the first page is asked for, as boto3's paginators do."""
        yield self._raise()

    def _raise(self, **_parameters: Any) -> Any:
        raise self._error


def store(code: str, status: int, *reasons: str) -> DynamoStore:
    """Give a store whose every call is answered with this error."""
    return DynamoStore(Answering(code, status, *reasons), state_table="state", audit_table="audit")


@each_call
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("InternalServerError", 500),
        ("NobodyKnowsThisOne", 503),
    ],
)
def test_errors_that_may_pass_are_transient(call: str, code: str, status: int) -> None:
    """Throttling and errors of DynamoDB's own are transient."""
    with pytest.raises(TransientError, match="DynamoDB is busy"):
        CALLS[call](store(code, status))


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_conflict_is_transient(reason: str) -> None:
    """A cancelled transaction is transient where its reasons name a conflict."""
    with pytest.raises(TransientError, match=reason):
        CALLS["change_all"](store("TransactionCanceledException", 400, "None", reason))


@each_call
def test_permanent_errors_are_not_transient(call: str) -> None:
    """A missing table fails the invocation, whose log and alarm say so."""
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        CALLS[call](store("ResourceNotFoundException", 400))

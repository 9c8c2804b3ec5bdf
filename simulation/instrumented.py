"""The ports of a simulated function: each call is a question to the injector, and noted."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError
from localaws.aurora.client import service as rds_service

from chalicelib.records.store import Change, Item, TableName
from simulation import faults
from simulation.history import Announced, Called, Entry, Said
from simulation.in_memory_store import InMemoryStore
from simulation.invocation import Invocation

READS = ("describe_", "get_", "list_")
API_NAMES = {xform_name(name): name for name in rds_service().model.operation_names}


class Calls(Protocol):
    """What decides about the calls of functions, and notes what comes of them."""

    def through(
        self,
        invocation: Invocation,
        service: str,
        method: str,
        options: tuple[str, ...],
        make: Callable[..., Any],
        *,
        parameters: Mapping[str, Any],
    ) -> Any:
        """Make a call, or let a fault happen to it."""

    def see(self, entry: Entry) -> None:
        """Note an entry of the history."""

    def look_at_pointers(self) -> None:
        """Note what the pointers name, if that has changed."""

    def now(self) -> datetime:
        """Give the present moment."""


class AllPages:
    """A paginator whose pages are one call, made by `through(method, parameters, make)`."""

    def __init__(
        self,
        client: Any,
        method: str,
        through: Callable[[str, dict[str, Any], Callable[[], Any]], Any],
    ) -> None:
        self._client, self._method, self._through = client, method, through

    def paginate(self, **parameters: Any) -> Any:
        """Read all pages, as one call."""
        pages = self._client.get_paginator(self._method)
        return self._through(self._method, parameters, lambda: list(pages.paginate(**parameters)))


class InstrumentedClient:
    """A boto3-shaped client of one invocation."""

    def __init__(
        self, calls: Calls, invocation: Invocation, service: str, region: str, client: Any
    ) -> None:
        self._calls, self._invocation = calls, invocation
        self._service, self._region, self._client = service, region, client

    def __getattr__(self, method: str) -> Any:
        if method == "meta":
            return self._client.meta

        def call(**parameters: Any) -> Any:
            return self._through(method, parameters, lambda: self._made(method, parameters))

        return call

    def get_paginator(self, method: str) -> Any:
        """Give a paginator whose pages are one call of `method`."""
        return AllPages(self._client, method, self._through)

    def _through(self, method: str, parameters: Mapping[str, Any], make: Callable[[], Any]) -> Any:
        options: tuple[str, ...]
        if method.startswith(READS):
            options = faults.READ
        elif method == "put_events":
            options = faults.PUT
        elif method in faults.LAGS:
            options = faults.WRITE_THAT_LAGS
        else:
            options = faults.WRITE
        return self._calls.through(
            self._invocation, self._service, method, options, make, parameters=parameters
        )

    def _made(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """Make the call, and note what AWS did."""
        if self._service != "rds":
            answer = getattr(self._client, method)(**parameters)
            self._note_said(method, parameters)
            if not method.startswith(READS):
                self._calls.look_at_pointers()
            return answer
        code, answer = None, {}
        try:
            answer = getattr(self._client, method)(**parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise
        finally:
            self._calls.see(self._called(API_NAMES[method], parameters, code, answer))
        return answer

    def _called(
        self, action: str, parameters: Mapping[str, Any], code: str | None, answer: Any
    ) -> Called:
        return Called(
            self._calls.now(),
            self._invocation.step,
            "rds",
            action,
            self._region,
            dict(parameters),
            code,
            answer,
            self._invocation.operation_id,
            str(self._invocation.number),
        )

    def _note_said(self, method: str, parameters: Mapping[str, Any]) -> None:
        now = self._calls.now()
        if method == "publish":
            self._calls.see(Said(now, "notice", parameters["Subject"] + parameters["Message"]))
        for entry in parameters.get("Entries", ()) if method == "put_events" else ():
            self._calls.see(Said(now, "event", entry["Detail"]))
            self._calls.see(Announced(now, entry["DetailType"], json.loads(entry["Detail"])))


class InstrumentedDatabase:
    """A restored cluster's database as one invocation sees it.

    Its statements are questions of their own.
    """

    def __init__(self, calls: Calls, invocation: Invocation, database: Any) -> None:
        self._calls, self._invocation, self._database = calls, invocation, database
        database.statement = self._statement

    def __getattr__(self, method: str) -> Any:
        def call(*places: Any, **named: Any) -> Any:
            def make() -> Any:
                return getattr(self._database, method)(*places, **named)

            return self._calls.through(
                self._invocation, "postgresql", method, faults.STATEMENT, make, parameters={}
            )

        return call

    def _statement(self, text: str) -> None:
        self._calls.see(Said(self._calls.now(), "sql", text))
        what = text.split(" ", 2)[:2]
        self._calls.through(
            self._invocation,
            "postgresql",
            " ".join(what).lower(),
            faults.BEFORE_PIECE,
            lambda: None,
            parameters={},
        )


class RecordingStore(InMemoryStore):
    """The two tables: every write enters the history, and an index may lag by one write."""

    def __init__(self, see: Callable[[str, TableName, Item | None, Item], None]) -> None:
        super().__init__()
        self._see = see
        self._last: tuple[str, Item | None] | None = None

    def _apply(self, change: Change) -> None:
        stood = self.tables[change.table].get(change.key)
        before = dict(stood) if stood else None
        super()._apply(change)
        if change.table == "state":
            self._last = (change.key, before)
        self._see(change.key, change.table, before, self.tables[change.table][change.key])

    def stale(self, index: str, value: str, up_to: str | None) -> list[Item]:
        """Read an index of the state table as it was before the last write."""
        if self._last is None:
            return list(self.query(index, value, up_to=up_to))
        key, before = self._last
        now = self.tables["state"].pop(key, None)
        if before is not None:
            self.tables["state"][key] = before
        found = list(self.query(index, value, up_to=up_to))
        self.tables["state"].pop(key, None)
        if now is not None:
            self.tables["state"][key] = now
        return found


class InstrumentedStore:
    """The tables as one invocation sees them.

    A call is known by the method of `Operations` that makes it.
    """

    def __init__(self, calls: Calls, invocation: Invocation, store: RecordingStore) -> None:
        self._calls, self._invocation, self._store = calls, invocation, store

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """See `Store.get`."""
        found: Item | None = self._through(faults.RECORD_READ, lambda: self._store.get(key, table))
        return found

    def change(self, change: Change) -> Item:
        """See `Store.change`."""
        if (
            "lease_owner" in change.assign
        ):  # a claim: an RDS event does not say which operation it is about
            self._invocation.operation_id = change.key
        written: Item = self._through(faults.RECORD_WRITE, lambda: self._store.change(change))
        return written

    def change_all(self, *changes: Change) -> None:
        """See `Store.change_all`."""
        self._through(faults.RECORD_WRITE, lambda: self._store.change_all(*changes))

    def query(
        self,
        index: str,
        value: str,
        *,
        up_to: str | None = None,
        newest_first: bool = False,
        page: int = 100,
    ) -> Iterator[Item]:
        """See `Store.query`."""

        def make(*, stale: bool = False) -> list[Item]:
            if stale:
                return self._store.stale(index, value, up_to)
            return list(
                self._store.query(index, value, up_to=up_to, newest_first=newest_first, page=page)
            )

        yield from self._through(faults.INDEX_READ, make)

    def _through(self, options: tuple[str, ...], make: Callable[..., Any]) -> Any:
        caller = sys._getframe(2).f_code.co_name  # noqa: SLF001 # the method of Operations: the call's name
        return self._calls.through(
            self._invocation, "dynamodb", caller, options, make, parameters={}
        )

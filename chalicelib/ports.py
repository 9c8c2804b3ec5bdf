"""What the choreography needs of the world: one value, made once for each invocation, with real defaults."""

import json
import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws import client
from chalicelib.aws.client import Clients, Service
from chalicelib.records.operations import Operations
from chalicelib.records.store import DynamoStore, Store
from chalicelib.settings import Settings

if TYPE_CHECKING:  # psycopg2 is loaded by the one step that needs it
    from chalicelib.database.endpoint import Endpoint, Login
    from chalicelib.database.restored_database import OpenDatabase, RestoredDatabase

ENTRIES_MAX = 10  # of one PutEvents call (API reference)


def open_database(place: "Endpoint", master: "Login", database: str) -> "RestoredDatabase":
    """Open the real database of a restored cluster.

    Imported late, because psycopg2 costs every cold start.
    """
    from chalicelib.database.restored_database import Database  # noqa: PLC0415

    return Database(place, master, database)


def resolves(host: str) -> bool:
    """Tell whether a host name has an address."""
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Ports:
    """The world as one invocation sees it."""

    settings: Settings
    store: Store
    account: str
    partition: str
    region: str
    remaining_seconds: Callable[[], float]
    clients: Clients = client.clients
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    database: "OpenDatabase" = open_database
    resolves: Callable[[str], bool] = resolves

    @property
    def operations(self) -> Operations:
        """The records of this stage."""
        return Operations(self.store)

    def service(self, name: str, region: str | None = None) -> Service:
        """One AWS service, in the app's own region unless said otherwise."""
        return Service(self.clients, name, region or self.region)

    def put_events(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> list[bool]:
        """Put at most `ENTRIES_MAX` events of this stage on the default bus, in one call.

        Tells which were taken.
        """
        source = self.settings.event_source
        details = [
            (kind, json.dumps(detail, ensure_ascii=False)) for kind, detail in entries
        ]  # the bus counts bytes
        answer = self.service("events").call(
            "put_events",
            Entries=[
                {"Source": source, "DetailType": kind, "Detail": detail} for kind, detail in details
            ],
        )
        return ["ErrorCode" not in entry for entry in answer["Entries"]]


def of_lambda(context: Any, settings: Settings | None = None) -> Ports:
    """Compose the real world of an invocation from the environment and the Lambda context.

    Raises SettingsError.
    """
    settings = settings or Settings.of_environment(os.environ)
    _, partition, _, region, account, *_ = context.invoked_function_arn.split(":")
    store = DynamoStore(
        client.clients("dynamodb", region),
        state_table=settings.state_table_name,
        audit_table=settings.audit_table_name,
    )
    return Ports(
        settings=settings,
        store=store,
        account=account,
        partition=partition,
        region=region,
        remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
    )

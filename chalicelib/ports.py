"""The ports: what an invocation uses outside of the app, as one value with real defaults."""

import json
import os
import socket
import time
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


def open_database(endpoint: "Endpoint", master: "Login", database: str) -> "RestoredDatabase":
    """Open the real database of a restored cluster."""
    # Imported here: psycopg2 would slow the cold start of every function.
    from chalicelib.database.restored_database import Database  # noqa: PLC0415

    return Database(endpoint, master, database)


def addresses(host: str) -> frozenset[str]:
    """Resolve a host name; empty where it has no address."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return frozenset()
    return frozenset(str(address[0]) for *_, address in found)


@dataclass(frozen=True)
class Ports:
    """What one invocation works with: settings, records, AWS, the clock, the database."""

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
    addresses: Callable[[str], frozenset[str]] = addresses
    pause: Callable[[float], None] = time.sleep

    @property
    def operations(self) -> Operations:
        """The records of this stage."""
        return Operations(self.store)

    def service(self, name: str, region: str | None = None) -> Service:
        """One AWS service, in the app's own region unless said otherwise."""
        return Service(self.clients, name, region or self.region)

    def put_events(self, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> list[bool]:
        """Put at most `ENTRIES_MAX` events of this stage on the default bus, in one call.

        Returns for each whether the bus took it.
        """
        answer = self.service("events").call(
            "put_events",
            Entries=[
                {
                    "Source": self.settings.event_source,
                    "DetailType": detail_type,
                    # Not escaped to ASCII: EventBridge's limit counts bytes.
                    "Detail": json.dumps(detail, ensure_ascii=False),
                }
                for detail_type, detail in entries
            ],
        )
        return ["ErrorCode" not in entry for entry in answer["Entries"]]


def of_lambda(context: Any, settings: Settings | None = None) -> Ports:
    """Make the ports of an invocation in Lambda from its environment and context.

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

"""The ports of a stage as deployment and doctor have them: also before its tables are made."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from chalicelib.aws.client import Clients
from chalicelib.ports import Ports
from chalicelib.records.store import DynamoStore, Item, TableName
from chalicelib.settings import Settings

NO_TABLE = "ResourceNotFoundException"


class ReadingStore(DynamoStore):
    """The tables as one reads them who may come before them: without them, nothing is recorded.

    Whether the stage has its tables is a check of its own.
    """

    def get(self, key: str, table: TableName = "state") -> Item | None:
        """Read one item, consistently; None before the tables are made."""
        try:
            return super().get(key, table)
        except ClientError as error:
            if error.response["Error"]["Code"] == NO_TABLE:
                return None
            raise


def reading_ports(
    settings: Settings,
    clients: Clients,
    *,
    account: str,
    partition: str,
    region: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Ports:
    """Give the world as a function of the stage sees it."""
    store = ReadingStore(
        clients("dynamodb", region),
        state_table=settings.state_table_name,
        audit_table=settings.audit_table_name,
    )
    return Ports(
        settings=settings,
        store=store,
        account=account,
        partition=partition,
        region=region,
        remaining_seconds=lambda: math.inf,
        clients=clients,
        now=now,
    )

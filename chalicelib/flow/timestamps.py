"""Timestamps, as records and events write them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer


def iso_timestamp(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds: its fixed width sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, PlainSerializer(iso_timestamp, return_type=str)]

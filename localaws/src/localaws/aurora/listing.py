"""Lists as the describe actions give them: filtered, in pages."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from localaws.aurora.errors import invalid_value, not_modelled
from localaws.aurora.state import Answer, Request

T = TypeVar("T")
PAGE_LEAST = 20
PAGE_MOST = 100


def page(
    request: Request,
    name: str,
    items: Iterable[T],
    key: Callable[[T], str],
    show: Callable[[T], Answer],
) -> Answer:
    """Return one page under `name`, in the order of `key`, with a Marker when more follow.

    MaxRecords lies between 20 and 100, as for every describe action of RDS; only what is on the
    page is rendered.
    """
    size = request.get("MaxRecords", PAGE_MOST)
    if not PAGE_LEAST <= size <= PAGE_MOST:
        raise invalid_value(
            f"MaxRecords is {size}, but must be between {PAGE_LEAST} and {PAGE_MOST}."
        )
    after = _read_marker(request.get("Marker"))
    rest = sorted((item for item in items if key(item) > after), key=key)
    answer: Answer = {name: [show(item) for item in rest[:size]]}
    if len(rest) > size:
        answer["Marker"] = base64.urlsafe_b64encode(key(rest[size - 1]).encode()).decode()
    return answer


def _read_marker(marker: str | None) -> str:
    try:
        return base64.urlsafe_b64decode(marker.encode()).decode() if marker else ""
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_value("The Marker was not returned by an earlier call.") from None


def read_filters(
    request: Request, *, modelled: set[str], documented: Iterable[str] = ()
) -> dict[str, set[str]]:
    """Return the Filters parameter as name to values in lower case.

    AWS refuses names that it does not know.
    """
    filters = {
        item["Name"]: {str(value).lower() for value in item["Values"]}
        for item in request.get("Filters", [])
    }
    for name in filters:
        if name in documented:
            raise not_modelled(f"The filter {name!r}")
        if name not in modelled:
            raise invalid_value(f"The filter name {name!r} is not recognised.")
    return filters


def passes(filters: dict[str, set[str]], facts: dict[str, str]) -> bool:
    """Tell whether a resource with these facts passes every filter.

    An ARN stands for the identifier at its end.
    """
    return all(
        facts[name] in {last_part(value) for value in values} for name, values in filters.items()
    )


def last_part(value: str) -> str:
    """Give the identifier at the end of an ARN, and anything else as it is."""
    return value.split(":", 6)[-1] if value.startswith("arn:") else value

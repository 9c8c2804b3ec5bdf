"""Identifiers and other values as AWS accepts them."""

import re
from collections.abc import Iterable
from typing import Any

from localaws.aurora.errors import invalid_combination, invalid_value, not_modelled
from localaws.aurora.state import Request

IDENTIFIER_LENGTH_MAX = 63
GROUP_NAME_LENGTH_MAX = 255
_IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_GROUP_NAME = re.compile(r"[a-z](?:-?[a-z0-9._ ])*")
_DAILY_WINDOW = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_WEEKLY_WINDOW = re.compile(
    r"(?:mon|tue|wed|thu|fri|sat|sun):\d\d:\d\d-(?:mon|tue|wed|thu|fri|sat|sun):\d\d:\d\d"
)
_PASSWORD = re.compile(r"[!-~]{8,41}")
_PASSWORD_NEVER = frozenset("/\"@'")


def new_identifier(request: Request, name: str) -> str:
    """Return the identifier for something new, in lower case, or refuse it.

    One to 63 letters, digits and hyphens; begins with a letter; no hyphen at the end and no two in
    a row. So no new snapshot can be called `rds:…`.
    """
    value = str(request[name])
    if len(value) > IDENTIFIER_LENGTH_MAX or not _IDENTIFIER.fullmatch(value):
        raise invalid_value(
            f"{name} {value!r} is not a valid identifier: it has one to {IDENTIFIER_LENGTH_MAX} "
            "letters, digits and single hyphens, begins with a letter and does not end with a "
            "hyphen."
        )
    return value.lower()


def new_group_name(request: Request, name: str) -> str:
    """Return the name for a new group, in lower case; `default` and its kind are AWS's own."""
    value = str(request[name]).lower()
    if (
        len(value) > GROUP_NAME_LENGTH_MAX
        or not _GROUP_NAME.fullmatch(value)
        or value.split(".")[0] == "default"
    ):
        raise invalid_value(f"{name} {value!r} is not a valid name for a new group.")
    return value


def one_of(request: Request, name: str, allowed: Iterable[str], default: str) -> str:
    """Return a parameter that has a few allowed values."""
    value = str(request.get(name, default))
    if value not in allowed:
        raise invalid_value(
            f"{name} is {value!r}, but can only be one of {', '.join(sorted(allowed))}."
        )
    return value


def only(request: Request, name: str, modelled: Any) -> None:
    """Refuse any value of a parameter except the one that localaws models."""
    if request.get(name, modelled) != modelled:
        raise not_modelled(f"{name} {request[name]!r}")


def number(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    """Return a number between two bounds."""
    value = int(request.get(name, default))
    if not least <= value <= most:
        raise invalid_value(f"{name} is {value}, but must be between {least} and {most}.")
    return value


def daily_window(request: Request, default: str) -> str:
    """Return PreferredBackupWindow, `hh:mm-hh:mm` in UTC."""
    value = str(request.get("PreferredBackupWindow", default))
    if not _DAILY_WINDOW.fullmatch(value):
        raise invalid_value(f"PreferredBackupWindow {value!r} is not of the form hh24:mi-hh24:mi.")
    return value


def weekly_window(request: Request, default: str) -> str:
    """Return PreferredMaintenanceWindow, `ddd:hh:mm-ddd:hh:mm` in UTC."""
    value = str(request.get("PreferredMaintenanceWindow", default)).lower()
    if not _WEEKLY_WINDOW.fullmatch(value):
        raise invalid_value(
            f"PreferredMaintenanceWindow {value!r} is not of the form ddd:hh24:mi-ddd:hh24:mi."
        )
    return value


def master_password(request: Request) -> str:
    r"""Return MasterUserPassword, or refuse it without repeating it.

    8 to 41 printable ASCII characters without `/`, `"` and `@` (botocore), and without `'` and
    space (the limits page of the Aurora guide): where the two differ, the stricter holds here.
    """
    password = str(request["MasterUserPassword"])
    if not _PASSWORD.fullmatch(password) or _PASSWORD_NEVER & set(password):
        raise invalid_value(
            "The parameter MasterUserPassword is not valid: it has 8 to 41 printable ASCII "
            "characters other than slash, at sign, quotes and space."
        )
    return password


def engine(request: Request) -> None:
    """Refuse engines other than Aurora PostgreSQL."""
    if request["Engine"] != "aurora-postgresql":
        raise not_modelled(f"Engine {request['Engine']!r}")


def refuse_together(request: Request, first: str, second: str) -> None:
    """Refuse two parameters that exclude each other."""
    if first in request and second in request:
        raise invalid_combination(f"{first} and {second} cannot be given together.")

"""Which role names mean what (RDS's own, reserved, possible users), and how SQL writes a name.

The in-memory twin judges by the same rules.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from chalicelib.database import scram
from chalicelib.database.endpoint import Login
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.text_limits import listed

ROLES_PER_STATEMENT = 200
NAME_BYTES_MAX = 63  # NAMEDATALEN - 1: PostgreSQL cuts longer names, and two of them may become one
RESERVED = frozenset({"public", "none"})  # refused by CREATE ROLE even in quotes

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# Words that are no names without quotes: reserved, or only functions and types may have them
# (PostgreSQL documentation, appendix C).
_SQL_WORDS_TEXT = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast
    check collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user default
    deferrable desc distinct do else end except false fetch for foreign freeze from full grant
    group having ilike in initially inner intersect into is isnull join lateral leading left
    like limit localtime localtimestamp natural none not notnull null offset on only or order
    outer overlaps placing primary public references returning right select session_user similar
    some symmetric system_user table tablesample then to trailing true union unique user using
    variadic verbose when where window with
"""
_SQL_WORDS = frozenset(_SQL_WORDS_TEXT.split())


def quote_identifier(name: str) -> str:
    """Write a name as SQL has it, in quotes where it needs them: people run these statements."""
    if _PLAIN_NAME.fullmatch(name) and name not in _SQL_WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def refuse_open(names: Collection[str]) -> None:
    """Refuse a copy that these roles can still log in to with production's passwords."""
    if names:
        raise RefusedError(
            f"Production's passwords still open the copy for {listed(sorted(names))}: the master "
            "may not alter them.",
            "Name those that may log in to the copy in KEEP_LOGIN_ROLES. Or run GRANT <role> TO "
            "<master user> WITH ADMIN OPTION in production, which helps with later snapshots only.",
        )


def refuse_attributes(name: str, attributes: Collection[str]) -> None:
    """Refuse a user that production made more than the master user can take back."""
    if attributes:
        raise RefusedError(
            f"User {name} came with production as {' '.join(attributes)}, which the master user "
            "cannot take away.",
            "Name another user in the application secret.",
        )


def check_users(master: str, application: Login, readonly: Login) -> None:
    """Refuse names and passwords that cannot or must not be those of our two users."""
    if application.username == readonly.username:
        raise RefusedError(
            f"The application and the read-only user have the same name, {application.username}.",
            "Give them two names in the application secret.",
        )
    for login in (application, readonly):
        _check_name(login.username, master)
        check_password(login)


def check_password(login: Login) -> None:
    """Refuse a password that not every PostgreSQL driver sends the same way."""
    if not scram.is_plain(login.secret):
        raise RefusedError(
            f"The password of user {login.username} is empty or has characters outside printable "
            "ASCII.",
            "Choose one of printable ASCII characters: drivers differ in how they prepare others "
            "(SASLprep).",
        )


def _check_name(name: str, master: str) -> None:
    if name == master:
        raise RefusedError(
            f"User {name} is the master user.", "Name another user in the application secret."
        )
    if name.lower().startswith(("pg_", "rds")) or name in RESERVED:
        raise RefusedError(
            f"The user name {name} belongs to PostgreSQL or to RDS (pg_*, rds*, public, none).",
            "Name another user in the application secret.",
        )
    if not name.isprintable() or not 1 <= len(name.encode()) <= NAME_BYTES_MAX:
        raise RefusedError(
            f"The user name {name!r} is empty, longer than {NAME_BYTES_MAX} bytes or has "
            "unprintable characters.",
            "Name another user in the application secret.",
        )


def batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the names in batches, because no statement should grow with the cluster."""
    for first in range(0, len(names), size):
        yield names[first : first + size]

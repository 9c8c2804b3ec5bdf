"""What a dump makes that exists, or drops that does not.

pg_dumpall begins with every role of its cluster; with --clean it drops them, and each database,
first.
"""

from collections.abc import Iterable
from typing import Final

from localaws.postgres.dumps import changed, dropped, made, plain_name
from localaws.postgres.server import SUPERUSER
from localaws.postgres.statements import Piece, edited

ROLE: Final = ("role", "user", "group")
IF_EXISTS: Final = b" IF EXISTS"
_DROPPED: Final = frozenset(
    {"access method", "aggregate", "cast", "collation", "conversion", "domain", "event trigger"}
    | {"extension", "foreign data wrapper", "foreign table", "function", "index", "language"}
    | {"materialized view", "operator", "operator class", "operator family", "policy", "procedure"}
    | {"procedural language", "publication", "rule", "schema", "sequence", "server", "statistics"}
    | {"table", "tablespace", "text search configuration", "text search dictionary", "transform"}
    | {"text search parser", "text search template", "trigger", "type", "user mapping", "view"}
)


class Existing:
    """The roles and databases that are there, followed through a dump."""

    def __init__(self, roles: Iterable[str], databases: Iterable[str]) -> None:
        self._roles, self._databases = frozenset(roles), set(databases)
        self._made = set[str]()
        self._superusers = set[str]()

    def fit(self, piece: Piece) -> bytes | None:
        """Return what stands in place of a statement; None where it stays as it is."""
        if piece.begins("create role", "create user", "create group", "alter role", "alter user"):
            return _blank(piece) if self._role_is_there(piece) else None
        if piece.begins("create database", "drop database"):
            return _blank(piece) if self._database_is_as_wanted(piece) else None
        if piece.begins("drop role", "drop user", "drop group"):
            name = dropped(piece, *ROLE)
            return (
                _blank(piece)
                if name and name not in self._made and "," not in piece.words
                else None
            )
        if piece.begins("grant", "revoke"):
            return self._granted_by_the_first(piece)
        return _made_once(piece) or _dropped_if_there(piece)

    def _role_is_there(self, piece: Piece) -> bool:
        """Tell whether a statement makes or changes a role that exists already."""
        role, altered = made(piece, *ROLE), changed(piece, *ROLE)
        if (name := role or altered) and "superuser" in piece.words:
            self._superusers.add(name)
        if role:
            self._made |= {role} - self._roles
            return role in self._roles
        if altered not in self._roles:
            return False
        return altered == SUPERUSER or not {"set", "reset"} & set(piece.words)

    def _database_is_as_wanted(self, piece: Piece) -> bool:
        if name := made(piece, "database"):
            is_there = name in self._databases
            self._databases.add(name)
            return is_there
        name = dropped(piece, "database")
        is_there = name in self._databases
        self._databases -= {name}
        return not is_there

    def _granted_by_the_first(self, piece: Piece) -> bytes | None:
        """Put this server's first superuser where the dump's own granted a membership.

        From 16 on any superuser grants in the name of the first; a grantor needs ADMIN OPTION
        otherwise.
        """
        words = [token.text for token in piece.tokens]
        if "on" in words or words[-3:-1] != ["granted", "by"]:
            return None
        grantor = piece.tokens[-1]
        if plain_name(grantor.text) not in self._superusers:
            return None
        return edited(piece.raw, [(grantor.start, grantor.end, SUPERUSER.encode())])


def _made_once(piece: Piece) -> bytes | None:
    """Make what each new database has already, unless the dump dropped it before."""
    if piece.words in (["create", "schema", "public"], ["create", "extension", "plpgsql"]):
        return _inserted(piece, 1, b" IF NOT EXISTS")
    words = [word for word in piece.words if word not in ("or", "replace", "trusted", "procedural")]
    if words == ["create", "language", "plpgsql"]:
        start, end = piece.tokens[0].start, piece.tokens[-1].end
        return edited(piece.raw, [(start, end, b"CREATE EXTENSION IF NOT EXISTS plpgsql")])
    return None


def _dropped_if_there(piece: Piece) -> bytes | None:
    """Let `pg_dump --clean` drop from a new database, as with --if-exists."""
    words = piece.words
    if piece.begins("alter table") and "if" not in words and "drop" in words:
        raw = _inserted(piece, 1, IF_EXISTS)
        if words[-3:-1] == ["drop", "constraint"]:
            at = len(piece.tokens) - 2
            ends = [piece.tokens[place].end for place in (1, at)]
            raw = edited(piece.raw, [(end, end, IF_EXISTS) for end in ends])
        return raw
    if not piece.begins("drop") or "if" in words:
        return None
    for last in (3, 2, 1):
        if " ".join(words[1 : last + 1]) in _DROPPED:
            return _inserted(piece, last, IF_EXISTS)
    return None


def _inserted(piece: Piece, place: int, text: bytes) -> bytes:
    """Put a text behind a token."""
    end = piece.tokens[place].end
    return edited(piece.raw, [(end, end, text)])


def _blank(piece: Piece) -> bytes:
    return b"\n" * piece.raw.count(b"\n")

"""What a dump needs that it does not bring, roles and extensions.

And what of it is not run here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from localaws.postgres.statements import Piece, PieceKind, is_copy, read_pieces

_NOBODY: Final = frozenset(
    {"public", "current_user", "current_role", "session_user", "user", "default", "none", "all"}
)
_NAME: Final = re.compile(r"[^\W\d][\w$]*")

_ROLES_AFTER: Final[tuple[tuple[str, str], ...]] = (
    ("alter", "owner to"),
    ("alter default privileges", "for role"),
    ("alter default privileges", "for user"),
    ("alter default privileges", "to"),
    ("alter default privileges", "from"),
    ("alter group", "add user"),
    ("alter policy", "to"),
    ("alter user mapping", "for"),
    ("comment on role", "role"),
    ("create database", "owner"),
    ("create policy", "to"),
    ("create schema", "authorization"),
    ("create tablespace", "owner"),
    ("create user mapping", "for"),
    ("create role", "role"),
    ("create role", "user"),
    ("create role", "in group"),
    ("create role", "admin"),
    ("create user", "role"),
    ("create user", "in group"),
    ("create user", "admin"),
    ("drop owned", "by"),
    ("grant", "to"),
    ("grant", "granted by"),
    ("reassign owned", "by"),
    ("reassign owned", "to"),
    ("revoke", "from"),
    ("revoke", "granted by"),
    ("security label", "on role"),
    ("set role", "role"),
    ("set session authorization", "authorization"),
)
"""How a statement begins, and after which of its words outside parentheses it lists roles."""

_NAMING: Final = frozenset(head.split()[0] for head, _ in _ROLES_AFTER)

_COMMAND: Final = re.compile(rb"\\(\w+|\S)")
_CONNECT: Final = re.compile(
    rb"""\\c(?:onnect)?\s+(?:-reuse-previous=on\s+)?(?P<name>[\w.$-]+|"(?:[^"]|"")+")\s*;*\s*"""
)
_DATABASE: Final = re.compile(r"dbname='((?:[^'\\]|\\.)*)'")
_ENCODING: Final = re.compile(rb"\\encoding\s+([\w-]+)\s*;*\s*")
_IDLE: Final = re.compile(
    rb"\\(?:restrict|unrestrict|echo|timing|pset|set ON_ERROR_STOP)(?:\s[^\\`]*)?"
)
"""Commands that change nothing: pg_dump's restricted mode, and what is only shown."""


@dataclass
class Needs:
    """What a whole dump asks of the server, and one sentence for each thing that is not run."""

    roles: set[str] = field(default_factory=set)
    extensions: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


def survey(dump: Path) -> Needs:
    """Read a dump through: roles that it names and does not create, extensions, refusals."""
    needs, created = Needs(), set[str]()
    for piece in read_pieces(dump):
        needs.roles |= roles_named(piece)
        created |= {name for name in (made(piece, "role", "user", "group"),) if name}
        needs.extensions |= {name for name in (made(piece, "extension"),) if name}
        if reason := why_refused(piece):
            needs.refused.append(f"Line {piece.line} of {dump} {reason}")
    needs.roles -= created
    return needs


def roles_named(piece: Piece) -> set[str]:
    """Return the roles that a statement names, wherever its kind of statement can name one."""
    if not piece.words or piece.words[0] not in _NAMING:
        return set()
    heads = [(head, mark) for head, mark in _ROLES_AFTER if piece.begins(head)]
    words = piece.words if heads else []
    found = {name for _, mark in heads for name in _names_after(words, mark.split())}
    found |= {name for name in (changed(piece, "role", "user", "group"),) if name}
    if piece.begins("grant", "revoke") and "on" not in words:  # a role is granted, not a privilege
        found |= set(_names_after(words, ["for"] if "option" in words[:4] else words[:1]))
    return found


def _names_after(words: Sequence[str], mark: Sequence[str]) -> Iterator[str]:
    """Yield the names of each list that follows the mark."""
    for place in range(len(words)):
        after = place + len(mark)
        if list(words[place:after]) != list(mark) or words[max(place - 1, 0)] == "rename":
            continue
        after += words[after : after + 1] in (["="], ["to"])
        while after < len(words):
            after += words[after] == "group" and after + 1 < len(words)
            if name := plain_name(words[after]):
                yield name
            if words[after + 1 : after + 2] != [","]:
                break
            after += 2


def plain_name(word: str) -> str | None:
    """Return the name that a word spells, or None where it can be no role's."""
    if word.startswith(('"', "'")):
        return word[1:] or None
    return word if _NAME.fullmatch(word) and word not in _NOBODY else None


def made(piece: Piece, *kinds: str) -> str | None:
    """Return the name of what a CREATE of one of the kinds makes."""
    return _named("create", piece, kinds)


def changed(piece: Piece, *kinds: str) -> str | None:
    """Return the name of what an ALTER of one of the kinds changes."""
    return _named("alter", piece, kinds)


def dropped(piece: Piece, *kinds: str) -> str | None:
    """Return the name of what a DROP of one of the kinds drops first."""
    return _named("drop", piece, kinds)


def _named(verb: str, piece: Piece, kinds: Sequence[str]) -> str | None:
    if piece.words[:1] != [verb]:
        return None
    match [word for word in piece.words[:6] if word not in ("if", "not", "exists")]:
        case [_, kind, name, *_] if kind in kinds and name != "mapping":
            return plain_name(name)
    return None


def why_refused(piece: Piece) -> str | None:
    """Say why a piece is not run, because it could reach programs or files; or return None."""
    if piece.kind is PieceKind.COMMAND:
        if is_idle(piece) or encoding_of(piece) or database_to_enter(piece):
            return None
        name = _COMMAND.match(piece.raw)
        return (
            f"has psql's command \\{name[1].decode('utf-8', 'replace') if name else ''}, which is "
            "not run: psql's commands can reach programs, files and other servers. A dump may "
            "have \\connect with a database, \\encoding, and the end of rows."
        )
    if _copies_outside(piece.words):
        return (
            "has a COPY from or to a file or program of the server, which Aurora refuses too. "
            "Write COPY … FROM stdin, as pg_dump does."
        )
    return None


def _copies_outside(words: Sequence[str]) -> bool:
    pairs = pairwise(words) if words[:1] == ["copy"] else ()
    return any(word in ("from", "to") and place.startswith("'") for word, place in pairs) or (
        is_copy(words, "from", "program") or is_copy(words, "to", "program")
    )


def is_idle(piece: Piece) -> bool:
    """Tell whether a command of psql changes nothing in a database."""
    return _IDLE.fullmatch(piece.raw.rstrip()) is not None


def encoding_of(piece: Piece) -> str | None:
    """Return the encoding that a command of psql names for what follows."""
    found = _ENCODING.fullmatch(piece.raw)
    return found[1].decode("ascii", "replace") if found else None


def database_to_enter(piece: Piece) -> str | None:
    r"""Return the database that `\connect` enters; None for another server, user or command."""
    found = _CONNECT.fullmatch(piece.raw)
    if found is None:
        return None
    name = found["name"].decode("utf-8", "replace")
    if name.startswith('"'):
        name = name[1:-1].replace('""', '"')
    if "=" not in name:
        return name if not name.startswith("-") and "\\" not in name else None
    told = _DATABASE.fullmatch(name)
    return re.sub(r"\\(.)", r"\1", told[1]) if told else None

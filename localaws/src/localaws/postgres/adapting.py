"""A dump as this server takes it: what cannot mean anything here is left out or replaced, and told.

Only this is touched: what is there already or never was there, settings that the server does not
know, locales and collations that it does not have, folders of tablespaces, and psql's own commands.
Everything keeps its line.
"""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2.sql import SQL, Composed, Literal

from localaws.postgres.dumps import database_to_enter, encoding_of, plain_name
from localaws.postgres.existing import Existing
from localaws.postgres.server import PostgresServer
from localaws.postgres.statements import Piece, PieceKind, Token, edited, read_pieces

INSTEAD: Final = "C"  # the locale that every server has
_LOCALE_OPTIONS: Final = frozenset(
    {
        "locale",
        "lc_collate",
        "lc_ctype",
        "icu_locale",
        "builtin_locale",
        "icu_rules",
        "locale_provider",
    }
    | {"collation_version", "provider", "rules", "version"}
)
_LOCALES: Final = ("locale", "lc_collate", "lc_ctype", "icu_locale", "builtin_locale")


class ServerContents:
    """What a server has, asked of it once."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.roles = self._ask("SELECT rolname FROM pg_catalog.pg_roles")
        self.databases = self._ask("SELECT datname FROM pg_catalog.pg_database")
        self.extensions = self._ask("SELECT name FROM pg_catalog.pg_available_extensions")
        self.collations = self._ask(
            "SELECT collname FROM pg_catalog.pg_collation WHERE collnamespace = "
            "'pg_catalog'::pg_catalog.regnamespace"
        )
        self.version = self._ask("SHOW server_version_num").pop()
        self._settings: dict[str, bool] = {}
        self._locales: dict[tuple[str, str], bool] = {}

    @property
    def major(self) -> str:
        """The major version."""
        return str(int(self.version) // 10_000)

    def knows(self, setting: str) -> bool:
        """Tell whether a setting can be set; a name with a dot is anybody's own."""
        if setting not in self._settings:
            query = "SELECT pg_catalog.current_setting(%s, true) IS NOT NULL"
            self._settings[setting] = "." in setting or self._ask(query, setting) == {True}
        return self._settings[setting]

    def has_locale(self, provider: str, locale: str) -> bool:
        """Tell whether there is a locale, by making a collation of it that does not last."""
        key = (provider, locale)
        if key not in self._locales:
            collation = SQL("CREATE COLLATION pg_temp.tried (provider = {}, locale = {})")
            self._locales[key] = self._takes(collation.format(Literal(provider), Literal(locale)))
        return self._locales[key]

    def _takes(self, statement: Composed) -> bool:
        with self._server.session("template1") as cursor:
            try:
                cursor.execute(statement)
            except psycopg2.Error:  # of the server, which says no
                return False
        return True

    def _ask(self, query: str, *values: str) -> set[Any]:
        with self._server.session() as cursor:
            cursor.execute(query, values or None)
            return {value for (value,) in cursor.fetchall()}


class Adapted:
    """A dump on its way to psql, which reads it in restricted mode under `key`."""

    def __init__(self, dump: Path, server: ServerContents) -> None:
        self._dump, self._server = dump, server
        self.key = secrets.token_hex(16)
        self._existing = Existing(server.roles, server.databases)
        self._told: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """What was left out or put differently, a sentence for each."""
        return list(self._told.values())

    def lines(self) -> Iterator[bytes]:
        """Yield the dump, piece by piece, as psql is given it."""
        for piece in read_pieces(self._dump):
            if piece.kind is PieceKind.COMMAND:
                yield self._command(piece)
            elif piece.kind is PieceKind.ROWS or not piece.tokens:
                yield piece.raw
            else:
                yield self._statement(piece)

    def _command(self, piece: Piece) -> bytes:
        """Lift psql's restricted mode for one command that was checked, and restore it."""
        encoding = encoding_of(piece)
        command = f"\\encoding {encoding}" if encoding else ""
        if database := database_to_enter(piece):
            escaped = database.replace("\\", "\\\\").replace("'", "\\'").replace('"', '""')
            command = f"\\connect -reuse-previous=on \"dbname='{escaped}'\""
        return (
            f"\\unrestrict {self.key} {command} \\restrict {self.key}".encode() if command else b""
        )

    def _statement(self, piece: Piece) -> bytes:
        fitting = self._existing.fit(piece)
        if fitting is not None:
            return fitting
        if setting := self._unknown_setting(piece):
            self._note(
                piece,
                f"sets {setting}, which PostgreSQL {self._server.major} does not know; it is left "
                "out.",
            )
            return _blank(piece)
        if piece.begins("create tablespace"):
            return self._within_the_data(piece)
        if piece.begins("create database", "create collation"):
            return self._with_locale(piece)
        return self._with_collations(piece)

    def _unknown_setting(self, piece: Piece) -> str | None:
        """Return the setting that a statement sets and the server does not know."""
        setting = _setting(piece)
        if setting is None:
            return None
        name, value = setting
        if (
            name.startswith("lc_")
            and value not in ("", "default")
            and not self._server.has_locale("libc", value)
        ):
            return f"{name} to {value}"
        return None if self._server.knows(name) else name

    def _with_locale(self, piece: Piece) -> bytes:
        """Give a database or collation the locale C where its own is missing."""
        options = dict(_options(piece.tokens))
        asked = set(_locales_asked(options))
        missing = sorted(
            locale for provider, locale in asked if not self._server.has_locale(provider, locale)
        )
        if not missing or _tells_letters_apart(piece):
            return piece.raw
        named = " and ".join(dict.fromkeys(missing))
        self._note(
            piece,
            f"asks for the locale {named}, which this server does not have; it gets {INSTEAD}.",
        )
        return edited(piece.raw, [_edit(name, *span) for name, span in options.items()])

    def _within_the_data(self, piece: Piece) -> bytes:
        """Put a tablespace into the data folder, where it is part of snapshots.

        Its own folder is another machine's.
        """
        location = piece.tokens[-1]
        self._note(
            piece,
            "places a tablespace into a folder of its own; it is placed among the other data.",
        )
        return edited(piece.raw, [(location.start, location.end, b"''")])

    def _with_collations(self, piece: Piece) -> bytes:
        """Make the collations of the system that a statement names and the server has not."""
        made_first = b""
        for name in _system_collations(piece.tokens):
            if name not in self._server.collations:
                quoted = '"' + name.replace('"', '""') + '"'
                collation = f"pg_catalog.{quoted} (provider = libc, locale = '{INSTEAD}')"
                made_first += f"CREATE COLLATION IF NOT EXISTS {collation}; ".encode()
                self._note(
                    piece,
                    f"sorts by the collation {name}, which this server does not have; it is made "
                    f"of {INSTEAD}.",
                )
        return made_first + piece.raw

    def _note(self, piece: Piece, what: str) -> None:
        """Tell something once, with the first line that it is true of."""
        line = piece.line + piece.raw[: piece.tokens[0].start].count(b"\n")
        self._told.setdefault(what, f"Line {line} of {self._dump} {what}")


def _blank(piece: Piece) -> bytes:
    return b"\n" * piece.raw.count(b"\n")


def _setting(piece: Piece) -> tuple[str, str] | None:
    """Return the name and the value that a statement sets for a session, a role or a database."""
    words = [token.text for token in piece.tokens]
    match [word for word in words if word not in ("pg_catalog", ".")]:
        case ["select", "set_config", "(", name, ",", value, ",", _, ")"]:
            return name.lstrip("'").lower(), value.lstrip("'")
    if piece.begins("alter role", "alter user", "alter database") and "set" in words:
        words = words[words.index("set") :]
    elif not piece.begins("set"):
        return None
    words = [word for word in words[1:] if word not in ("session", "local")]
    for place, word in enumerate(words[:-1]):
        if word in ("=", "to"):
            name = "".join(part.removeprefix('"') for part in words[:place])
            return name.lower(), words[place + 1].lstrip("'\"")
    return None


def _options(tokens: Sequence[Token]) -> Iterator[tuple[str, tuple[Token, Token]]]:
    """Yield the options of a locale, each with its first token and its value."""
    for place, token in enumerate(tokens[:-1]):
        if token.text in _LOCALE_OPTIONS and place > 1:
            after = place + (2 if tokens[place + 1].text == "=" else 1)
            if after < len(tokens):
                yield token.text, (token, tokens[after])


def _locales_asked(options: dict[str, tuple[Token, Token]]) -> Iterator[tuple[str, str]]:
    """Yield provider and name of each locale.

    Of ICU's databases LOCALE is libc's where ICU_LOCALE stands too.
    """
    values = {name: plain_name(span[1].text) for name, span in options.items()}
    own = values.get("locale_provider") or values.get("provider") or "libc"
    has_two = bool({"icu_locale", "builtin_locale"} & set(values))
    providers = {"locale": "libc" if has_two else own, "lc_collate": "libc", "lc_ctype": "libc"}
    for name in _LOCALES:
        if locale := values.get(name):
            yield providers.get(name, own), locale


def _tells_letters_apart(piece: Piece) -> bool:
    """Tell whether a collation is not deterministic, which no locale of libc can be."""
    words = [token.text for token in piece.tokens]
    return "deterministic" in words and bool({"false", "off"} & set(words))


def _edit(name: str, first: Token, value: Token) -> tuple[int, int, bytes]:
    """Return what replaces an option: another value, or nothing where libc has none."""
    if name in ("locale_provider", "provider"):
        return value.start, value.end, b"libc"
    if name in ("locale", "lc_collate", "lc_ctype"):
        return value.start, value.end, f"'{INSTEAD}'".encode()
    return first.start, value.end, b""


def _system_collations(tokens: Sequence[Token]) -> Iterator[str]:
    for place in range(len(tokens) - 3):
        head = [token.text for token in tokens[place : place + 3]]
        if head == ["collate", "pg_catalog", "."]:
            yield tokens[place + 3].text.removeprefix('"')

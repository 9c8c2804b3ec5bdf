"""A file of SQL, divided as psql divides it: statements, psql's own commands, and rows of a COPY.

Quotes, dollar quotes, comments, parentheses and `BEGIN ATOMIC` bodies are followed, over any number
of lines. The file is mapped into memory and never held whole.
"""

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

ROWS_BYTES_MAX: Final = 1 << 20  # of one piece
TOKENS_MAX: Final = 10_000  # of one statement; a long INSERT has more, and nobody asks for them
TEXT_BYTES_MAX: Final = 1_000  # of one string

_TOKEN: Final = re.compile(
    rb"""(?P<space>\s+|--[^\n]*+)
    |(?P<string>'(?:[^']++|'')*+'?)
    |(?P<escaped>[eE]'(?:[^'\\]++|\\.|'')*+'?)
    |(?P<dollar>\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$)
    |(?P<quoted>"(?:[^"]++|"")*+"?)
    |(?P<word>[A-Za-z_\x80-\xff][\w$\x80-\xff]*)
    |(?P<number>\d[\w.]*)
    |(?P<comment>/\*)
    |(?P<separator>\\[;:])
    |(?P<command>\\)
    |(?P<symbol>.)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN: Final = re.compile(
    rb"""(?:[^'"$/\\;A-Za-z_\x80-\xff-]++
    |[A-Za-z_\x80-\xff][\w$\x80-\xff]*+(?!')
    |'(?:[^']++|'')*+'
    |"(?:[^"]++|"")*+"){0,1000}""",
    re.VERBOSE | re.DOTALL,
)
"""What an INSERT mostly is, taken many at once: dumps are full of them.

The repetition is not possessive: Python 3.11.2 then keeps what a part of it had matched before it
failed, which 3.11.7 does not (both tried). It is bounded, so that it remembers little.
"""

_ESCAPED: Final = re.compile(rb"'(?:[^'\\]++|\\.|'')*+'?", re.DOTALL)
_COMMENT_EDGE: Final = re.compile(rb"/\*|\*/")
_END_OF_ROWS: Final = re.compile(rb"^\\\.\r?$", re.MULTILINE)
_CODECS: Final = re.compile(
    r"latin([1-9]|10)|cp(125[0-8]|866|874)|koi8[ru]|euc(jp|kr|cn)|sjis|big5|gbk|gb18030|johab"
)


class PieceKind(Enum):
    """What a piece of the file is."""

    STATEMENT = "statement"
    COMMAND = "command"  # a backslash and the rest of its line
    ROWS = "rows"


@dataclass(frozen=True)
class Token:
    """A word in lower case, `"` and a quoted name, `'` and a string, or a symbol.

    Offsets in its piece.
    """

    text: str
    depth: int
    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """A part of the file, which begins on a line; all pieces together are the file."""

    kind: PieceKind
    raw: bytes
    line: int
    tokens: Sequence[Token] = ()

    @cached_property
    def words(self) -> list[str]:
        """The tokens outside parentheses."""
        return [token.text for token in self.tokens if token.depth == 0]

    def begins(self, *heads: str) -> bool:
        """Tell whether it begins with the words of one of the heads."""
        words = [token.text for token in self.tokens[:4]]
        return any(words[: len(head)] == head for head in map(str.split, heads))


def read_pieces(file: Path) -> Iterator[Piece]:
    """Yield a file's pieces in their order."""
    if file.stat().st_size == 0:  # which cannot be mapped
        return
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield from _Reader(text).pieces()


class _Reader:
    """Where reading is, and what the statements read so far say of how to read on."""

    def __init__(self, text: mmap.mmap) -> None:
        self._text = text
        self._at, self._line = 0, 1
        self._backslash_escapes = False
        self._codec = "utf-8"

    def pieces(self) -> Iterator[Piece]:
        while self._at < len(self._text):
            if self._text[self._at : self._at + 1] == b"\\":
                yield self._take(PieceKind.COMMAND, self._end_of_line())
                continue
            statement = self._statement()
            yield statement
            self._heed(statement.words)
            if is_copy(statement.words, "from", "stdin"):
                yield self._take(PieceKind.STATEMENT, self._end_of_line())
                yield from self._rows()

    def _take(self, kind: PieceKind, end: int, tokens: Sequence[Token] = ()) -> Piece:
        piece = Piece(kind, self._text[self._at : end], self._line, tokens)
        self._at, self._line = end, self._line + piece.raw.count(b"\n")
        return piece

    def _end_of_line(self) -> int:
        end = self._text.find(b"\n", self._at)
        return len(self._text) if end < 0 else end

    def _rows(self) -> Iterator[Piece]:
        """Take the rows with the line that ends them."""
        found = _END_OF_ROWS.search(self._text, self._at)
        end = found.end() if found else len(self._text)
        while self._at < end:
            yield self._take(PieceKind.ROWS, min(self._at + ROWS_BYTES_MAX, end))

    def _statement(self) -> Piece:
        """Take what ends with a semicolon, or before a command or the end of the file."""
        tokens, at, nesting = list[Token](), self._at, _Nesting()
        while at < len(self._text):
            at = self._past_values(at, tokens)
            start, kind, end = self._next(at)
            if kind == "command":
                break
            at = end
            if kind in ("space", "comment"):
                continue
            text = self._spell(kind, self._text[start : min(end, start + TEXT_BYTES_MAX)])
            nesting.follow(text, tokens)
            if text == ";" and nesting.is_outside:
                break
            if len(tokens) < TOKENS_MAX:
                tokens.append(Token(text, nesting.depth, start - self._at, end - self._at))
        return self._take(PieceKind.STATEMENT, at, tokens)

    def _past_values(self, at: int, tokens: Sequence[Token]) -> int:
        """Return where an INSERT has something to be looked at.

        Of other statements, where it is.
        """
        if self._backslash_escapes or not tokens or tokens[0].text != "insert":
            return at
        while (found := _PLAIN.match(self._text, at, len(self._text) - 1)) and found.end() > at:
            at = found.end()
        return at

    def _next(self, at: int) -> tuple[int, str, int]:
        """Return where the next token begins, its kind, and where it ends."""
        found = _TOKEN.match(self._text, at)
        assert found is not None  # noqa: S101  # the last alternative takes anything
        kind, end = str(found.lastgroup), found.end()
        if kind == "string" and self._backslash_escapes:
            escaped = _ESCAPED.match(self._text, at)
            end = escaped.end() if escaped else end
        elif kind == "dollar":
            closing = self._text.find(found[0], end)
            end = len(self._text) if closing < 0 else closing + len(found[0])
        elif kind == "comment":
            end = self._end_of_comment(end)
        return at, kind, end

    def _end_of_comment(self, at: int) -> int:
        """Comments of SQL nest."""
        depth = 1
        while depth:
            edge = _COMMENT_EDGE.search(self._text, at)
            if edge is None:
                return len(self._text)
            depth, at = depth + (1 if edge[0] == b"/*" else -1), edge.end()
        return at

    def _spell(self, kind: str, raw: bytes) -> str:
        if kind == "quoted":
            return '"' + self._decode(raw[1:-1].replace(b'""', b'"'))
        if kind in ("string", "escaped"):
            return "'" + self._decode(raw.lstrip(b"eE")[1:-1].replace(b"''", b"'"))
        if kind == "dollar":
            return "'" + self._decode(raw)
        return self._decode(raw.lower())  # of bytes: ASCII alone, as the server folds names

    def _decode(self, raw: bytes) -> str:
        return raw.decode(self._codec, "replace")

    def _heed(self, words: list[str]) -> None:
        match [word.lstrip("'") for word in words]:
            case ["set", "standard_conforming_strings", "=" | "to", value]:
                self._backslash_escapes = value.lower() in ("off", "false", "no", "0")
            case ["set", "client_encoding", "=" | "to", encoding]:
                self._codec = python_codec(encoding)


class _Nesting:
    """How deep a statement is in parentheses and in a function's `BEGIN ATOMIC` body."""

    def __init__(self) -> None:
        self.depth = 0
        self._blocks = 0

    @property
    def is_outside(self) -> bool:
        return self.depth == 0 and self._blocks == 0

    def follow(self, text: str, before: Sequence[Token]) -> None:
        if text in "()":
            self.depth = max(0, self.depth + (1 if text == "(" else -1))
        elif text in ("begin", "case", "end") and self.depth == 0 and _makes_routine(before):
            if text == "end":
                self._blocks = max(0, self._blocks - 1)
            elif text == "begin" or self._blocks:
                self._blocks += 1


def _makes_routine(tokens: Sequence[Token]) -> bool:
    head = [token.text for token in tokens[:4]]
    return head[:1] == ["create"] and bool({"function", "procedure"} & set(head))


def is_copy(words: Sequence[str], direction: str, place: str) -> bool:
    """Tell whether a statement is COPY in a direction (from, to) with a place (stdin, program)."""
    return words[:1] == ["copy"] and (direction, place) in pairwise(words)


def edited(raw: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Put other text in some places, from the last to the first; the number of lines stays."""
    for start, end, text in sorted(edits, reverse=True):
        before, lines = raw[:start], b"\n" * raw[start:end].count(b"\n")
        if not text:
            before = re.sub(rb",\s*\Z", b"", before)
        raw = before + text + lines + raw[end:]
    return raw


def python_codec(encoding: str) -> str:
    """Return Python's name of an encoding of PostgreSQL; all others are read as UTF-8."""
    name = re.sub(r"\W|_", "", encoding.lower())
    name = re.sub(r"^win(?:dows)?(?=\d)", "cp", name)
    return name if _CODECS.fullmatch(name) else "utf-8"

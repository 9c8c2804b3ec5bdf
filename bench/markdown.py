"""Tables and paragraphs of the page."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

WIDTH: Final = 100


def filled(text: str) -> str:
    """Break each paragraph, or item of a list, into lines, whatever numbers were put into it."""
    return "\n\n".join(_lines(part) for part in text.strip().split("\n\n"))


def _lines(part: str) -> str:
    indent = "  " if part.startswith("- ") else ""
    return textwrap.fill(" ".join(part.split()), WIDTH, subsequent_indent=indent)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table: the first column is text, the others are numbers."""
    rule = "| --- |" + " ---: |" * (len(head) - 1)
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)])

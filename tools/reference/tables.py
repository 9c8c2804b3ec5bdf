"""Markdown tables, as every generated part writes them."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table. A bar inside a cell is escaped: it would end the cell."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def code(text: object) -> str:
    """Set a word as code."""
    return f"`{text}`"

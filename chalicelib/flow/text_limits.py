"""Limits for texts and lists whose length production or people decide.

Records, events and notifications have the beginning, and the audit trail keeps the whole in rows of
its own. An item of DynamoDB may have 400 KB, an event of EventBridge and a message of SNS 256 KB
each (developer guides of the three; SNS counts the texts for all protocols together).
"""

from collections.abc import Iterable, Sequence

NAMES_MAX = 50  # of a list
TEXT_MAX = 4_000  # characters of a reason, or of what an operation waits for
REMEDY_MAX = 8_000  # a command that names a cluster and its 16 instances must not be cut
WARNING_MAX = 1_000
WARNINGS_MAX = 20
TRAIL_TEXT_MAX = 50_000  # at most four bytes a character, beside the facts
TRAIL_NAMES_MAX = 4_000  # of 63 bytes each in one row
TRAIL_ROWS_MAX = 25  # for one list
MESSAGE_BYTES_MAX = 256 * 1024  # of SNS


def listed(names: Sequence[str], count: int | None = None) -> str:
    """List all names, or the first of many with their number.

    `count` is the length of the whole list, where `names` is only its beginning.
    """
    count = max(count or 0, len(names))
    if count <= NAMES_MAX and count == len(names):
        return ", ".join(names)
    return f"{count:,}, the first {len(names[:NAMES_MAX])}: {', '.join(names[:NAMES_MAX])}, …"


def first_few(items: Iterable[object], most: int = 5) -> str:
    """Name the first few of a list in a sentence, and how many more there are."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, which is given in the singular and takes an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def brief(text: str, longest: int = TEXT_MAX) -> str:
    """Cut a text that is longer than allowed, and say so at its end."""
    if len(text) <= longest:
        return text
    end = f" … (cut: {len(text):,} characters in all)."
    return text[: longest - len(end)] + end


def with_warnings(before: Sequence[str], more: Iterable[str]) -> tuple[str, ...]:
    """Add warnings, each once and none too long.

    Where there are too many, the last one says so.
    """
    added = [brief(warning, WARNING_MAX) for warning in more]
    warnings = tuple(dict.fromkeys([*before, *added]))
    if len(warnings) <= WARNINGS_MAX:
        return warnings
    rest = "There were more warnings: the functions' logs have them."
    return (*warnings[: WARNINGS_MAX - 1], rest)

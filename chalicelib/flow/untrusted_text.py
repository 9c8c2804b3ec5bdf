"""Makes text safe to show that people, events, AWS or PostgreSQL wrote: one line, nothing hidden.

Its length is limited by `chalicelib.flow.text_limits`.
"""

from collections.abc import Iterable

from chalicelib.flow.text_limits import brief

NAME_LENGTH_MAX = 256  # characters of a name or an id: none of AWS's is longer
LISTED_MAX = 10  # names in a sentence


def one_line(text: object) -> str:
    """Show a text in one line.

    Characters that would break the line, move the cursor, or hide or reorder text become Python's
    escapes: all that Unicode calls control, format, separator, surrogate, private or unassigned
    (`str.isprintable`).
    """
    return "".join(map(_shown, str(text)))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def shown_name(text: object) -> str:
    """Show a name or an id in one line, cut where it is longer than any of AWS's."""
    return brief(one_line(text), NAME_LENGTH_MAX)


def quoted(text: object) -> str:
    """Show what a person wrote, in quotation marks.

    Those inside become apostrophes, so that the quotation ends at its end.
    """
    return '"' + one_line(text).replace('"', "'") + '"'


def first_of(names: Iterable[object]) -> str:
    """Show the first names of a list, and how many more there are: `a, b … and 2,990 more`."""
    every = list(names)
    first = ", ".join(map(shown_name, every[:LISTED_MAX]))
    return first if len(every) <= LISTED_MAX else f"{first} … and {len(every) - LISTED_MAX:,} more"

"""What is written onto a terminal: nothing in it moves the cursor, or hides or reorders text.

The app has the same for what it tells people (`chalicelib.flow.untrusted_text`), but the demo works
without the app.
"""


def printable(text: str) -> str:
    """Write what cannot be seen as an escape, as in Python; lines stay lines."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character == "\n" or character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")

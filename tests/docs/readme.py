"""What the documentation tells people to run and to look at, read out of its pages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$")
_FENCE = re.compile(r"^```(?P<language>\S*)$")


class Block(NamedTuple):
    """A fenced block: the section it stands in, its language, its text."""

    section: str
    language: str
    text: str


def commands(section: str, page: Path = README) -> list[str]:
    """Return the shell blocks (fenced as `sh`) of a section, in order.

    Later ones rely on the exports of the first.

    A section ends at the next heading; LookupError when the page has no such section.
    """
    if section not in headings(page):
        raise LookupError(f"{page} has no section {section!r}.")
    return [
        block.text for block in blocks(page) if (block.section, block.language) == (section, "sh")
    ]


def blocks(page: Path) -> Iterator[Block]:
    """Yield every fenced block of a page."""
    section, language, lines = "", None, list[str]()
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if language is None and fence:
            language, lines = fence["language"], []
        elif fence:
            yield Block(section, language or "", "\n".join(lines))
            language = None
        elif language is not None:
            lines.append(line)
        elif heading := _HEADING.match(line):
            section = heading["title"]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def headings(page: Path) -> list[str]:
    """List the headings of a page."""
    return [
        heading["title"] for line in prose(page).splitlines() if (heading := _HEADING.match(line))
    ]


def spans(page: Path) -> list[str]:
    """List what a page sets as code within its sentences."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def shell(page: Path) -> str:
    """Join what somebody may type of a page: its shell blocks, continued lines made whole, and code
    in sentences.
    """
    typed = [block.text.replace("\\\n", " ") for block in blocks(page) if block.language == "sh"]
    return "\n".join([*typed, *spans(page)])

"""What the documentation tells people to run and to look at, read out of its pages."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$")
_FENCE = re.compile(r"^```(?P<language>\S*)$")


def commands(section: str, page: Path = README) -> list[str]:
    """Return the shell blocks (fenced as `sh`) of a section, in order, each whole: later ones rely on its exports.

    The section ends at the next heading; LookupError when the page has no such section.
    """
    blocks = [block for title, language, block in fenced(page) if title == section and language == "sh"]
    if not any(heading == section for heading in headings(page)):
        raise LookupError(f"{page} has no section {section!r}.")
    return blocks


def fenced(page: Path) -> Iterator[tuple[str, str, str]]:
    """Yield every fenced block of a page: the section it stands in, its language, its text."""
    title, language, lines = "", None, list[str]()
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if language is None and fence:
            language, lines = fence["language"], []
        elif fence:
            yield title, language or "", "\n".join(lines)
            language = None
        elif language is not None:
            lines.append(line)
        elif heading := _HEADING.match(line):
            title = heading["title"]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> list[str]:
    """List the headings of a page."""
    return [heading["title"] for line in prose(page).splitlines() if (heading := _HEADING.match(line))]

"""Numbers in sentences are those of the code: a page that tells an earlier one, or one of its own, is found."""

import re
from pathlib import Path

import pytest

from console.reference import pages
from tests.docs.numbers import NOT_OURS, PHRASES, WORDS
from tests.docs.readme import ROOT

_COUNT = rf"(?:\d[\d,.]*|{'|'.join(WORDS[1:])}|half an?|an?)"
A_TIME = re.compile(rf"\b(?!a second){_COUNT} (?:seconds?|minutes?|hours?|days?|weeks?|min)\b", re.IGNORECASE)
PROSE = [str(page.relative_to(ROOT)) for page in pages() if "decisions" not in page.parts]
WRITTEN_BY_A_PROGRAM = {"docs/performance.md"}


def prose_of(path: str) -> str:
    """Read a page as one line, without what is generated and what is code."""
    text = Path(ROOT, path).read_text(encoding="utf-8")
    text = re.sub(r"<!-- generated.*?<!-- /generated -->|^```.*?^```$", " ", text, flags=re.DOTALL | re.MULTILINE)
    return " ".join(text.split())


@pytest.mark.parametrize(("path", "phrase"), [(path, one) for path, said in PHRASES.items() for one in said])
def test_a_page_tells_the_number_of_the_code(path: str, phrase: str) -> None:
    """The sentence stands in the page with the value that the code has now."""
    assert phrase in prose_of(path)


@pytest.mark.parametrize("path", sorted(set(PROSE) - WRITTEN_BY_A_PROGRAM))
def test_every_time_in_a_sentence_is_the_codes_or_known_to_be_of_no_code(path: str) -> None:
    """What is added to a page is added to `tests/docs/numbers.py` too, with where its value comes from."""
    left = prose_of(path)
    for phrase in (*PHRASES.get(path, ()), *NOT_OURS):
        left = left.replace(phrase, " … ")

    assert [] == A_TIME.findall(left)

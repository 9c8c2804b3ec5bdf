"""Numbers in sentences are those of the code: a page that tells an earlier one, or one of its own,
is found.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from simulation.guards import GUARDS
from tests.docs.numbers import NOT_OURS, PHRASES, WORDS
from tests.docs.readme import ROOT
from tests.infra.templates import section
from tools.reference import pages

_COUNT = rf"(?:\d[\d,.]*|{'|'.join(WORDS[1:])}|half an?|an?)"
A_TIME = re.compile(
    rf"\b(?!a second){_COUNT} (?:seconds?|minutes?|hours?|days?|weeks?|min)\b", re.IGNORECASE
)
LIMITS = ("MinValue", "MaxValue", "MinLength", "MaxLength")
PROSE = [str(page.relative_to(ROOT)) for page in pages() if "decisions" not in page.parts]
WRITTEN_BY_A_PROGRAM = {"docs/performance.md"}


def prose_of(path: str) -> str:
    """Read a page as one line, without what is generated and what is code."""
    text = Path(ROOT, path).read_text(encoding="utf-8")
    text = re.sub(
        r"<!-- generated.*?<!-- /generated -->|^```.*?^```$",
        " ",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("path", "phrase"), [(path, phrase) for path, said in PHRASES.items() for phrase in said]
)
def test_a_page_has_the_numbers_of_the_code(path: str, phrase: str) -> None:
    """The sentence stands in the page with the value that the code has now."""
    assert phrase in prose_of(path)


@pytest.mark.parametrize("path", sorted(set(PROSE) - WRITTEN_BY_A_PROGRAM))
def test_every_time_in_a_sentence_is_the_codes_or_known_to_be_of_no_code(path: str) -> None:
    """What is added to a page is added to `tests/docs/numbers.py` too, with where its value comes
    from.
    """
    left = prose_of(path)
    for phrase in (*PHRASES.get(path, ()), *NOT_OURS):
        left = left.replace(phrase, " … ")

    assert [] == A_TIME.findall(left)


def test_the_page_has_the_right_number_of_mutants() -> None:
    """The table of guards has a row for each.

    A number in a sentence or a row of figures is that of the rows.
    """
    page = Path(ROOT, "docs/reliability.md").read_text(encoding="utf-8")
    numbers = re.findall(r"(\d+) mutants|mutants[^|\n]*\| *(\d+)", page)

    assert len(GUARDS) == page.count("| `chalicelib/") - page.count(
        "| `chalicelib/", 0, page.index("## Guards")
    )
    assert set() == {int(one or other) for one, other in numbers} - {len(GUARDS)}


TEMPLATES = sorted((ROOT / "infra").glob("*.yaml"))


def bounds(parameter: dict[str, Any]) -> set[int]:
    """List the numbers that limit a parameter.

    In a pattern, the characters before and after a repetition count.
    """
    own = {int(parameter[name]) for name in LIMITS if name in parameter}
    repeats = re.findall(r"\{(\d+)(?:,(\d+))?\}", parameter.get("AllowedPattern", ""))
    counts = {int(count) for pair in repeats for count in pair if count}
    return own | {count + beside for count in counts for beside in (0, 1, 2)}


def told(parameter: dict[str, Any]) -> set[int]:
    """List the numbers that a description tells, without those of a region that is an example."""
    text = re.sub(r"[a-z]{2}-[a-z]+-\d", "", parameter.get("ConstraintDescription", ""))
    return {int(number) for number in re.findall(r"\d+", text)}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: str(template.name))
def test_a_template_describes_its_limits_as_they_are(template: Path) -> None:
    """People read the description when CloudFormation refuses a value."""
    parameters = section(template, "Parameters")
    found = [name for name, parameter in parameters.items() if told(parameter) - bounds(parameter)]

    assert [] == found

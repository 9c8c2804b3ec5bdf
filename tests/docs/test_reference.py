"""The generated parts of the documentation: fresh, complete, and noticed when they are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.flow.choreography import CHOREOGRAPHY, STEPS
from tests.docs.readme import ROOT
from tools.reference import PARTS, UnknownPartError, pages, parts_of, rewritten, stale
from tools.reference.descriptions import PLAN, STAGE
from tools.reference.settings import fields, variables


def page_with(folder: Path, part: str) -> Path:
    """Write a page whose one generated part is of another day."""
    page = folder / "page.md"
    page.write_text(
        f"before\n<!-- generated: {part} -->\nof another day\n<!-- /generated -->\nafter\n"
    )
    return page


def test_every_generated_part_is_what_the_code_says() -> None:
    """Nothing in the documentation tells of an earlier code.

    `python -m tools.reference` writes it anew.
    """
    assert [] == [page.name for page in stale(pages())]


def test_every_part_stands_somewhere() -> None:
    """Nothing is generated that nobody reads."""
    assert set(PARTS) == {part for page in pages() for part in parts_of(page)}


def test_every_setting_has_its_sentence() -> None:
    """A setting that is added needs a meaning, and a meaning needs its setting."""
    meanings = variables()

    assert fields() == set(meanings)
    assert [] == [field for field, meaning in meanings.items() if not meaning.endswith(".")]


def test_no_setting_is_explained_twice() -> None:
    """Only the topic is both the stage's and the plan's.

    Each setting of a plan stands in one group.
    """
    named = [field for group in PLAN.values() for field in group]

    assert sorted(set(named)) == sorted(named)
    assert {"sns_topic_arn"} == STAGE.keys() & set(named)


def test_the_picture_shows_every_step() -> None:
    """The README's flow leaves out no function of the table."""
    picture = PARTS["flow"]()

    assert [] == [step for step in STEPS if step not in picture]


def test_the_diagram_shows_every_state() -> None:
    """The diagram of states leaves out no row of the table."""
    diagram = PARTS["states"]()

    assert [] == [row.state for row in CHOREOGRAPHY if row.state not in diagram]


def test_a_stale_part_is_found_and_written_anew(tmp_path: Path) -> None:
    """What stands between the two comments is replaced, and nothing else."""
    page = page_with(tmp_path, "aurora-durations")

    assert [page] == list(stale([page]))
    wanted = PARTS["aurora-durations"]()
    expected = (
        f"before\n<!-- generated: aurora-durations -->\n{wanted}\n<!-- /generated -->\nafter\n"
    )
    assert expected == rewritten(page)


def test_a_part_that_nobody_generates_is_refused(tmp_path: Path) -> None:
    """A misspelt part is an error, not a part that is never fresh."""
    with pytest.raises(UnknownPartError, match="weather"):
        rewritten(page_with(tmp_path, "weather"))


def test_the_command_checks_without_writing() -> None:
    """`--check` exits 0 when all is fresh."""
    checked = subprocess.run(
        [sys.executable, "-m", "tools.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "", "") == (checked.returncode, checked.stdout, checked.stderr)

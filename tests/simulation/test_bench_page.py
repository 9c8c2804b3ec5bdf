"""The benchmark as it is run, small: its page, and that the page in docs/ is one of its."""

import re
from pathlib import Path

import pytest

from bench import load
from bench.__main__ import main
from bench.document import PATH, targets_section
from bench.targets import Target

PAGE = Path(__file__).parents[2] / PATH


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the benchmark with one phase and one operation."""
    out = tmp_path_factory.mktemp("bench") / "performance.md"
    said: list[str] = []

    small = ["--operations", "1", "--phases", "1", "--nights", "2", "--tables", "20"]
    assert 0 == main([*small, "--out", str(out)], said.append)
    assert said[-2] == out.read_text()
    return out.read_text()


def _shape(page: str) -> list[str]:
    """Take the page's headings and the heads of its tables."""
    return re.findall(r"^(?:##? .*|\| .*(?=\n\| ---))", page, flags=re.MULTILINE)


def test_the_page_in_docs_was_written_by_this_code(page: str) -> None:
    """The page has the sections, tables and sizes of crowd that this code writes."""
    kept = PAGE.read_text(encoding="utf-8")

    assert _shape(page) == _shape(kept)
    assert all(f"\n| {size:,} |" in kept for size in load.SIZES)


def test_every_target_is_on_the_page_in_docs(page: str) -> None:
    """The page names every target in the words of the code; only the size of the crowd differs."""
    own = page.partition("\n## The package\n")[0]
    rows = re.findall(
        r"^\| ([^|]*) \|.*(?:met|\*\*missed\*\* by [^|]*) \|$", own, flags=re.MULTILINE
    )
    kept = PAGE.read_text(encoding="utf-8").replace(
        f"each of {load.SIZES[-1]:,} operations", "each of 1 operations"
    )
    kept = kept.replace("on 5,000 tables of 500 owners", "on 20 tables of 2 owners")

    assert 25 == len(rows)
    assert [] == [row for row in rows if f"| {row} |" not in kept]


def test_a_second_cluster_costs_the_hours_for_which_it_stands(page: str) -> None:
    """Instances by the hour, 100 GB by the hour, and the sum of both."""
    row = re.search(
        r"^\| swap, KEEP_PREVIOUS_HOURS=12, the default((?: \| [\d.]+){5}) \|$", page, re.MULTILINE
    )
    assert row is not None
    clusters, instances, paid, stored, day = map(float, row[1].split(" | ")[1:])

    assert paid == pytest.approx(0.26 * instances, abs=0.01)
    assert stored == pytest.approx(0.10 * 100 * clusters / 720, abs=0.001)
    assert day == pytest.approx(paid + stored, abs=0.01)


def test_a_target_that_is_missed_says_by_how_much_and_why() -> None:
    """A missed target says by how much and why; a met target says nothing more."""
    section = targets_section(
        [Target("seconds", 60, 75.5, "It is late.", 80), Target("calls", 1, 1, "")]
    )

    assert "| seconds | 60 | 75.5 | 80 | **missed** by 15.5 |" in section
    assert "- **seconds: 75.5, not 60.** It is late." in section
    assert "| calls | 1 | 1 |  | met |" in section

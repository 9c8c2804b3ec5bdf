"""The pages themselves: links lead somewhere, paths and variables exist, the record is described
whole.
"""

import re
from dataclasses import fields as fields_of
from pathlib import Path

import pytest

from aurora_restore.doctor.checks import CHECKS
from aurora_restore.stages import DEPLOYMENT_ONLY
from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Operation
from tests.docs.readme import ROOT, blocks, commands, headings, prose, spans
from tools.reference import pages
from tools.reference.settings import fields

PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
RUNBOOK = ROOT / "docs" / "runbook.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
NOT_SETTINGS = frozenset(
    {"AWS_ENDPOINT_URL", "CHOREOGRAPHY", "CNAME", "INFO"}
)  # a client's; the table's name; a type of record; a level


def anchor(heading: str) -> str:
    """Make of a heading what GitHub makes of it in a link."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def facts_described() -> set[str]:
    """Read the names that the paragraph of the facts sets as code."""
    (paragraph,) = (
        part for part in prose(ARCHITECTURE).split("\n\n") if part.startswith("The facts are")
    )
    return set(re.findall(r"`([a-z_]+)`", paragraph))


def fields_described() -> set[str]:
    """Read the names in the first column of the record's table."""
    rows = re.findall(
        r"^\| (`.*?) \|",
        prose(ARCHITECTURE).split("## The record")[1].split("\n## ")[0],
        re.MULTILINE,
    )
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}


@PAGES
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a page of ours, and to a section of it, has its end."""
    links = re.findall(r"\]\(((?!https?:)[^)#]*)(?:#([^)]+))?\)", prose(page))
    ends = [((page.parent / path) if path else page, section) for path, section in links]

    assert [] == [str(end) for end, _ in ends if not end.exists()]
    assert [] == [
        section for end, section in ends if section and section not in map(anchor, headings(end))
    ]


@PAGES
def test_paths_exist(page: Path) -> None:
    """Every file and folder that a page names is there."""
    named = [span for span in spans(page) if re.fullmatch(r"\.?[a-z_]+/[a-z_/.]*", span)]

    assert [] == [path for path in named if not (ROOT / path).exists()]


@PAGES
def test_variables_are_settings(page: Path) -> None:
    """Every variable that a page names can be set."""
    known = (
        {field.upper() for field in fields()} | set(State) | NOT_SETTINGS | DEPLOYMENT_ONLY.keys()
    )
    named = [span for span in spans(page) if re.fullmatch(r"[A-Z][A-Z_]{3,}", span)]

    assert [] == [name for name in named if name not in known]


def test_the_record_is_described_whole() -> None:
    """The architecture names every field of the record, and none that it has not."""
    assert (
        set(Operation.__dataclass_fields__) - {"outdated", "plan_name"} | {"settings"}
        == fields_described()
    )


def test_the_facts_are_described_whole() -> None:
    """The architecture names every fact, and none that there is not."""
    facts = Facts()
    phases = [getattr(facts, phase.name) for phase in fields_of(Facts)]
    known = {fact.name for phase in phases for fact in fields_of(phase)}

    assert known | {part.name for part in fields_of(Facts)} == facts_described()


def test_shell_blocks_are_read_by_section(tmp_path: Path) -> None:
    """The blocks of one section come in order, and those of other sections and languages do not."""
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n```sh\na\n```\n## Two\n```sh\nb\n# no "
        "heading\n```\n```json\n{}\n```\n```sh\nc\n```\n"
    )

    assert ["b\n# no heading", "c"] == commands("Two", page)
    assert ["sh", "sh", "json", "sh"] == [block.language for block in blocks(page)]


def test_a_section_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A test that runs the commands of a section that was renamed does not pass by running none."""
    page = tmp_path / "page.md"
    page.write_text("# One\n")

    with pytest.raises(LookupError, match="Two"):
        commands("Two", page)


def test_every_check_of_the_doctor_is_described() -> None:
    """The runbook names each check that the doctor makes, and none that it does not."""
    section = prose(RUNBOOK).split("### What the doctor checks")[1].split("\n### ")[0]
    lines = re.findall(r"^- (`.*?):", section, re.MULTILINE)

    assert {check.name for check in CHECKS} == {
        name for line in lines for name in re.findall(r"`([^`]+)`", line)
    }


def test_every_metric_is_described() -> None:
    """The architecture names every metric that the code writes."""
    code = "\n".join(file.read_text() for file in (ROOT / "chalicelib").rglob("*.py"))
    written = set(re.findall(r'\bcount\("([A-Za-z]+)"', code))

    assert set() == written - set(spans(ARCHITECTURE))

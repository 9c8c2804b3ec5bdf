"""The generated parts of the documentation, which are always those of the current code.

`python -m tools.reference` rewrites them, `--check` changes nothing and exits 1 naming what is
stale. A part stands between two comments in a page, `<!-- generated: name -->` and `<!-- /generated
-->`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tools.reference import example, flow, folders, local, mutants, package, permissions, settings

ROOT = Path(__file__).parents[2]
PARTS: Mapping[str, Callable[[], str]] = {
    "folders": folders.folders,
    "flow": flow.picture,
    "choreography": flow.choreography,
    "states": flow.diagram,
    "rds-events": flow.rds_events,
    "permissions": lambda: permissions.of_functions(ROOT / ".chalice"),
    "announcement": example.announcement,
    "stage-variables": settings.stage,
    "plan-variables": settings.plan,
    "deployment-variables": settings.deployment,
    "aurora-actions": local.actions,
    "aurora-durations": local.durations,
    "calls": local.calls,
    "refusals": local.refusals,
    "guards": mutants.table,
    "package": package.part,
}
_PART = re.compile(
    r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(\n?<!-- /generated -->)", re.DOTALL
)


class UnknownPartError(Exception):
    """A page asks for a part that nothing generates. The text names the page and the part."""


def pages(root: Path = ROOT) -> list[Path]:
    """List the pages of the documentation: the README and everything under docs/."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def parts_of(page: Path) -> list[str]:
    """Name the generated parts of a page, in order."""
    return [part["name"] for part in _PART.finditer(page.read_text(encoding="utf-8"))]


def rewritten(page: Path) -> str:
    """Return the page with every generated part as it should be; raises UnknownPartError."""

    def fresh(part: re.Match[str]) -> str:
        if part["name"] not in PARTS:
            raise UnknownPartError(
                f"{page} asks for the part {part['name']}; there are {', '.join(PARTS)}."
            )
        return f"{part[1]}{PARTS[part['name']]()}\n<!-- /generated -->"

    return _PART.sub(fresh, page.read_text(encoding="utf-8"))


def stale(found: list[Path]) -> Iterator[Path]:
    """Yield the pages whose generated parts are not what the code says now."""
    return (page for page in found if rewritten(page) != page.read_text(encoding="utf-8"))

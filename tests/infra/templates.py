"""The templates under `infra/`, as they are written."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from localaws.cloudformation.template import Template

ROOT: Final = Path(__file__).parents[2]
TEMPLATES: Final = sorted((ROOT / "infra").glob("*.yaml"))


def text(name: str) -> str:
    """Read a template."""
    return (ROOT / "infra" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def _read(template: Path) -> Template:
    return Template.read(template.read_text(encoding="utf-8"), "us-west-2")


def section(template: Path, name: str) -> dict[str, Any]:
    """Read a section of a template."""
    return _read(template).section(name)

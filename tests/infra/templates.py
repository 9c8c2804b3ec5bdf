"""The templates under `infra/`, as they are written."""

from pathlib import Path
from typing import Any, Final

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # it publishes no types

ROOT: Final = Path(__file__).parents[2]
TEMPLATES: Final = sorted((ROOT / "infra").glob("*.yaml"))


def text(name: str) -> str:
    """Read a template."""
    return (ROOT / "infra" / f"{name}.yaml").read_text(encoding="utf-8")


def section(template: Path, name: str) -> dict[str, Any]:
    """Read a section of a template."""
    found: dict[str, Any] = cfn_yaml.load(str(template)).get(name, {})
    return found

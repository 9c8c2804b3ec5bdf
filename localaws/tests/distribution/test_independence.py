"""localaws imports nothing of the repository that it lies in."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

PROJECT = Path(__file__).parents[2]
REPOSITORY = PROJECT.parent
SOURCE = PROJECT / "src"
MODULES = sorted((SOURCE / "localaws").rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level names of all that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield str(node.module).partition(".")[0]


def siblings() -> set[str]:
    """Name what could be imported from the repository's own folder."""
    folders = {folder.name for folder in REPOSITORY.iterdir() if folder.is_dir()}
    modules = {file.stem for file in REPOSITORY.glob("*.py")}
    return (folders | modules) - {"localaws"}


def test_all_modules_are_looked_at() -> None:
    """The check below sees the package, and knows the app as a sibling."""
    assert len(MODULES) > 100
    assert {"app", "chalicelib", "aurora_restore", "demo", "tests"} <= siblings()


def test_localaws_imports_only_itself_and_what_it_declares() -> None:
    """Every import is localaws, the standard library, or a package that pyproject.toml names."""
    known = {"localaws", *sys.stdlib_module_names, *declared()} - siblings()
    foreign = {str(file): names for file in MODULES if (names := set(imported(file)) - known)}

    assert {} == foreign


def declared() -> set[str]:
    """Name the packages of the distributions that localaws depends on."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    wanted = {normalized(requirement) for requirement in project["dependencies"]}
    return {
        package
        for package, distributions in packages_distributions().items()
        if wanted & {normalized(distribution) for distribution in distributions}
    }


def normalized(requirement: str) -> str:
    """Return a distribution's name as registries compare it, without extras and versions."""
    (name,) = re.findall(r"^[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", str(name)).lower()

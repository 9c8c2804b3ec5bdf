"""The table of the folders, with the first sentence of each package's docstring."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.reference.tables import code, table

ROOT = Path(__file__).parents[2]
WITHOUT_CODE = {
    "app.py": "Wiring only: which event invokes which step.",
    ".chalice": "The stages, and one least-privilege policy for each function.",
    "infra": "CloudFormation templates of the resources that Chalice cannot create.",
    "docs": "These pages, and the design decisions.",
    "tests": "The app's tests, by the folder or the guarantee that they test.",
}
PACKAGES = ("aurora_restore", "demo", "simulation", "bench", "tools")
LOCALAWS = "localaws/src/localaws"


def folders() -> str:
    """Write the table of the folders, the app's first."""
    return table(["folder", "content"], _rows())


def _rows() -> Iterator[tuple[str, str]]:
    yield code("app.py"), WITHOUT_CODE["app.py"]
    yield code("chalicelib/"), "The code that runs in Lambda, and nothing else. Its folders:"
    for package in _packages_in("chalicelib"):
        yield code(package), first_sentence(package)
    for package in PACKAGES:
        yield code(f"{package}/"), first_sentence(package)
    yield code("localaws/"), first_sentence(LOCALAWS)
    for name, sentence in list(WITHOUT_CODE.items())[1:]:
        yield code(f"{name}/"), sentence


def _packages_in(folder: str) -> list[str]:
    found = (ROOT / folder).glob("*/__init__.py")
    return sorted(str(file.parent.relative_to(ROOT)) for file in found)


def first_sentence(package: str) -> str:
    """Read the first line of a package's docstring; raises LookupError where it has none."""
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))
    if not docstring:
        raise LookupError(f"{package}/__init__.py has no docstring.")
    return docstring.splitlines()[0]

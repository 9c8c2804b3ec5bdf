"""The folders of chalicelib: no circle of imports, true maps, and one module that deletes."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "chalicelib"
FOLDERS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
DELETE_CALLS = {"delete_db_cluster", "delete_db_instance"}
MAP = re.compile(r"^May import: ([^.]+)\.$", re.MULTILINE)


def sources(name: str) -> list[Path]:
    """List the files of a folder, or the file of a module beside the folders."""
    return sorted((PACKAGE / name).glob("*.py")) or [PACKAGE / f"{name}.py"]


def imported_names(path: Path) -> Iterator[str]:
    """Read every name that a file imports, also late, for types only, or by `import_module`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
            yield from map(str, texts)


def imports(name: str) -> set[str]:
    """Find which other folders and modules of chalicelib a folder or a module imports."""
    found = {imported for path in sources(name) for imported in imported_names(path)}
    ours = {imported.split(".")[1] for imported in found if imported.startswith("chalicelib.")}
    return ours - {name}


def described(folder: str) -> str:
    """Read the docstring of a folder."""
    tree = ast.parse((PACKAGE / folder / "__init__.py").read_text(encoding="utf-8"))
    return ast.get_docstring(tree) or ""


def test_no_folder_imports_what_imports_it() -> None:
    """Every folder and module of chalicelib can be read after what it imports."""
    order = [
        *TopologicalSorter({name: imports(name) for name in (*FOLDERS, *MODULES)}).static_order()
    ]

    assert sorted([*FOLDERS, *MODULES]) == sorted(order)
    assert order.index("flow") < order.index("target") < order.index("steps")
    assert order.index("steps") < order.index("runtime") < order.index("lambdas")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_of_a_folder_says_what_it_imports(folder: str) -> None:
    """Its last line names exactly the folders and modules of chalicelib that its files import."""
    (line,) = MAP.findall(described(folder))

    assert line == (", ".join(sorted(imports(folder))) or "nothing")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_of_a_folder_names_its_modules(folder: str) -> None:
    """A module that the map leaves out would be found by nobody."""
    words = {*re.findall(r"\w+", described(folder))}

    assert set() == {path.stem for path in sources(folder)} - {"__init__"} - words


def calls_that_delete(path: Path) -> set[str]:
    """Find the calls by which a file deletes a cluster or an instance."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return DELETE_CALLS & (names | attributes)


def test_one_module_deletes_clusters_and_instances() -> None:
    """Who wants to know what is deleted, and after which checks, reads this one."""
    found = {path: calls for path in PACKAGE.rglob("*.py") if (calls := calls_that_delete(path))}

    assert {PACKAGE / "target" / "deletion.py": DELETE_CALLS} == found

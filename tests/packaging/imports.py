"""Which modules source code asks for, wherever in a file it does so."""

import ast
from collections.abc import Iterable
from pathlib import Path


def imported(files: Iterable[Path], root: Path | None = None) -> set[str]:
    """Name every module that the files import, those inside functions and under conditions
    included.

    What they import by relative names counts, too, where the folder of all packages is given.
    """
    return {name for file in files for node in _nodes(file) for name in _names(node, file, root)}


def _nodes(file: Path) -> Iterable[ast.AST]:
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def _names(node: ast.AST, file: Path, root: Path | None) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and (root or not node.level):
        module = _module(node, file, root)
        return [module, *(f"{module}.{name.name}" for name in node.names)]
    return []


def _module(node: ast.ImportFrom, file: Path, root: Path | None) -> str:
    """Give the module that names are imported from; one dot is the file's own package."""
    above = file.parents[node.level - 1].relative_to(root).parts if root and node.level else ()
    return ".".join([*above, *([node.module] if node.module else [])])

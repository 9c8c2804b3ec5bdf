"""Which modules source code asks for, wherever in a file it does so."""

import ast
from collections.abc import Iterable
from pathlib import Path


def imported(files: Iterable[Path]) -> set[str]:
    """Name every module that the files import, those inside functions and under conditions
    included.
    """
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    return {name for tree in trees for node in ast.walk(tree) for name in _names(node)}


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return []

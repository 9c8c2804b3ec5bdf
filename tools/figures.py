"""`python -m tools.figures [FOLDER…]`: the density, length and coupling of the code.

It prints one line for each folder. Blank lines are not counted. The length of a function includes
its signature and docstring. The floors of `chalicelib` are the modules on its longest import path.
"""

import ast
import io
import statistics
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from aurora_restore.process.options import program

ROOT = Path(__file__).parent.parent
FOLDERS = (
    "chalicelib",
    "aurora_restore",
    "localaws",
    "simulation",
    "bench",
    "demo",
    "tools",
    "tests",
)
COLUMNS = 100
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}


@dataclass
class Figures:
    """The figures of one folder."""

    files: list[int] = field(default_factory=list)  # the lines of each file
    functions: list[int] = field(default_factory=list)  # the lines of each function
    tokens: int = 0
    code_lines: int = 0  # lines with at least one token
    long_lines: int = 0
    comments: int = 0
    format_skips: int = 0
    class_names: Counter[str] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """Add the figures of one file."""
        lines = [line for line in text.splitlines() if line.strip()]
        self.files.append(len(lines))
        self.long_lines += sum(len(line) > COLUMNS for line in lines)
        self._add_tokens(text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.append(_length(node, text))
            elif isinstance(node, ast.ClassDef):
                self.class_names[node.name] += 1

    def _add_tokens(self, text: str) -> None:
        rows = set[int]()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                self.comments += 1
                self.format_skips += "fmt: skip" in token.string or "fmt: off" in token.string
            elif token.type not in _NO_CODE:
                self.tokens += 1
                rows.update(range(token.start[0], token.end[0] + 1))
        self.code_lines += len(rows)

    def row(self, name: str) -> str:
        """Format the figures as one line."""
        every = sum(self.files)
        return (
            f"{name:<15}{every:>8,}{_pair(self.files):>11}{_pair(self.functions):>9}"
            f"{max(self.functions, default=0):>5}{self.tokens / max(self.code_lines, 1):>8.1f}"
            f"{self.long_lines / max(every, 1):>8.1%}{self.format_skips:>6}"
            f"{1000 * self.comments / max(every, 1):>10.0f}"
        )


HEAD = (
    f"{'folder':<15}{'lines':>8}{'file':>11}{'function':>9}{'max':>5}{'tokens':>8}{'>100':>8}"
    f"{'skips':>6}{'comments':>10}"
)


def figures(folder: Path) -> Figures:
    """Count every Python file below a folder."""
    found = Figures()
    for file in sorted(folder.rglob("*.py")):
        found.add(file.read_text())
    return found


def imports(package: Path) -> Mapping[str, frozenset[str]]:
    """Map each module of a package to the modules of the package that it imports on load."""
    modules = {_name(file, package): file for file in sorted(package.rglob("*.py"))}
    return {name: frozenset(_imported(file, modules)) - {name} for name, file in modules.items()}


def floors(edges: Mapping[str, frozenset[str]]) -> int:
    """Return the length of the longest import path; raises ValueError if modules form a circle."""
    heights: dict[str, int] = {}
    while len(heights) < len(edges):
        ready = [name for name in edges if name not in heights and edges[name] <= heights.keys()]
        if not ready:
            raise ValueError(
                f"These modules import each other: {', '.join(sorted(edges.keys() - heights))}"
            )
        for name in ready:
            heights[name] = 1 + max((heights[below] for below in edges[name]), default=0)
    return max(heights.values(), default=0)


def defined_twice(folders: Sequence[Path]) -> Mapping[str, int]:
    """Map the names of classes that several modules define to the number of modules."""
    modules: dict[str, set[Path]] = defaultdict(set)
    for folder in folders:
        for file in folder.rglob("*.py"):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    modules[node.name].add(file)
    return {name: len(files) for name, files in sorted(modules.items()) if len(files) > 1}


Names = Annotated[
    list[str],
    typer.Argument(metavar="FOLDER…", default_factory=lambda: list(FOLDERS), show_default=False),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit status."""
    return program(print_figures, arguments, name="python -m tools.figures")


def print_figures(names: Names) -> int:
    """Print the figures of folders (default: all), and the imports within `chalicelib`."""
    folders = [ROOT / name for name in names if (ROOT / name).is_dir()]
    lines = [HEAD, *(figures(folder).row(folder.name) for folder in folders)]
    edges = imports(ROOT / "chalicelib")
    lines.append(f"chalicelib: {sum(map(len, edges.values()))} imports on {floors(edges)} floors")
    twice = defined_twice([folder for folder in folders if folder.name != "tests"])
    lines.append(f"classes defined twice: {len(twice)} ({', '.join(twice)})")
    print("\n".join(lines))  # noqa: T201 # the program's result
    return 0


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> int:
    body = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return sum(bool(line.strip()) for line in body)


def _pair(numbers: Sequence[int]) -> str:
    """Format the median and the 90th percentile."""
    if len(numbers) < 2:  # noqa: PLR2004 # no percentile of one
        return "/".join(map(str, numbers))
    return f"{statistics.median(numbers):.0f} / {statistics.quantiles(numbers, n=10)[-1]:.0f}"


def _name(file: Path, package: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules that a module imports at its top; imports in functions do not count."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from (name for name in (whole, node.module) if name in modules)


if __name__ == "__main__":
    sys.exit(main())

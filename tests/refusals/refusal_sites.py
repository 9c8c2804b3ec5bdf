"""Every place in the code that refuses, found in the code itself: its reason and its remedy, as
patterns.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

CODE = Path(__file__).parents[2] / "chalicelib"
REFUSALS = frozenset({"RefusedError", "Refuse", "UnownedError", "AuthenticationMethodError"})
CODED = frozenset(
    {"AwsError", "NotFoundError", "DeniedError"}
)  # take an error code before the sentences
SAYING = "_refuse_unless"  # takes a condition, and the sentences of a refusal
ANYTHING = ".*"
Names = dict[str, list[ast.expr]]


@dataclass(frozen=True)
class Site:
    """One refusal; a reason or remedy that is somebody else's is `.*`."""

    place: str
    reason: str
    remedy: str

    def is_told_by(self, reason: str, remedy: str) -> bool:
        """Tell whether these sentences are what this place says, alone or among others."""
        return bool(re.search(self.reason, reason) and re.search(self.remedy, remedy))

    @property
    def plain_remedy(self) -> str:
        """The remedy as people read it, with … for what is put into it."""
        return _plain(self.remedy)

    def __str__(self) -> str:
        return f"{self.place}: {_plain(self.reason)} {self.plain_remedy}"


@cache
def sites() -> tuple[Site, ...]:
    """List all refusals of `chalicelib`."""
    return tuple(
        dict.fromkeys(site for path in sorted(CODE.rglob("*.py")) for site in _of_module(path))
    )


def untested(tested: set[tuple[str, str]], *, of: str = "", but: str = " ") -> list[str]:
    """List the refusals that nobody has met; `of` and `but` are patterns of places."""
    return [
        str(site)
        for site in sites()
        if re.search(of, site.place)
        and not re.search(but, site.place)
        and not any(site.is_told_by(*sentences) for sentences in tested)
    ]


def _of_module(path: Path) -> Iterator[Site]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    place = str(path.relative_to(CODE).with_suffix(""))
    outside = {**_constants(), **_assigned(tree.body), **_returned(tree.body)}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        names = {**outside, **_assigned(ast.walk(function))}
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            for reason, remedy in _sentences(call, names):
                if {reason, remedy} != {ANYTHING}:  # else what others said is said again
                    yield Site(f"{place}.{function.name}", reason, remedy)


def _sentences(call: ast.Call, names: Names) -> Iterator[tuple[str, str]]:
    """Give the patterns of a call's reason and remedy, for each of several it may say."""
    called = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    given = call.args
    if called in REFUSALS and given and isinstance(given[0], ast.Starred):
        for pair in _pairs(given[0].value, names):
            yield from _both(pair.elts[:2], names)
    elif called in CODED:
        yield from _both(given[1:3], names)  # after the code
    elif called in REFUSALS:
        yield from _both(given[:2], names)
    elif called == SAYING:
        yield from _both(given[1:3], names)
    elif called == "__init__":
        yield from _both(given[-2:], names)  # of a kind of refusal that says it itself
    elif called == "TransientError":
        yield from _both([ast.Constant(None), *given[1:2]], names)
    for keyword in call.keywords:
        if keyword.arg == "remedy":
            yield from _both([ast.Constant(None), keyword.value], names)


def _both(parts: list[ast.expr], names: Names) -> Iterator[tuple[str, str]]:
    if len(parts) == len(("reason", "remedy")):
        yield from product(_patterns(parts[0], names, deep=False), _patterns(parts[1], names))


def _patterns(value: ast.expr, names: Names, *, deep: bool = True) -> list[str]:
    """Give what a text may look like, one pattern for each way it is said.

    `deep` looks into what is put into it.
    """
    if isinstance(value, ast.Constant):
        return [re.escape(value.value) if isinstance(value.value, str) else ANYTHING]
    if isinstance(value, ast.JoinedStr):
        return [
            "".join(parts)
            for parts in product(*(_patterns(part, names, deep=deep) for part in value.values))
        ]
    if isinstance(value, ast.FormattedValue):
        return _patterns(value.value, names) if deep else [ANYTHING]
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return [
            "".join(both)
            for both in product(_patterns(value.left, names), _patterns(value.right, names))
        ]
    found = _meant(value, names)
    return list(
        dict.fromkeys(pattern for part in found for pattern in _patterns(part, names, deep=deep))
    ) or [ANYTHING]


def _meant(value: ast.expr, names: Names) -> list[ast.expr]:
    """Give the texts that a name, a choice, a table or a function of the module stands for.

    None if nobody knows.
    """
    if isinstance(value, ast.BoolOp):
        return value.values
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    if isinstance(value, ast.Name):
        return [text for text in names.get(value.id, []) if _is_text(text)]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return [text for text in names.get(f"{value.func.id}()", []) if _is_text(text)]
    return _table(value, names)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant | ast.JoinedStr | ast.BinOp | ast.BoolOp | ast.IfExp)


def _table(value: ast.expr, names: Names) -> list[ast.expr]:
    """Give the texts of a table that is looked up, with `.get(key, default)` or `[key]`."""
    table, default = value, []
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr == "get"
    ):
        table, default = value.func.value, value.args[1:]
    elif isinstance(value, ast.Subscript):
        table = value.value
    found = names.get(table.id, []) if isinstance(table, ast.Name) else []
    return [
        text for node in found if isinstance(node, ast.Dict) for text in (*node.values, *default)
    ]


def _pairs(value: ast.expr, names: Names) -> Iterator[ast.Tuple]:
    """Give the pairs of sentences that a table holds."""
    for part in _table(value, names):
        for found in names.get(part.id, []) if isinstance(part, ast.Name) else [part]:
            if isinstance(found, ast.Tuple):
                yield found


@cache
def _constants() -> Names:
    """Give what modules call by a name in capitals, for those that import it."""
    found: Names = {}
    for path in sorted(CODE.rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        found |= {name: values for name, values in _assigned(body).items() if name.isupper()}
    return found


def _assigned(nodes: Iterable[ast.AST]) -> Names:
    found: Names = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id].append(node.value)
    return dict(found)


def _returned(nodes: Iterable[ast.AST]) -> Names:
    """Give what the functions of a module return, by their names."""
    return {
        f"{node.name}()": [
            part.value for part in ast.walk(node) if isinstance(part, ast.Return) and part.value
        ]
        for node in nodes
        if isinstance(node, ast.FunctionDef)
    }


def _plain(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern).replace(ANYTHING, "…")

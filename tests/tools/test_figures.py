"""The figures of a package that the test writes are exactly what can be counted in it by hand."""

from pathlib import Path

import pytest

from tools.figures import HEAD, defined_twice, figures, floors, imports, print_figures

TOP = '''"""The top."""

from shop import prices
from shop.stock import Stock


class Order:  # one comment
    """An order."""


def total(a: int) -> int:
    return a + 1
'''
STOCK = f'''import os

TABLE = [1, 2]  # fmt: skip


class Stock:
    def count(self) -> int:
        """Count."""

        from shop import prices

        return 0

    async def order(self) -> None: ...


class Order: ...


LONG = "{"x" * 95}"
'''
PRICES = "from shop.stock import Stock\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Write a package of four modules, one of them empty."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "top.py").write_text(TOP)
    (package / "stock.py").write_text(STOCK)
    (package / "prices.py").write_text(PRICES)
    return package


def test_lines_are_counted_without_blank_ones(shop: Path) -> None:
    """Each file and each function has its lines counted, and blank lines do not count."""
    counted = figures(shop)

    assert [0, 1, 10, 7] == counted.files
    assert [4, 1, 2] == counted.functions


def test_long_lines_comments_and_skips_are_counted(shop: Path) -> None:
    """A line of more than 100 columns is long, and a comment that turns off the formatter is both
    a comment and a skip.
    """
    counted = figures(shop)

    assert (1, 2, 1) == (counted.long_lines, counted.comments, counted.format_skips)


def test_a_line_of_100_columns_is_not_long(tmp_path: Path) -> None:
    """The limit itself is allowed, and one column more is not."""
    (tmp_path / "at_the_limit.py").write_text(f'X = "{"x" * 94}"\n')
    (tmp_path / "beyond.py").write_text(f'X = "{"x" * 95}"\n')

    assert 1 == figures(tmp_path).long_lines


def test_tokens_are_counted_by_line_of_code(tmp_path: Path) -> None:
    """Comments, blank lines and indentation are no tokens, and a string of two lines is one token
    on two lines of code.
    """
    (tmp_path / "few.py").write_text('# no token\n\nif x:\n    y = f(1)\n"""a\nb"""\n')
    counted = figures(tmp_path)

    assert (3 + 6 + 1, 2 + 2) == (counted.tokens, counted.code_lines)
    assert "     2.5" in counted.row("few")


def test_the_row_has_median_and_90th_percentile(tmp_path: Path) -> None:
    """The columns stand under their heads: total lines, then median and percentile of the files."""
    for lines in (1, 2, 3, 4, 5, 6, 7, 8, 9):
        (tmp_path / f"of_{lines}.py").write_text("x = 1\n" * lines)
    row = figures(tmp_path).row("nine")

    assert f"{'nine':<15}{45:>8}{'5 / 9':>11}" == row[:34]
    assert len(HEAD) == len(row)


def test_imports_on_load_are_the_edges(shop: Path) -> None:
    """A module and a name in a module both lead to the module; an import in a function does not."""
    edges = imports(shop)

    assert {
        "shop": frozenset(),
        "shop.prices": frozenset({"shop.stock"}),
        "shop.stock": frozenset(),
        "shop.top": frozenset({"shop.prices", "shop.stock", "shop"}),
    } == edges


def test_floors_are_the_longest_import_path(shop: Path) -> None:
    """The top imports the prices, which import the stock: three floors."""
    assert 3 == floors(imports(shop))


def test_a_circle_of_imports_is_an_error(shop: Path) -> None:
    """The error names the modules of the circle and what depends on them, and no other module."""
    (shop / "stock.py").write_text("from shop.prices import PRICE\n")

    with pytest.raises(ValueError, match=r": shop\.prices, shop\.stock, shop\.top$"):
        floors(imports(shop))


def test_a_class_name_in_two_modules_is_found(shop: Path) -> None:
    """The order is defined in two modules, the stock in one."""
    assert {"Order": 2} == defined_twice([shop])


def test_the_command_prints_folders_imports_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints a line for each existing folder, and leaves out other names."""
    assert 0 == print_figures(["tools", "no-such-folder"])

    head, tools, edges, twice = capsys.readouterr().out.splitlines()
    assert (HEAD, "tools") == (head, tools.split()[0])
    assert edges.startswith("chalicelib: ")
    assert twice.startswith("classes defined twice: ")

"""The table of folders in the architecture page names every package, with its own sentence."""

from pathlib import Path

import pytest

from tools.reference import folders
from tools.reference.folders import first_sentence


def test_the_first_line_of_the_docstring_is_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first line of a package's docstring is shown."""
    monkeypatch.setattr(folders, "ROOT", tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text('"""Sells things.\n\nIt imports nothing."""\n')

    assert "Sells things." == first_sentence("shop")


def test_a_package_without_a_docstring_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file that needs the docstring."""
    monkeypatch.setattr(folders, "ROOT", tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("PRICE = 1\n")

    with pytest.raises(LookupError, match=r"shop/__init__\.py has no docstring"):
        first_sentence("shop")


def test_the_table_names_every_package_of_the_app() -> None:
    """Each folder of `chalicelib` that is a package has its row, in alphabetical order."""
    rows = folders.folders().splitlines()
    named = [row.split("`")[1] for row in rows if row.startswith("| `chalicelib/")]
    packages = sorted(file.parent.name for file in folders.ROOT.glob("chalicelib/*/__init__.py"))

    assert ["chalicelib/", *(f"chalicelib/{name}" for name in packages)] == named


def test_every_row_has_a_folder_and_a_sentence() -> None:
    """Every folder of the table exists, and its sentence ends with a full stop or a colon."""
    rows = [row.strip("| ").split(" | ") for row in folders.folders().splitlines()[2:]]
    missing = [name for name, _ in rows if not (folders.ROOT / name.strip("`")).exists()]
    unfinished = [name for name, sentence in rows if not sentence.endswith((".", ":"))]

    assert ([], []) == (missing, unfinished)

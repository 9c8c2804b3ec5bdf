"""localaws is a distribution: its wheel is all of this repository that `localaws` needs."""

import sys
from pathlib import Path

from tests.distribution.installation import run

PROJECT = Path(__file__).parents[2]


def test_the_wheel_holds_the_package_with_its_sql_and_its_types(
    installed: Path, tmp_path: Path
) -> None:
    """What is imported is the installed package, and no file of it was forgotten."""
    source = PROJECT / "src" / "localaws"
    expected = {
        file.relative_to(source)
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    package = installed / "localaws"
    found = {file.relative_to(package) for file in package.rglob("*") if file.suffix != ".pyc"}
    where = run(
        installed, tmp_path, sys.executable, "-c", "import localaws; print(localaws.__file__)"
    )

    assert expected == {path for path in found if not (package / path).is_dir()}
    assert Path("py.typed") in found
    assert str(package / "__init__.py") == where.stdout.strip()


def test_the_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    """`localaws --help` names what it can do."""
    said = run(installed, tmp_path, str(installed / "bin" / "localaws"), "--help")

    assert (0, "") == (said.returncode, said.stderr)
    assert "AWS on this machine" in said.stdout
    assert "up" in said.stdout.split()

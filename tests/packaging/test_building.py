"""How the zip is made: the same bytes wherever it is made, quickly when nothing has changed, or a
sentence.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_restore.packaging.building import Built, build, digest
from aurora_restore.packaging.errors import MissingWheelError, PackageError
from aurora_restore.packaging.platforms import architecture_of
from aurora_restore.stages import Stage
from tests.packaging.checkouts import checkout
from tests.packaging.packaged import APP

DEV = Stage.read("dev")
OTHER_FILE_SYSTEM = Path("/dev/shm")  # noqa: S108 # in memory, and lists files in another order
KINDS = ("x86_64", "aarch64")
ENTRY_POINT = "import sys; from chalice.cli import main; sys.exit(main())"


def command(
    *arguments: str, umask: int = 0o022, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m aurora_restore.packaging` as people do; pip may not reach any network."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, "-m", "aurora_restore.packaging", *arguments],
        cwd=APP,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**known, "PIP_NO_INDEX": "1", **environment},
    )


def chalice(folder: Path, *arguments: str, **environment: str) -> str:
    """Run the real Chalice in a project; returns what it says."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", ENTRY_POINT, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**known, "AWS_DEFAULT_REGION": "us-west-2", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_same_commit_gives_the_same_bytes(built: Built, wheels: Path, tmp_path: Path) -> None:
    """The same commit gives the same bytes in another folder, process, umask and hash seed."""
    other = OTHER_FILE_SYSTEM if os.access(OTHER_FILE_SYSTEM, os.W_OK) else tmp_path
    folder = other / f"package-{os.getpid()}"
    try:
        made = command(
            "--stage",
            "dev",
            "--folder",
            str(folder),
            "--wheels",
            str(wheels),
            umask=0o077,
            PYTHONHASHSEED="7",
        )
        (zipped,) = (folder / ".chalice" / "deployments").iterdir()

        assert (0, "") == (made.returncode, made.stderr)
        assert built.zip.read_bytes() == zipped.read_bytes()
        assert (
            f"{zipped}\n{zipped.stat().st_size / 1e6:.2f} MB for x86_64, CodeSha256 "
            f"{digest(built)}\n" == made.stdout
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_every_stage_has_the_same_package(built: Built, wheels: Path, tmp_path: Path) -> None:
    """Each stage has the same package, because settings are not in it."""
    copied = shutil.copytree(built.folder, tmp_path / "prod")

    assert digest(built) == digest(build(Stage.read("prod"), copied, wheels=wheels))


def test_an_unchanged_package_is_not_made_again(built: Built, wheels: Path) -> None:
    """An unchanged package is not made again, but its settings are brought up to date."""
    before, settings = built.zip.stat(), built.folder / ".chalice" / "config.json"
    config = settings.read_text()
    settings.write_text("{}")
    again = build(DEV, built.folder, wheels=wheels)

    assert built == again
    assert before.st_mtime_ns == again.zip.stat().st_mtime_ns
    assert before.st_ino == again.zip.stat().st_ino
    assert config == settings.read_text()


def test_a_change_of_the_source_is_one_of_the_package(wheels: Path, tmp_path: Path) -> None:
    """A change of the source changes the package, and undoing it restores the package.

    A zip that was touched is made again, and what Chalice has deployed stays known.
    """
    copied, folder = checkout(tmp_path / "checkout", "aws-lambda-powertools"), tmp_path / "made"
    text = (copied / "app.py").read_text()
    first = digest(build(DEV, folder, checkout=copied, wheels=wheels))
    deployed = folder / ".chalice" / "deployed" / "dev.json"
    deployed.parent.mkdir()
    deployed.write_text("known")
    (copied / "app.py").write_text(f"{text}\n# changed\n")
    changed = build(DEV, folder, checkout=copied, wheels=wheels)
    second = digest(changed)
    changed.zip.write_bytes(b"touched")

    assert first != second
    assert second == digest(build(DEV, folder, checkout=copied, wheels=wheels))
    assert [changed.zip] == list((folder / ".chalice" / "deployments").iterdir())
    assert "known" == deployed.read_text()


def test_what_lies_around_in_a_checkout_is_not_packaged(wheels: Path, tmp_path: Path) -> None:
    """Bytecode, tests, dotenv files and Chalice's state of a checkout are not packaged: the bytes
    stay the same.
    """
    copied = checkout(tmp_path / "checkout", "aws-lambda-powertools")
    clean = digest(build(DEV, tmp_path / "clean", checkout=copied, wheels=wheels))
    for name in (
        "__pycache__/app.cpython-311.pyc",
        "tests/test_it.py",
        ".env",
        "steps/.env.local",
        "runner.py~",
    ):
        (copied / "chalicelib" / name).parent.mkdir(exist_ok=True)
        (copied / "chalicelib" / name).write_text("SECRET = 1\n")
    (copied / ".chalice" / "deployed").mkdir()
    (copied / ".chalice" / "deployed" / "dev.json").write_text("{}")
    littered = build(DEV, tmp_path / "littered", checkout=copied, wheels=wheels)

    assert clean == digest(littered)
    assert not (littered.folder / ".chalice" / "deployed").exists()


def test_chalice_takes_the_zip_as_it_is(built: Built, tmp_path: Path) -> None:
    """The real `chalice package` takes the zip as it is, and needs neither pip nor a network."""
    output = chalice(
        built.folder,
        "package",
        "--stage",
        "dev",
        str(tmp_path),
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
    )

    assert "Reusing existing deployment package." in output
    assert built.zip.read_bytes() == (tmp_path / "deployment.zip").read_bytes()
    assert [built.zip] == list(built.zip.parent.iterdir())


def test_a_missing_wheel_fails_the_build(wheels: Path, tmp_path: Path) -> None:
    """A missing wheel fails the build, where Chalice would warn; the sentence names it and its
    machine.
    """
    fewer = tmp_path / "wheels"
    fewer.mkdir()
    for wheel in wheels.glob("*.whl"):
        if not wheel.name.startswith("typing_"):
            (fewer / wheel.name).symlink_to(wheel)

    with pytest.raises(MissingWheelError) as refused:
        build(DEV, tmp_path / "made", wheels=fewer)

    assert re.fullmatch(
        r"There is no wheel of typing-extensions [0-9.]+ and typing-inspection [0-9.]+ for x86_64 "
        r"and Python 3\.1\d in /.*/wheels \(Lambda has glibc 2\.\d\d there\)\. "
        r"Fetch what is missing with .* or a newer Python\.",
        str(refused.value),
    )


def test_make_fetches_wheels_for_both_machines(wheels: Path, tmp_path: Path) -> None:
    """Wheels with native code are fetched for x86-64 and for arm64, whatever the folders are
    called.
    """
    folder = tmp_path / "some wheels"
    fetched = subprocess.run(
        [".ci/set-up", "wheels", sys.prefix, str(folder)],
        cwd=APP,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri()},
    )
    refused = re.findall(r"there is no wheel of (\w+)==[0-9.]+ for arm64", fetched.stdout)

    native = {
        kind: {file.name.partition("-")[0] for file in folder.glob(f"*{kind}.whl")}
        for kind in KINDS
    }

    assert [] == refused
    assert {"psycopg2_binary", "pydantic_core"} == native["x86_64"]
    assert native["x86_64"] == native["aarch64"]
    assert (folder / ".ready").exists()


def test_a_requirement_that_is_not_pinned_fails_the_build(wheels: Path, tmp_path: Path) -> None:
    """A requirement without a pinned version fails the build, or the same commit would be another
    package tomorrow.
    """
    copied = checkout(tmp_path / "checkout", "aws-lambda-powertools")
    lock = copied / "requirements-dev.lock"
    lock.write_text(
        "\n".join(
            line for line in lock.read_text().splitlines() if not line.startswith("jmespath=")
        )
    )

    with pytest.raises(
        PackageError,
        match=r"^requirements-dev\.lock does not pin jmespath: write down which version",
    ):
        build(DEV, tmp_path / "made", checkout=copied, wheels=wheels)


def test_a_source_that_is_no_python_fails_the_build(wheels: Path, tmp_path: Path) -> None:
    """A source with a syntax error fails the build, and not the first event of a night."""
    copied = checkout(tmp_path / "checkout", "aws-lambda-powertools")
    (copied / "chalicelib" / "door.py").write_text("def answer(:\n")

    with pytest.raises(
        PackageError, match=r"^A source cannot be compiled: /.*/chalicelib/door\.py, line 1: .+\.$"
    ):
        build(DEV, tmp_path / "made", checkout=copied, wheels=wheels)


def test_somebodys_own_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder that the build did not make, such as a checkout, is left alone."""
    mine = checkout(tmp_path / "mine")

    with pytest.raises(
        PackageError, match=r"is there and no package was made in it, so it is not touched"
    ):
        build(DEV, mine)

    assert (mine / "chalicelib" / "rds-ca-bundle.README").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--stage", "pord"], "There is no stage 'pord': .chalice/config.json has "),
        (["--stage", "dev", "--folder", "tests"], "/tests is there and no package was made in it"),
    ],
)
def test_the_command_fails_in_one_sentence(arguments: list[str], sentence: str) -> None:
    """The command fails in one sentence and exits with 1."""
    failed = command(*arguments)

    assert (1, "", 1) == (failed.returncode, failed.stdout, len(failed.stderr.splitlines()))
    assert sentence in failed.stderr


def test_an_architecture_that_lambda_has_not_is_refused(tmp_path: Path) -> None:
    """An architecture that Lambda does not have is refused before anything is made."""
    with pytest.raises(
        PackageError, match=r"^Lambda has no architecture 'arm': choose x86_64 or arm64\.$"
    ):
        build(DEV, tmp_path / "made", architecture="arm")

    assert [] == list(tmp_path.iterdir())


def test_a_stage_chooses_its_architecture() -> None:
    """A stage chooses its architecture, for itself or for all; Chalice's default is x86-64."""
    stages = {"one": {"lambda_architecture": "arm64"}, "two": {}}

    assert "arm64" == architecture_of(Stage("one", {"stages": stages}))
    assert "x86_64" == architecture_of(Stage("two", {"stages": stages}))
    assert "arm64" == architecture_of(
        Stage("two", {"stages": stages, "lambda_architecture": "arm64"})
    )

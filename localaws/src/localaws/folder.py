"""The data folder: one world at a time, and never a folder of somebody else's."""

import fcntl
import shutil
from pathlib import Path
from typing import IO, Final

from localaws.errors import WorldError

MARK: Final = "localaws-folder"
MARK_TEXT: Final = "This folder belongs to localaws, which empties it at every start.\n"
LOCK: Final = "lock"
# The last is emptied by the data plane, which ends the servers in it first.
_NOT_EMPTIED: Final = frozenset({MARK, LOCK, "postgres"})


class FolderError(WorldError):
    """The folder cannot be used; the text says why, and what to do."""


class DataFolder:
    """A folder that was claimed: marked as ours, and locked against a second world."""

    def __init__(self, path: Path) -> None:
        """Claim the folder; raises FolderError."""
        self.path = path.resolve()
        try:
            _refuse_foreign(self.path)
            self._is_new = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / MARK).write_text(MARK_TEXT)
            lock = (self.path / LOCK).open("w")
        except OSError as error:
            raise FolderError(
                f"The folder {self.path} cannot be made or written to: {error.strerror}. Name "
                "another one with --data."
            ) from error
        self._lock = _locked(lock, self.path)

    def empty(self) -> None:
        """Remove what an earlier world left; logs of this one begin anew."""
        for entry in self.path.iterdir():
            if entry.name in _NOT_EMPTIED:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def keep(self) -> None:
        """Say that a world has begun in it, whose logs are to stay."""
        self._is_new = False

    def release(self) -> None:
        """Let another world have it. One that was made for a world which never began is removed."""
        if self._is_new:
            shutil.rmtree(self.path)
        self._lock.close()


def _refuse_foreign(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise FolderError(f"{path} is not a folder. Name another one with --data.")
    if path.is_dir() and any(path.iterdir()) and not (path / MARK).is_file():
        raise FolderError(
            f"The folder {path} is not empty and not localaws'; it is left alone. Name another one "
            "with --data."
        )


def _locked(lock: IO[str], path: Path) -> IO[str]:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise FolderError(
            f"Another local AWS runs in {path}. Stop it, or name another folder with --data "
            "and another port with --port."
        ) from None
    return lock

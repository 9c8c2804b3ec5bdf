"""A folder for a database server: in memory where there is room."""

import os
import tempfile
from pathlib import Path

from localaws.postgres.programs import TEMPORARY_PREFIX, temporary_folder

MEMORY = Path("/dev/shm")  # noqa: S108 # a folder of one's own is made in it
MEMORY_BYTES_MIN = 4 << 30  # in containers there are often 64 MB only


def server_folder() -> Path:
    """Make a folder for a server: in memory where there is room, because every test makes and drops
    databases, which are many files.
    """
    if not _is_roomy(MEMORY):
        return temporary_folder()
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=MEMORY))
    folder.chmod(0o711)  # the server may run as another user
    return folder


def _is_roomy(folder: Path) -> bool:
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    status = os.statvfs(folder)
    programs_run = not status.f_flag & os.ST_NOEXEC
    return programs_run and status.f_bavail * status.f_frsize >= MEMORY_BYTES_MIN

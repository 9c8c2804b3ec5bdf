"""The programs of an installed PostgreSQL: with contrib, ICU and TLS."""

import os
import pwd
from pathlib import Path
from typing import Final

from localaws.postgres.errors import DataPlaneError
from localaws.postgres.programs import Programs, is_reachable, system_user

OLDEST_MAJOR: Final = 15  # the oldest whose Aurora counterpart the app restores
NEEDED: Final = ("postgres", "initdb", "pg_basebackup")
EXAMPLE: Final = "POSTGRES=/usr/lib/postgresql/15/bin"


def find_full_server(folder: Path) -> Programs:
    """Return the programs in a `bin` folder; DataPlaneError says what is wrong with it."""
    programs = folder.resolve()
    missing = [name for name in NEEDED if not os.access(programs / name, os.X_OK)]
    if missing or programs.name != "bin":
        lacks = f"has no {' and no '.join(missing)}" if missing else "is not named bin"
        raise DataPlaneError(
            f"The folder {folder} {lacks}. Name the bin folder of a PostgreSQL server, for example "
            f"{EXAMPLE}, which Debian's package postgresql-15 installs."
        )
    found = _run_by(system_user(), programs)
    if (major := found.major) < OLDEST_MAJOR:
        raise DataPlaneError(
            f"The PostgreSQL in {folder} is version {major}. Name one of version {OLDEST_MAJOR} or "
            "newer."
        )
    return found


def _run_by(user: str | None, programs: Path) -> Programs:
    if user is None:
        return Programs(programs.parent, None, None, is_embedded=False)
    if not is_reachable(programs / "postgres"):
        raise DataPlaneError(
            f"PostgreSQL refuses to run as root, and the user {user}, as which it runs, cannot "
            f"reach {programs}. Open the folders above it to everybody (chmod o+x), or name a "
            "server that everybody can run."
        )
    account = pwd.getpwnam(user)
    return Programs(programs.parent, user, (account.pw_uid, account.pw_gid), is_embedded=False)

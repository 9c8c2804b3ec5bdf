"""Prepares the process of a program, before the imports that take seconds.

Packages that have programs call `begin` when they are imported, so that no `python -m …` can forget
it, and so that the imports that follow are covered as well.
"""

import sys
from functools import cache

from aurora_restore.process.failures import explain_failures
from aurora_restore.process.loopback import keep_loopback_direct

_LOOKED_UP = "-m"  # what Python writes in place of a program's name while it looks the module up


def begin() -> None:
    """Prepare the process of a `python -m …`; do nothing where anything else imports a package."""
    if sys.argv[:1] == [_LOOKED_UP]:
        prepare()


@cache
def prepare() -> None:
    """Prepare this process, once."""
    keep_loopback_direct()
    explain_failures()

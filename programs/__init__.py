"""What every program of this repository does before anything else.

The packages that have programs call `begin` when they are imported, so that no `python -m …` can
forget it, and so that the imports that follow, which take seconds, are covered as well.
"""

import sys

from programs.failures import explain_failures
from programs.loopback import keep_loopback_direct

_LOOKED_UP = "-m"  # what Python writes in place of a program's name while it looks the module up


def begin() -> None:
    """Prepare the process of a `python -m …`.

    Nothing happens when a package is imported by anything else.
    """
    if sys.argv[:1] == [_LOOKED_UP]:
        keep_loopback_direct()
        explain_failures()

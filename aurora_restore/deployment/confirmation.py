"""The question before anything is changed: asked on a terminal, answered by --yes elsewhere."""

import sys
from collections.abc import Callable
from typing import TextIO

from aurora_restore.deployment.errors import DeploymentError

Confirm = Callable[[str], bool]
"""Ask whether to do something, such as "Deploy". Raises DeploymentError unless it is wanted.

Returns whether somebody was asked: while the question waited, the account may have changed.
"""


def confirmed(_verb: str) -> bool:
    """Take everything as confirmed, without a question: the user gave --yes."""
    return False


def asking(answers: TextIO = sys.stdin, screen: TextIO = sys.stdout) -> Confirm:
    """Give a confirmation that asks on the terminal, and refuses where there is none."""

    def confirm(verb: str) -> bool:
        if not answers.isatty():
            raise DeploymentError(
                "Nothing was changed: there is no terminal to ask on. To go on without being "
                "asked, add YES=1 to the make command (--yes)."
            )
        screen.write(f"{verb}? [y/N] ")
        screen.flush()
        if answers.readline().strip().lower() not in ("y", "yes"):
            raise DeploymentError("Nothing was changed.")
        return True

    return confirm


def confirmation(*, yes: bool) -> Confirm:
    """Choose how to confirm: `yes` is the user's --yes."""
    return confirmed if yes else asking()

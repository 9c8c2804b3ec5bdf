"""The question before anything is changed: asked on a terminal, answered by --yes elsewhere."""

import sys
from collections.abc import Callable
from typing import TextIO

from aurora_restore.deployment.errors import DeploymentError

Confirm = Callable[[str], None]
"""Ask whether to do something, such as "Deploy". Raises DeploymentError unless it is wanted."""


def confirmed(_verb: str) -> None:
    """Take everything as confirmed: the user gave --yes."""


def asking(answers: TextIO = sys.stdin, screen: TextIO = sys.stdout) -> Confirm:
    """Give a confirmation that asks on the terminal, and refuses where there is none."""

    def confirm(verb: str) -> None:
        if not answers.isatty():
            raise DeploymentError(
                "Nothing was changed: there is no terminal to ask on. To go on without being "
                "asked, set YES=1 (--yes)."
            )
        screen.write(f"{verb}? [y/N] ")
        screen.flush()
        if answers.readline().strip().lower() not in ("y", "yes"):
            raise DeploymentError("Nothing was changed.")

    return confirm


def confirmation(*, yes: bool) -> Confirm:
    """Choose how to confirm: `yes` is the user's --yes."""
    return confirmed if yes else asking()

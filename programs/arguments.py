"""Command lines of the programs that make starts, and kinds of arguments that several of them take."""

import argparse
import sys
from typing import Final, NoReturn

PORT_MAX: Final = 65_535
WRONG_USAGE: Final = 2  # as argparse has it


class Parser(argparse.ArgumentParser):
    """A parser that answers a value it cannot take with a sentence alone: who typed make did not see the options."""

    def error(self, message: str) -> NoReturn:
        """Write our own sentence as it stands, and what argparse says with the usage.

        Ends the process.
        """
        _, _, said = message.partition(": ")
        if not said.endswith("."):
            super().error(message)
        sys.stderr.write(f"{said}\n")
        raise SystemExit(WRONG_USAGE)


def port(text: str) -> int:
    """Read the port that something listens on."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a port. Choose a number from 1 to {PORT_MAX}."
        )
    return int(text)


class Whole:
    """Reads whole numbers from a smallest one.

    The sentence names the option and make's variable.
    """

    def __init__(self, option: str, variable: str, *, smallest: int) -> None:
        self._names = f"--{option} ({variable}=… of make)"
        self._smallest = smallest

    def __call__(self, text: str) -> int:
        """Read one number."""
        if not (text.isascii() and text.isdigit() and int(text) >= self._smallest):
            raise argparse.ArgumentTypeError(
                f"'{text}' is no value for {self._names}. Choose a whole number from "
                f"{self._smallest}."
            )
        return int(text)

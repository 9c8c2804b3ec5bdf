"""Kinds of arguments that several programs take."""

import argparse
from typing import Final

PORT_MAX: Final = 65_535


def port(text: str) -> int:
    """Read the port that something listens on; argparse puts the error into a sentence."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"'{text}' is not a port. Choose a number from 1 to {PORT_MAX}.")
    return int(text)

"""The options of the demo and of its world, and the demo's command with more time."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Final

import typer

from aurora_restore.process.loopback import has_many_addresses
from aurora_restore.process.options import OptionError, port_number
from demo.time_limits import NIGHT_SECONDS

SWAP, POINTER, DELETE_FIRST = "swap", "pointer", "delete-first"
REPLACEMENTS: Final = (SWAP, POINTER, DELETE_FIRST)


def replacement_name(given: str) -> str:
    """Read how the target is replaced; raises OptionError."""
    if given not in REPLACEMENTS:
        raise OptionError(
            f"'{given}' is not a way to replace a target. Choose --replacement swap, pointer or "
            "delete-first (REPLACEMENT=… of make)."
        )
    return given


def usual_replacement() -> str:
    """Give what this machine can do: a swap needs two clusters with one port.

    Where 127.0.0.1 is the only address of loopback, as on macOS, they would need two ports.
    """
    return SWAP if has_many_addresses() else DELETE_FIRST


Replacement = Annotated[
    str,
    typer.Option(
        "--replacement",
        parser=replacement_name,
        metavar="HOW",
        help="How the target is replaced: swap, pointer, or delete-first.",
    ),
]

Port = Annotated[
    int,
    typer.Option(
        "--port", parser=port_number, metavar="PORT", help="Where localaws listens, on loopback."
    ),
]
Data = Annotated[
    Path,
    typer.Option("--data", metavar="FOLDER", help="The folder that localaws keeps everything in."),
]
Dump = Annotated[
    Path | None,
    typer.Option(
        "--dump", metavar="FILE", help="SQL that becomes production's data, not the sample."
    ),
]
Postgres = Annotated[
    Path | None,
    typer.Option(
        "--postgres",
        metavar="FOLDER",
        help="The bin folder of a PostgreSQL server, in place of the embedded one.",
    ),
]


@dataclass(frozen=True)
class DemoOptions:
    """The options of one run of the demo."""

    port: int = 4577
    data: Path = Path(".localaws")
    dump: Path | None = None
    postgres: Path | None = None
    timeout_seconds: float = NIGHT_SECONDS
    keep: bool = False
    replacement: str = field(default_factory=usual_replacement)

    def with_more_time(self, command: str, *, by_make: bool) -> str:
        """Write the command that was typed, with everything that was given and twice the time."""
        default = DemoOptions()
        given = {
            known.name: getattr(self, known.name)
            for known in fields(self)
            if getattr(self, known.name) != getattr(default, known.name)
        }
        values = given | {"timeout_seconds": f"{2 * self.timeout_seconds:g}"}
        words = ["make", "demo", *_variables(values)] if by_make else [*_options(command, values)]
        return shlex.join(words)


def _variables(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        yield f"{_option(name).upper()}={1 if value is True else value}"


def _options(command: str, values: Mapping[str, object]) -> Iterator[str]:
    yield from command.split()
    for name, value in values.items():
        yield f"--{_option(name)}"
        yield from () if value is True else (str(value),)


def _option(name: str) -> str:
    return name.removesuffix("_seconds")

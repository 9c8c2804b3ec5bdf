"""The options of the demo and of its world, and the demo's command with more time."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final

import typer

from aurora_restore.process.options import port_number

NIGHT_SECONDS: Final = 240  # that a night may take from its snapshot on

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

    def with_more_time(self, command: str, *, by_make: bool) -> str:
        """Write the command that was typed, with everything that was given and twice the time."""
        default = DemoOptions()
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(default, field.name)
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

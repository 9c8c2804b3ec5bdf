"""`aurora-restore demo`."""

import os
from importlib.util import find_spec
from typing import Annotated

import typer

from aurora_restore.cli.attempt import DEMO, WRONG_USAGE, print_error, require_checkout
from aurora_restore.process.options import OptionError
from aurora_restore.stages import CHECKOUT, StageError
from demo.options import Data, DemoOptions, Dump, Port, Postgres, Replacement
from demo.run import run_demo

SECONDS_MAX = 24 * 60 * 60
DEFAULT = DemoOptions()


def seconds(given: str | float) -> float:
    """Read a time that is more than none and ends."""
    try:
        read = float(given)
    except ValueError:
        read = 0
    if not 0 < read <= SECONDS_MAX:
        raise OptionError(
            f"'{given}' is not a value for --timeout (TIMEOUT=… of make). Choose seconds from 1 to "
            f"{SECONDS_MAX:,}."
        )
    return read


Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        parser=seconds,
        metavar="SECONDS",
        help="How long the restore may take from the night's snapshot on.",
    ),
]
Keep = Annotated[
    bool, typer.Option("--keep", help="Leave the local AWS running afterwards, until Ctrl-C.")
]


def demo(
    context: typer.Context,
    port: Port = DEFAULT.port,
    data: Data = DEFAULT.data,
    *,
    dump: Dump = DEFAULT.dump,
    postgres: Postgres = DEFAULT.postgres,
    timeout: Timeout = DEFAULT.timeout_seconds,
    keep: Keep = DEFAULT.keep,
    replacement: Replacement = DEFAULT.replacement,
) -> int:
    """Watch a restore on an AWS on this machine."""
    if find_spec("localaws") is None:
        return print_error(
            "The demo needs localaws, the AWS on one machine, which is not installed here. "
            "In a checkout of aurora-restore, run: pip install ./localaws"
        )
    try:
        require_checkout(CHECKOUT, DEMO)
    except StageError as error:
        return print_error(str(error), WRONG_USAGE)
    options = DemoOptions(port, data, dump, postgres, timeout, keep, replacement)
    typed_by_make = "MAKELEVEL" in os.environ
    return run_demo(options, options.with_more_time(context.command_path, by_make=typed_by_make))

"""The command `localaws`."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from click import ClickException, UsageError

from localaws import foreground, prepare_process
from localaws.folder import DataFolder
from localaws.foreground import Options, Say

WRONG_USAGE: Final = 2  # the exit status of click and of argparse

# Our own sentences (failures.py) are told in place of typer's tracebacks.
app = typer.Typer(
    help="AWS on this machine, with Aurora in it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def parse_port(text: str) -> int:
    """Read the port that something listens on."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= foreground.PORT_MAX):
        raise typer.BadParameter(
            f"'{text}' is not a port. Choose a number from 1 to {foreground.PORT_MAX}."
        )
    return int(text)


@app.callback()
def _commands() -> None:
    """Keep `up` a command of its own: typer drops the name of an only command."""


@app.command()
def up(
    port: Annotated[
        int, typer.Option(parser=parse_port, metavar="PORT", help="Where it listens, on loopback.")
    ] = foreground.PORT,
    data: Annotated[
        Path, typer.Option(help="The folder that it keeps everything in.")
    ] = foreground.FOLDER,
    dump: Annotated[
        Path | None,
        typer.Option(help="SQL that becomes production's data, in place of the sample."),
    ] = None,
    postgres: Annotated[
        Path | None,
        typer.Option(help="The bin folder of a PostgreSQL server, in place of the embedded one."),
    ] = None,
    speed: Annotated[
        float, typer.Option(help="How many times quicker than Aurora everything is.")
    ] = foreground.SPEED,
) -> None:
    """Build a local AWS with a sample production, and leave it running in the foreground."""
    options = Options(port, data, dump, postgres, speed)
    foreground.leave(foreground.run(options, _start_sample))


def main(arguments: list[str] | None = None) -> None:
    """Run the command, and exit with its status; a value that it cannot take is one sentence."""
    prepare_process()
    command = typer.main.get_command(app)
    try:
        status = command.main(arguments, prog_name=_program_name(), standalone_mode=False)
    except ClickException as error:
        sys.stderr.write(f"{_explain(error)}\n")
        status = WRONG_USAGE
    sys.exit(status)


def _start_sample(options: Options, folder: DataFolder, stack: ExitStack, say: Say) -> str:
    # These imports take seconds; see foreground.py.
    from localaws.sample.account import build  # noqa: PLC0415
    from localaws.startup import start  # noqa: PLC0415

    return start(options, folder, stack, say, build)


def _explain(error: ClickException) -> str:
    """Return our own sentence as it stands, and what click says with the usage."""
    if error.message.endswith(".") and not isinstance(error, typer.Exit):
        return error.message
    usage = error.ctx.get_usage() + "\n" if isinstance(error, UsageError) and error.ctx else ""
    return f"{usage}{_program_name()}: error: {error.format_message()}"


def _program_name() -> str:
    return "python -m localaws" if sys.argv[0].endswith("__main__.py") else "localaws"

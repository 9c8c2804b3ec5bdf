"""The command `localaws`."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from localaws import __version__, foreground, prepare_process
from localaws.folder import DataFolder
from localaws.foreground import Options, Say

# Our own sentences (failures.py) are told in place of typer's tracebacks.
app = typer.Typer(
    help="AWS on this machine, with Aurora in it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class OptionValueError(typer.BadParameter):
    """A value that an option does not take; the message is the whole sentence."""

    def format_message(self) -> str:
        """Return the sentence without typer's words around it."""
        return self.message


def parse_port(given: str | int) -> int:
    """Read the port that something listens on; typer also reads the default, which is a number."""
    text = str(given)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= foreground.PORT_MAX):
        raise OptionValueError(
            f"'{text}' is not a port. Choose a number from 1 to {foreground.PORT_MAX}."
        )
    return int(text)


def parse_speed(given: str | float) -> float:
    """Read a speed; typer also reads the default, which is a number."""
    try:
        return foreground.parse_speed(given)
    except ValueError as error:
        raise OptionValueError(str(error)) from None


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"localaws {__version__}\n")
        raise typer.Exit


# A callback also keeps `up` a command of its own: typer drops the name of an only command.
@app.callback()
def _commands(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


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
        float,
        typer.Option(
            parser=parse_speed,
            metavar="NUMBER",
            help="How many times quicker than Aurora everything is.",
        ),
    ] = foreground.SPEED,
) -> None:
    """Run a local AWS with a sample production."""
    options = Options(port, data, dump, postgres, speed)
    foreground.leave(foreground.run(options, _start_sample))


def main(arguments: list[str] | None = None) -> None:
    """Run the command, and exit with its status; an option it cannot take is one sentence."""
    prepare_process()
    name = "python -m localaws" if sys.argv[0].endswith("__main__.py") else "localaws"
    given = sys.argv[1:] if arguments is None else arguments
    try:
        with get_command(app).make_context(name, given) as context:
            context.command.invoke(context)
    except typer.Exit as end:  # the help was printed
        sys.exit(end.exit_code)
    except typer.TyperException as error:
        sys.stderr.write(f"{_sentence(error, name)}\n")
        sys.exit(error.exit_code)


def _start_sample(options: Options, folder: DataFolder, stack: ExitStack, say: Say) -> str:
    # These imports take seconds; see foreground.py.
    from localaws.sample.account import build  # noqa: PLC0415
    from localaws.startup import start  # noqa: PLC0415

    return start(options, folder, stack, say, build)


def _sentence(error: typer.TyperException, name: str) -> str:
    message = error.format_message()
    if isinstance(error, OptionValueError):
        return message
    context = getattr(error, "ctx", None)
    command = context.command_path if context else name
    return f"{message.rstrip('.')}. See `{command} --help`."

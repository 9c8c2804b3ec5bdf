"""Command lines: typer reads them, and whatever it cannot take is answered by one sentence.

Programs are run here and not by typer itself, which would print its usage before an error, take
Ctrl-C and show traces in colour.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

PORT_MAX: Final = 65_535


class OptionError(typer.BadParameter):
    """A value that an option does not take; the message is the whole sentence."""

    def format_message(self) -> str:
        """Give the sentence as it stands: people who typed a make target did not see the option."""
        return self.message


def command_line(description: str | None) -> typer.Typer:
    """Make an empty command line, whose help is plain text."""
    return typer.Typer(
        help=description,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def offer_version(commands: typer.Typer, line: str) -> None:
    """Give a command line the option `--version`, which prints a line and does nothing else."""

    def print_version(wanted: bool) -> None:
        if wanted:
            sys.stdout.write(f"{line}\n")
            raise typer.Exit

    @commands.callback()
    def options(
        *,
        _version: Annotated[
            bool,
            typer.Option(
                "--version",
                callback=print_version,
                is_eager=True,
                help="Print the version and exit.",
            ),
        ] = False,
    ) -> None:
        pass


def run(commands: typer.Typer, arguments: Sequence[str] | None, *, name: str) -> int:
    """Run a command line, by default this process's; returns the exit status.

    `name` is what people type before the arguments.
    """
    command = get_command(commands)
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with command.make_context(name, given) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as end:  # the help was printed
        return end.exit_code
    except typer.TyperException as error:
        sys.stderr.write(f"{_sentence(error, name)}\n")
        return error.exit_code


def program(function: Callable[..., int], arguments: Sequence[str] | None, *, name: str) -> int:
    """Run a program of one command, whose options are the parameters of a function."""
    commands = command_line(None)
    commands.command()(function)
    return run(commands, arguments, name=name)


def port_number(given: str | int) -> int:
    """Read the port that something listens on; typer also reads the default, which is a number."""
    text = str(given)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= PORT_MAX):
        raise OptionError(f"'{text}' is not a port. Choose a number from 1 to {PORT_MAX}.")
    return int(text)


def whole_number(option: str, variable: str, *, smallest: int) -> Callable[[str | int], int]:
    """Read whole numbers from a smallest one; the sentence names the option and make's variable."""

    def read(given: str | int) -> int:
        text = str(given)
        if not (text.isascii() and text.isdigit() and int(text) >= smallest):
            raise OptionError(
                f"'{text}' is not a value for --{option} ({variable}=… of make). Choose a whole "
                f"number from {smallest}."
            )
        return int(text)

    return read


def _sentence(error: typer.TyperException, name: str) -> str:
    message = error.format_message()
    if isinstance(error, OptionError):
        return message
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context else name
    return f"{message.rstrip('.')}. See `{command} --help`."

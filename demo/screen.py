"""What people see: plain lines, and on a terminal colours and a status line (rich)."""

import sys
from typing import Protocol, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from aurora_restore.terminal import printable
from demo.assertions import CheckResult
from demo.watch import Step

WHAT_MAX = 300  # characters: a step may list much

DIM, GOOD, BAD, HEADING = "dim", "green", "bold red", "bold"


class Screen(Protocol):
    """Where the demo writes its lines, and what it waits for."""

    def say(self, line: str, style: str = "") -> None:
        """Write a line that stays."""

    def waiting(self, what: str) -> None:
        """Show what is waited for, where a line can be replaced later."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainScreen:
    """Lines and nothing else: for files, pipes and CI."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, line: str, style: str = "") -> None:
        """Write a line that stays."""
        del style  # plain is plain
        print(printable(line), file=self._stream, flush=True)

    def waiting(self, what: str) -> None:
        """Write nothing: in a file a wait that has ended is no news."""

    def close(self) -> None:
        """Leave everything as it is."""


class LiveScreen:
    """A terminal: rich colours the lines (none with NO_COLOR) and keeps a status line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console, spinner="dots")
        self._status.start()

    def say(self, line: str, style: str = "") -> None:
        """Write a line that stays."""
        # Soft wrapping leaves a long command one line, so that it can be copied whole.
        self._console.print(Text(printable(line), style=style), soft_wrap=True)

    def waiting(self, what: str) -> None:
        """Show what is waited for in the status line, cut to its width."""
        width = max(0, self._console.width - 4)  # the spinner and blanks take four columns
        self._status.update(Text(printable(what)[:width], style=DIM))

    def close(self) -> None:
        """Remove the status line."""
        self._status.stop()


def screen(stream: TextIO = sys.stdout) -> Screen:
    """Choose by what the stream is: rich tells terminals from dumb ones and from files."""
    console = Console(file=stream)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveScreen(console)
    return PlainScreen(stream)


def step_line(step: Step) -> str:
    """Write one change of state: its time, Aurora's seconds, ours, and what which step did.

    The audit table has the whole text.
    """
    aurora = f"Aurora {step.aurora_seconds:5.1f} s" if step.aurora_seconds else " " * 14
    times = f"{aurora}  own {step.own_seconds:4.1f} s"
    what = step.what if len(step.what) <= WHAT_MAX else f"{step.what[:WHAT_MAX]}…"
    return f"{step.at_seconds:6.1f} s  {step.state:<18}  {times}  {step.step}: {what}"


def result_line(result: CheckResult) -> tuple[str, str]:
    """Write one result, with its style."""
    return (f"  ✓ {result.sentence}", GOOD) if result.passed else (f"  ✗ {result.sentence}", BAD)

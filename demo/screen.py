"""What people see: plain lines anywhere, and the same lines with colour and a live foot on a terminal (rich)."""

import sys
from typing import Protocol, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from aurora_restore.terminal import printable
from demo.assertions import CheckResult
from demo.watch import Step

DIM, GOOD, BAD, HEADING = "dim", "green", "bold red", "bold"


class Screen(Protocol):
    """Where the demo writes: headings, lines, and what it waits for just now."""

    def say(self, line: str, style: str = "") -> None:
        """Write a line that stays."""

    def waiting(self, what: str) -> None:
        """Show what is waited for, where it can be taken back again."""

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
        """Write nothing: a wait that ends leaves nothing to read."""

    def close(self) -> None:
        """Leave everything as it is."""


class LiveScreen:
    """A terminal: rich colours the lines (none with NO_COLOR) and keeps the wait at the foot."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console, spinner="dots")
        self._status.start()

    def say(self, line: str, style: str = "") -> None:
        """Write a line that stays."""
        self._console.print(
            Text(printable(line), style=style), soft_wrap=True
        )  # so that commands can be copied whole

    def waiting(self, what: str) -> None:
        """Show what is waited for at the foot, cut to one line."""
        self._status.update(Text(printable(what)[: max(0, self._console.width - 4)], style=DIM))

    def close(self) -> None:
        """Take the foot away."""
        self._status.stop()


def screen(stream: TextIO = sys.stdout) -> Screen:
    """Choose by what the stream is: rich knows terminals, dumb ones and NO_COLOR."""
    console = Console(file=stream)
    return (
        LiveScreen(console)
        if console.is_terminal and not console.is_dumb_terminal
        else PlainScreen(stream)
    )


def step_line(step: Step) -> str:
    """Write one change of state: when, which, Aurora's time, ours, and what was done by whom."""
    aurora = f"Aurora {step.aurora_seconds:5.1f} s" if step.aurora_seconds else " " * 14
    times = f"{aurora}  own {step.own_seconds:4.1f} s"
    return f"{step.at_seconds:6.1f} s  {step.state:<18}  {times}  {step.step}: {step.what}"


def result_line(result: CheckResult) -> tuple[str, str]:
    """Write one result, with its style."""
    return (f"  ✓ {result.sentence}", GOOD) if result.passed else (f"  ✗ {result.sentence}", BAD)

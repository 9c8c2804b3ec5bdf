"""Ctrl-C ends all that a program began, whatever befalls a part of it, and the program says that it
has stopped.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCALAWS = """
import signal, sys
from pathlib import Path
from localaws.foreground import Options, run

def start(_options, _folder, stack, _say):
    stack.callback(print, "PostgreSQL has ended")
    stack.callback({first})
    signal.raise_signal(signal.SIGINT)

sys.exit(run(Options(data=Path(sys.argv[1])), start))  # a world that takes no time
"""
DEMO = """
import signal
from demo.run import stop_once

stop_once()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.raise_signal(number)
    print("the world has ended")
"""


READY = """
import signal, sys, threading
from pathlib import Path
from localaws.foreground import Options, run

threading.Event.wait = lambda _event, *_: signal.raise_signal(signal.SIGINT)
sys.exit(run(Options(data=Path(sys.argv[1])), lambda *_: "the page"))
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the checkout."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_part_that_cannot_be_ended_is_told_and_keeps_no_other_from_its_end(
    tmp_path: Path,
) -> None:
    """One sentence says what befell it, exit status 1 that something did, the last line that all is
    stopped.
    """
    ran = run(LOCALAWS.format(first="lambda: 1 / 0"), str(tmp_path / "data"))

    assert (1, ["Stopping ...", "PostgreSQL has ended", "stopped"]) == (
        ran.returncode,
        ran.stdout.splitlines(),
    )
    assert ran.stderr.startswith(
        "Unexpected error: ZeroDivisionError (division by zero). The whole trace is in "
    )
    assert 1 == ran.stderr.count("\n")


def test_a_world_that_is_ready_says_how_to_stop_it(tmp_path: Path) -> None:
    """After `ready` one line names Ctrl-C, and the first Ctrl-C is answered at once."""
    ran = run(READY, str(tmp_path / "data"))
    said = ["the page", "ready", "Press Ctrl-C to stop it.", "Stopping ...", "stopped"]

    assert (0, said, "") == (ran.returncode, ran.stdout.splitlines(), ran.stderr)


def test_a_second_ctrl_c_does_not_cut_the_end_short(tmp_path: Path) -> None:
    """A second Ctrl-C is ignored: cut short, the end would leave servers running."""
    ran = run(LOCALAWS.format(first="signal.raise_signal, signal.SIGINT"), str(tmp_path / "data"))

    assert 0 == ran.returncode
    assert ["Stopping ...", "PostgreSQL has ended", "stopped"] == ran.stdout.splitlines()
    assert "" == ran.stderr


def test_the_demo_ends_its_world_at_a_second_ctrl_c_too() -> None:
    """The demo ignores later signals while it stops its local AWS."""
    ran = run(DEMO)

    assert (0, "the world has ended\n", "") == (ran.returncode, ran.stdout, ran.stderr)

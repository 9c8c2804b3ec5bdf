"""Ctrl-C ends all that a program began, whatever befalls a part of it, and the program says that it
has stopped.
"""

import subprocess
import sys
from pathlib import Path

import pytest

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

def ask():
    sys.stdin.readline()
    signal.pthread_kill(threading.{thread}().ident, signal.SIGINT)

threading.Thread(target=ask, daemon=True).start()
sys.exit(run(Options(data=Path(sys.argv[1])), lambda *_: "the page"))
"""
HOW_TO_STOP = "Press Ctrl-C to stop it.\n"


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the checkout."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_part_that_cannot_be_stopped_is_reported_and_stops_no_other(
    tmp_path: Path,
) -> None:
    """One sentence says what befell it, exit status 1 that something did, the last line that all is
    stopped.
    """
    ran = run(LOCALAWS.format(first="lambda: 1 / 0"), str(tmp_path / "data"))
    found = (
        ran.returncode,
        ran.stdout.splitlines(),
    )

    assert (
        1,
        ["Stopping, and deleting the databases' files ...", "PostgreSQL has ended", "stopped"],
    ) == found
    assert ran.stderr.startswith(
        "Unexpected error: ZeroDivisionError (division by zero). The whole trace is in "
    )
    assert 1 == ran.stderr.count("\n")


@pytest.mark.parametrize("thread", ["main_thread", "current_thread"])
def test_a_world_that_is_ready_says_how_to_stop_it(tmp_path: Path, thread: str) -> None:
    """After `ready` one line names Ctrl-C, and the first Ctrl-C is answered at once: also when the
    system gives it to another thread than the one that waits for it.
    """
    command = [sys.executable, "-c", READY.format(thread=thread), str(tmp_path / "data")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        try:
            rest, _ = process.communicate("now\n", timeout=20)
        finally:
            process.kill()

    assert ["the page\n", "ready\n", HOW_TO_STOP] == said
    assert (0, "Stopping, and deleting the databases' files ...\nstopped\n") == (
        process.returncode,
        rest,
    )


def test_a_second_ctrl_c_does_not_cut_the_end_short(tmp_path: Path) -> None:
    """A second Ctrl-C is ignored: cut short, the end would leave servers running."""
    ran = run(LOCALAWS.format(first="signal.raise_signal, signal.SIGINT"), str(tmp_path / "data"))

    assert 0 == ran.returncode
    assert [
        "Stopping, and deleting the databases' files ...",
        "PostgreSQL has ended",
        "stopped",
    ] == ran.stdout.splitlines()
    assert "" == ran.stderr


def test_the_demo_ends_its_world_at_a_second_ctrl_c_too() -> None:
    """The demo ignores later signals while it stops its local AWS."""
    ran = run(DEMO)

    assert (0, "the world has ended\n", "") == (ran.returncode, ran.stdout, ran.stderr)

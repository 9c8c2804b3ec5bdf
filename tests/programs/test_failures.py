"""No traceback reaches the people who start a program: a sentence does, and a file of theirs keeps
the whole trace.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELUDE = "import sys; sys.path.insert(0, sys.argv[1]); sys.argv = ['-m']; import aurora_restore; "
UNKNOWN = "Run the same command again. If the error stays, report it together with that file.\n"


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process that has begun as ours do."""
    command = [sys.executable, "-c", PRELUDE + program, str(ROOT)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def kept(output: str) -> str:
    """Read the file that a sentence names."""
    found = re.search(r"The whole trace is in (.+\.log)\.", output)
    assert found, output
    trace = Path(found[1])
    assert 0o600 == trace.stat().st_mode & 0o777
    return trace.read_text()


@pytest.mark.parametrize(
    ("program", "sentence", "advice"),
    [
        ("1 / 0", "Unexpected error: ZeroDivisionError (division by zero).", UNKNOWN),
        ("raise ValueError('two\\nlines')", "Unexpected error: ValueError (two lines).", UNKNOWN),
        ("open('/nowhere/at/all')", "No such file or directory: /nowhere/at/all.", UNKNOWN),
        (
            "raise OSError(28, 'No space left on device', '/full')",
            "No space left on device: /full.",
            "Free some space, then run the same command again.\n",
        ),
        (
            "import threading; threading.Thread(target=lambda: 1 / 0).start()",
            "Unexpected error: ZeroDiv",
            UNKNOWN,
        ),
    ],
    ids=["a bug", "several lines", "a file", "a full disk", "a thread"],
)
def test_an_unexpected_error_is_reported_in_one_line(
    program: str, sentence: str, advice: str
) -> None:
    """The line says what happened, where the trace is, and what to do."""
    ran = run(program)

    assert ran.stderr.startswith(sentence)
    assert ran.stderr.endswith(advice)
    assert 1 == ran.stderr.count("\n")
    assert "Traceback (most recent call last)" in kept(ran.stderr)


LOGGED = """
import logging, os
{}
try:
    1 / 0
except ZeroDivisionError:
    logging.exception('It is lost.')
"""
TO_A_FILE = "logging.getLogger().handlers.insert(0, logging.FileHandler(os.devnull))"


@pytest.mark.parametrize("before", ["", TO_A_FILE], ids=["alone", "after a file took it whole"])
def test_a_log_record_with_an_error_has_no_trace_either(before: str) -> None:
    """A log record's message is followed by the sentence about its error."""
    ran = run(LOGGED.format(before))

    assert ran.stderr.startswith("It is lost.\nUnexpected error: ZeroDivisionError")
    assert "Traceback" not in ran.stderr
    kept(ran.stderr)


def folder_of_traces(**environment: str) -> Path:
    """Ask a program where it would keep traces, with this environment."""
    command = [
        sys.executable,
        "-c",
        "from aurora_restore.process.failures import FOLDER; print(FOLDER)",
    ]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return Path(ran.stdout.rstrip("\n"))


def test_people_s_traces_are_in_their_checkout_and_those_of_tests_are_not() -> None:
    """A variable names another folder for traces, and the tests set it for what they start."""
    assert ROOT / ".build" / "errors" == folder_of_traces()
    assert ROOT not in folder_of_traces(**os.environ).parents


def test_ctrl_c_is_one_word() -> None:
    """The process ends as its shell expects of Ctrl-C."""
    # whoever runs the tests may ignore it
    default = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    ran = run(f"import signal; {default}; signal.raise_signal(signal.SIGINT)")

    assert (-2, "Interrupted.\n") == (ran.returncode, ran.stderr)


def test_a_closed_pipe_is_no_error() -> None:
    """A closed pipe, as in `make doctor | head -1`, prints nothing."""
    ran = run(
        "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1)\nwhile True: print('x' * 9999, "
        "flush=True)"
    )

    assert (1, "") == (ran.returncode, ran.stderr)


def test_what_imports_a_package_keeps_python_s_own_ways() -> None:
    """Importing a package changes nothing in a process: only a `python -m …` of ours is
    prepared.
    """
    command = [
        sys.executable,
        "-c",
        (
            "import aurora_restore, demo, localaws, simulation, sys; print(sys.excepthook is "
            "sys.__excepthook__)"
        ),
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert "True\n" == ran.stdout

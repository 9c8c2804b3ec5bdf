"""Traces of programs that ours start: Chalice's, and those of worker processes at Ctrl-C."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from aurora_restore.deployment.chalice import without_traces

ROOT = Path(__file__).parents[2]
WORKING = """
import signal
from simulation.workers import workers

def work(number):
    if number == 0:
        print("working", flush=True)
    signal.sigwait({signal.SIGUSR1})

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    with workers("fork", 2) as pool:
        pool.map(work, range(2))
"""


def test_only_the_error_of_a_trace_of_chalice_is_reported() -> None:
    """Of a trace only its error is printed, with the lines before and after the trace."""
    output = [
        "Creating role",
        "Traceback (most recent call last):",
        '  File "deployer.py", line 1, in deploy',
        "    self.create()",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "deployer.py", line 2',
        "chalice.deploy.deployer.ChaliceDeploymentError: ERROR - While deploying",
        "  Connection was closed.",
    ]
    expected = [
        "Creating role",
        "During handling of the above exception, another exception occurred:",
        "",
        "chalice.deploy.deployer.ChaliceDeploymentError: ERROR - While deploying",
        "  Connection was closed.",
    ]

    assert expected == list(without_traces(output))


def interrupted(program: subprocess.Popen[str]) -> str:
    """Press Ctrl-C until a program ends, and return what it said.

    Once is not enough where the program is just about to wait: Python looks for a signal before it
    waits, and is not woken by one that comes in between.
    """
    for _ in range(10):
        os.killpg(program.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return program.communicate(timeout=12)[1]
    raise AssertionError("It did not end.")


def test_workers_print_nothing_at_ctrl_c() -> None:
    """Workers print nothing at Ctrl-C, which the terminal sends to the whole group: the program
    ends them.
    """
    program = subprocess.Popen(
        [sys.executable, "-c", WORKING],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    with program:
        assert program.stdout is not None
        assert "working\n" == program.stdout.readline()
        try:
            err = interrupted(program)
        finally:
            program.kill()

    assert (-signal.SIGINT, 1) == (program.returncode, err.count("Traceback")), err

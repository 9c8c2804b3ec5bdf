"""Traces of programs that ours start: Chalice's, and those of worker processes at Ctrl-C."""

import os
import signal
import subprocess
import sys
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


def test_of_chalice_s_traces_the_error_is_told() -> None:
    """Of a trace only its error is printed, with the lines before and after the trace."""
    said = [
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

    assert expected == list(without_traces(said))


def test_workers_say_nothing_at_ctrl_c() -> None:
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
        os.killpg(program.pid, signal.SIGINT)
        try:
            _, err = program.communicate(timeout=120)
        finally:
            program.kill()

    assert (-signal.SIGINT, 1) == (program.returncode, err.count("Traceback")), err

"""The local world as a process: shown while it is built, stopped whatever happens, and bounded in
time.
"""

import os
import sys
from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.local_aws import LocalAwsProcess
from demo.memory import memory_of, processes
from demo.time_limits import TimeLimit

SECONDS = 20
SERVES = "import signal; print('one', flush=True); print('ready', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); "
    "signal.pause()"
)


def world(program: str) -> LocalAwsProcess:
    """Make a world of a Python program."""
    return LocalAwsProcess([sys.executable, "-c", program], "http://127.0.0.1:1", stop_seconds=1)


def is_running(pid: int) -> bool:
    """Tell whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_said_before_ready_is_shown() -> None:
    """The demo shows every line before the word `ready`, and not that word."""
    with world(SERVES) as running:
        output = list(running.building(TimeLimit(SECONDS)))

    assert output == ["one"]


@pytest.mark.parametrize("program", [SERVES, STUBBORN])
def test_no_process_outlives_the_demo(program: str) -> None:
    """A process is gone afterwards, whether it stops when asked or not."""
    with world(program) as running:
        list(running.building(TimeLimit(SECONDS)))
        pid = running.pid

    assert not is_running(pid)


def test_a_local_aws_that_cannot_start_is_an_error_after_its_last_output() -> None:
    """When the port is taken, for example, the lines are shown once and an error follows."""
    with (
        world("print('The port 4577 is taken.'); raise SystemExit(3)") as running,
        pytest.raises(DemoError) as error,
    ):
        list(running.building(TimeLimit(SECONDS)))

    assert str(error.value).startswith("The local AWS ended with status 3 before it was ready")


def test_a_local_aws_that_ends_early_is_an_error_with_its_last_output() -> None:
    """Lines that were printed after `ready` are kept for the error."""
    with world("print('ready'); print('A bug.'); raise SystemExit(1)") as running:
        list(running.building(TimeLimit(SECONDS)))
        running.wait()
        with pytest.raises(DemoError) as error:
            running.check()

    assert str(error.value) == "The local AWS ended with status 1. It said:\n  ready\n  A bug."


def test_a_local_aws_that_is_never_ready_times_out() -> None:
    """The demo ends when its time is up, and says what it waited for."""
    with world("import signal; signal.pause()") as running, pytest.raises(DemoError) as error:
        list(running.building(TimeLimit(0.2)))
    expected = "The demo has taken its 0.2 seconds and still waits for the local AWS to be ready."

    assert expected == str(error.value)


@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(),
    reason="only Linux tells a process's share of memory",
)
def test_memory_counts_children_and_what_works_in_the_data_folder(tmp_path: Path) -> None:
    """PostgreSQL's server is counted: it leaves its parent, but not its data folder."""
    with world(f"import os; os.chdir({os.fspath(tmp_path)!r}); {SERVES}") as running:
        list(running.building(TimeLimit(SECONDS)))
        by_birth = set(processes(os.getpid(), Path("/nowhere")))
        by_folder = set(processes(-1, tmp_path))
        share = memory_of(running.pid)

    assert {os.getpid(), running.pid} <= by_birth
    assert by_folder == {running.pid}
    assert share > 0

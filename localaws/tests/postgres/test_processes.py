"""Processes: what a SIGKILL leaves behind is ended at the next start, and nobody else's process
ever is.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import psutil
import psycopg2
import pytest
from localaws.postgres import DataPlaneError, PostgresData
from localaws.postgres.addresses import is_free
from localaws.processes import ProcessRegistry
from psycopg2.sql import SQL
from tests.postgres.client import PORT, Client, make

ROOT = Path(__file__).parents[2]
END_SECONDS_MAX = 30
WAIT = SQL("SELECT pg_advisory_lock(1)")
ANSWERS_WHEN_BOTH_ARE_ASKED = """
import signal, sys
def meet(*_):
    open(sys.argv[1], sys.argv[2]).close()  # waits until the other end is opened
    sys.exit()
signal.signal(signal.SIGINT, meet)
print(flush=True)
while True:
    signal.pause()
"""
SLEEPER = [sys.executable, "-c", "import threading; threading.Event().wait()"]


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Give a running process that is not ours to end."""
    process = subprocess.Popen(SLEEPER)
    yield process
    process.kill()
    process.wait()


class AskedLock:
    """A lock that tells when somebody asks for it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.asked = threading.Event()

    def __enter__(self) -> None:
        self.asked.set()
        self.lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self.lock.release()


def in_background(work: Callable[[], object]) -> threading.Thread:
    """Begin some work, which may fail, in a thread that keeps no test from its end."""

    def attempt() -> None:
        with contextlib.suppress(psycopg2.Error, DataPlaneError):
            work()

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    return thread


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def write_ledger(file: Path, command: list[str], pid: int | None, started_at: float | None) -> None:
    """Write a ledger with one entry, as an earlier owner left it."""
    file.write_text(json.dumps([{"command": command, "pid": pid, "started_at": started_at}]))


def test_the_next_start_ends_what_a_killed_owner_left(folder: Path) -> None:
    """After SIGKILL the server runs on; opening the folder again ends it and frees its port."""
    command = [sys.executable, "-m", "tests.postgres.owner", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, address = owner.stdout.readline().split()
        owner.kill()
    survived = is_alive(int(pid))
    PostgresData(folder).close()

    assert (True, False) == (survived, is_alive(int(pid)))
    assert is_free(address, PORT)


def test_a_pid_that_now_belongs_to_another_command_is_left_alone(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    """The ledger's command is compared before anything is ended."""
    started_at = psutil.Process(bystander.pid).create_time()
    write_ledger(
        tmp_path / "processes.json", ["postgres", "-D", "/somewhere"], bystander.pid, started_at
    )

    assert [] == ProcessRegistry(tmp_path / "processes.json").end_leftovers()
    assert is_alive(bystander.pid)


def test_a_pid_that_was_given_away_later_is_left_alone(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    """The same command under the same pid, but started at another time, is somebody else."""
    started_at = psutil.Process(bystander.pid).create_time() - 60
    write_ledger(tmp_path / "processes.json", SLEEPER, bystander.pid, started_at)

    assert [] == ProcessRegistry(tmp_path / "processes.json").end_leftovers()
    assert is_alive(bystander.pid)


def test_a_process_whose_pid_was_never_written_is_found_by_its_command(tmp_path: Path) -> None:
    """An owner killed between starting a process and writing its pid had written the command
    before.
    """
    command = [*SLEEPER, str(tmp_path)]
    with subprocess.Popen(command) as process:
        write_ledger(tmp_path / "processes.json", command, None, None)

        assert [process.pid] == ProcessRegistry(tmp_path / "processes.json").end_leftovers()


def test_a_process_that_was_forgotten_is_left_alone(tmp_path: Path) -> None:
    """A process that was struck out of the registry is left alone: its owner has waited for it."""
    registry = ProcessRegistry(tmp_path / "processes.json")
    process = registry.start([sys.executable, "-c", "pass"])
    process.wait()
    registry.forget(process.pid)

    assert [] == json.loads((tmp_path / "processes.json").read_text())


def test_all_are_asked_to_stop_before_any_is_waited_for(tmp_path: Path) -> None:
    """Two processes that end only when both were asked end by themselves: nobody waits for one
    after the other.
    """
    registry, pipe = ProcessRegistry(tmp_path / "processes.json"), tmp_path / "pipe"
    os.mkfifo(pipe)
    started = []
    for end in ("r", "w"):
        command = [sys.executable, "-c", ANSWERS_WHEN_BOTH_ARE_ASKED, str(pipe), end]
        process = registry.start(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
    registry.end_leftovers()

    assert [0, 0] == [process.wait(60) for process in started]


def test_a_cluster_that_is_in_use_does_not_hold_up_the_end(folder: Path) -> None:
    """A statement that waits for another ends with the server, and with it whoever holds the
    cluster.
    """
    data = PostgresData(folder)
    make(data, "cluster-A")
    data.start("cluster-A")
    with data._clusters["cluster-A"].server.session() as holder:
        holder.execute(WAIT)
        waiting = in_background(lambda: data.run_as_rds("cluster-A", WAIT, database="postgres"))
        while not Client(data, "cluster-A")("SELECT pid FROM pg_locks WHERE NOT granted"):
            assert waiting.is_alive()
        ending = in_background(data.close)
        ending.join(END_SECONDS_MAX)
        waiting.join(END_SECONDS_MAX)

    assert (False, False) == (waiting.is_alive(), ending.is_alive())


def test_whoever_holds_a_cluster_may_need_the_others_before_it_lets_go(folder: Path) -> None:
    """The end waits for a cluster without keeping anybody from the others."""
    data = PostgresData(folder)
    make(data, "cluster-A")
    lock = AskedLock()
    data._clusters["cluster-A"] = replace(
        data._clusters["cluster-A"], lock=cast("threading.RLock", lock)
    )
    with lock.lock:
        ending = in_background(data.close)
        assert lock.asked.wait(END_SECONDS_MAX)
        looking = in_background(lambda: data.process_ids)
        looking.join(END_SECONDS_MAX)
        could_look = not looking.is_alive()
    ending.join(END_SECONDS_MAX)

    assert (True, False) == (could_look, ending.is_alive())


def test_a_process_that_no_cluster_holds_is_ended_all_the_same(folder: Path) -> None:
    """When Ctrl-C interrupts the start of a server, only the registry knows the process."""
    data = PostgresData(folder)
    # A program that a signal ends at any moment: Python may exit with 1 while it starts.
    process = data._registry.start(["sleep", "600"])
    data.close()

    assert process.wait(60) < 0


def test_a_server_that_cannot_be_stopped_cleanly_stops_no_other(folder: Path) -> None:
    """Both processes and all data are gone, whatever befell the first; then its error is raised."""
    data = PostgresData(folder)
    for name in ("cluster-A", "cluster-B"):
        make(data, name)
        data.start(name)
    pids = data.process_ids
    (folder / "processes.new").mkdir()  # so that the ledger cannot be written
    with pytest.raises(IsADirectoryError):
        data.close()

    assert (2, []) == (len(pids), [pid for pid in pids if is_alive(pid)])
    assert ["logs", "processes.new"] == sorted(entry.name for entry in folder.iterdir())


def test_a_data_plane_that_cannot_be_made_leaves_no_temporary_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data plane that cannot be made leaves nothing behind, because nobody would ever close
    it.
    """
    temporary = Path(tempfile.mkdtemp(dir="/tmp"))
    temporary.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    folder.mkdir()
    (folder / "logs").touch()  # a file, which is no folder to be emptied
    with pytest.raises(FileExistsError):
        PostgresData(folder)
    left = list(temporary.iterdir())
    shutil.rmtree(temporary)

    assert ([], ["logs"]) == (left, [entry.name for entry in folder.iterdir()])

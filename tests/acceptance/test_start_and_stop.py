"""What `python -m demo.up` refuses to begin with, and what is left when it is stopped or killed
half-way.
"""

import signal
import socket
from pathlib import Path

import pytest

from tests.acceptance.up import READY, Up, free_port, is_alive, is_free, servers_of, up


def test_a_taken_port_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """A taken port is one line on stderr and exit status 1, and leaves not even an empty folder."""
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        port = somebody.getsockname()[1]
        refused = up("--port", str(port), "--data", str(tmp_path / "data"))

    assert (1, "") == (refused.returncode, refused.stdout)
    assert refused.stderr == (
        f"Port {port} of 127.0.0.1 is taken by another program. Stop that program, or choose "
        "another port with --port (make: PORT=…).\n"
    )
    assert [] == list(tmp_path.iterdir())


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder that is not empty and not localaws' is refused, and keeps what it holds."""
    (tmp_path / "thesis.txt").write_text("years of work")
    refused = up("--port", str(free_port()), "--data", str(tmp_path))

    assert (1, ["thesis.txt"]) == (refused.returncode, [file.name for file in tmp_path.iterdir()])
    assert refused.stderr.startswith(
        f"The folder {tmp_path} is not empty and not localaws'; it is left alone."
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no dump {dump}. Name an SQL file with --dump (make: DUMP=mine.sql)."),
        (
            b"PGDMP\x01\x10",
            (
                "{dump} is in pg_dump's custom format. Make plain SQL of it: pg_restore -f "
                "mine.sql {dump}."
            ),
        ),
    ],
    ids=["missing", "custom format"],
)
def test_a_dump_that_cannot_be_sql_is_refused_at_once(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    """A dump that cannot be SQL is refused before anything is started, in one sentence that says
    what to do.
    """
    dump = tmp_path / "mine.dump"
    if content is not None:
        dump.write_bytes(content)
    refused = up("--data", str(tmp_path / "data"), "--dump", str(dump))

    assert (1, sentence.format(dump=dump)) == (refused.returncode, refused.stderr.strip())


def test_a_start_can_be_interrupted(tmp_path: Path) -> None:
    """SIGTERM while the local AWS is built ends `chalice deploy` and all servers, with exit status
    0.
    """
    world = Up(tmp_path / "data", free_port())
    world.wait_for("created the keys")
    started = world.descendants()
    status = world.end(signal.SIGTERM)

    assert (0, "stopped") == (status, world.lines[-1])
    assert ([], True) == ([pid for pid in started if is_alive(pid)], is_free(world.port))
    assert READY not in world.lines


def test_after_a_kill_the_next_start_cleans_up_and_a_bad_dump_is_reported(tmp_path: Path) -> None:
    """SIGKILL leaves servers behind, which the next world in the folder ends.

    Its own dump fails with the line.
    """
    folder, port, dump = tmp_path / "data", free_port(), tmp_path / "mine.sql"
    dump.write_text("CREATE TABLE one (id integer);\nINSERT INTO two VALUES (1);\n")
    killed = Up(folder, port)
    killed.wait_for("created the keys")
    left = servers_of(killed)
    killed.end(signal.SIGKILL)
    survived = [pid for pid in left if is_alive(pid)]
    again = up("--port", str(port), "--data", str(folder), "--dump", str(dump))

    assert (left, []) == (survived, [pid for pid in left if is_alive(pid)])
    assert (1, True) == (again.returncode, is_free(port))
    assert again.stderr.startswith(
        f'Line 2 of {dump} could not be loaded: relation "two" does not exist.'
    )

"""What people see: plain lines where there is no terminal, no colours with NO_COLOR, and an exit
status.
"""

import io

import pytest

from demo.assertions import CheckResult
from demo.results import Results
from demo.screen import BAD, WHAT_MAX, result_line, screen, step_line
from demo.watch import Step

COLOUR = "\x1b[1;31m"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def written(stream: io.StringIO) -> str:
    """Write one bad line to a screen on that stream, and return all that came of it."""
    shown = screen(stream)
    shown.waiting("something")
    shown.say("a line of [brackets]", BAD)
    shown.close()
    return stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_foreign_text_moves_no_cursor_and_hides_nothing(kind: type[io.StringIO]) -> None:
    """Control characters in a role, a reason or an answer of AWS are escaped, so they move no
    cursor.
    """
    stream = kind()
    shown = screen(stream)
    shown.say("one\x1b[2J\u202e\r\u200b\ntwo")
    shown.close()

    assert "one\\x1b[2J\\u202e\\r\\u200b\ntwo" in stream.getvalue()


def test_a_file_gets_plain_lines() -> None:
    """A stream that is no terminal gets the line and nothing else."""
    assert written(io.StringIO()) == "a line of [brackets]\n"


def test_a_terminal_gets_colours() -> None:
    """A terminal gets the line in red."""
    assert f"{COLOUR}a line of [brackets]" in written(Terminal())


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR a terminal gets the line without any colour."""
    monkeypatch.setenv("NO_COLOR", "1")

    text = written(Terminal())

    assert "a line of [brackets]" in text
    assert "\x1b[31m" not in text
    assert COLOUR not in text


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot move its cursor gets plain lines."""
    monkeypatch.setenv("TERM", "dumb")

    assert written(Terminal()) == "a line of [brackets]\n"


def test_a_step_is_one_line_with_auroras_time_and_ours() -> None:
    """A line has the time, the state, Aurora's and our seconds, and what which step did."""
    step = Step(12.34, "SNAPSHOT_READY", "check-copy-status", "the copy is available", 7.0, 1.5)
    expected = (
        "  12.3 s  SNAPSHOT_READY      Aurora   7.0 s  own  1.5 s  check-copy-status: the copy is "
        "available"
    )

    assert expected == step_line(step)


def test_a_long_text_of_a_step_is_cut() -> None:
    """The audit table has all of it."""
    step = Step(1.0, "READERS_CREATING", "setup-db-users", "x" * (WHAT_MAX + 1), 0.0, 1.0)

    assert step_line(step).endswith(f"setup-db-users: {'x' * WHAT_MAX}…")


def test_findings_are_ticked_or_crossed() -> None:
    """A passed check has a tick, a failed one a cross."""
    found = [
        result_line(CheckResult(passed, text))[0]
        for passed, text in ((True, "Good."), (False, "Bad."))
    ]

    assert ["  ✓ Good.", "  ✗ Bad."] == found


def test_passed_checks_are_exit_status_0() -> None:
    """When all checks passed, the last line says so with time and memory, and the status is 0."""
    stream = io.StringIO()
    results = Results(screen(stream))
    results.add([CheckResult(True, "Good.")])
    expected = "  ✓ Good.\nAll checks passed, in 41.3 s, with 512 MiB of memory at the most.\n"

    assert results.finish(41.26, 512 * 1024 * 1024) == 0
    assert stream.getvalue() == expected


def test_a_failed_check_is_exit_status_1_and_named_again() -> None:
    """A failed check is repeated at the end, so that nobody has to look for it."""
    stream = io.StringIO()
    results = Results(screen(stream))
    results.add(
        [
            CheckResult(True, "Good."),
            CheckResult(False, "Production's passwords open the copy for shop_app."),
        ]
    )
    expected = [
        "Not all checks passed, in 41.3 s:",
        "  ✗ Production's passwords open the copy for shop_app.",
    ]

    assert results.finish(41.26, None) == 1
    assert stream.getvalue().splitlines()[-2:] == expected

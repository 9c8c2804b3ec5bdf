"""The demo's time: it counts from the night on, and who runs out of it reads how to have more."""

import shlex
from argparse import Namespace
from pathlib import Path

import pytest

from demo import __main__ as program
from demo.again import with_more_time
from demo.errors import Deadline, DemoError

DEFAULTS = Namespace(port=4577, data=Path(".localaws"), postgres=None, timeout=240.0, keep=False)
GIVEN = Namespace(
    port=4577, data=Path(".localaws"), postgres=Path("/a server/bin"), timeout=240.0, keep=True
)


def test_who_started_make_is_told_make_s_variables() -> None:
    """With all that was given, so that the line can be pasted."""
    told = with_more_time(GIVEN, DEFAULTS, by_make=True)

    assert ["make", "demo", "POSTGRES=/a server/bin", "KEEP=1", "TIMEOUT=480"] == shlex.split(told)


def test_who_started_the_program_is_told_its_options() -> None:
    """The same, as `python -m` reads it."""
    told = with_more_time(GIVEN, DEFAULTS, by_make=False)

    assert shlex.split(told)[3:] == ["--postgres", "/a server/bin", "--keep", "--timeout", "480"]


def test_the_end_of_the_time_says_what_waits_and_what_to_do() -> None:
    """One sentence each."""
    with pytest.raises(DemoError) as error:
        Deadline(
            0, "The night", "On a slow machine give it more time: make demo TIMEOUT=480"
        ).check("users")

    late = "The night has taken its 0 seconds and still waits for users."
    assert f"{late} On a slow machine give it more time: make demo TIMEOUT=480" == str(error.value)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_that_never_begins_or_never_ends_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit) as end:
        program.main([f"--timeout={seconds}"])

    assert 2 == end.value.code
    assert "--timeout" in capsys.readouterr().err.splitlines()[-1]

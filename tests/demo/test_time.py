"""The demo's time counts from the snapshot on; at its end people read how to have more."""

import shlex
from pathlib import Path

import pytest

from aurora_restore.cli.verbs import run_verb
from demo.errors import DemoError
from demo.options import DemoOptions
from demo.time_limits import TimeLimit

GIVEN = DemoOptions(postgres=Path("/a server/bin"), keep=True)
COMMAND = "python -m aurora_restore demo"


def test_users_of_make_are_shown_variables_of_make() -> None:
    """The line has all that was given, so that it can be pasted."""
    told = GIVEN.with_more_time(COMMAND, by_make=True)

    assert ["make", "demo", "POSTGRES=/a server/bin", "KEEP=1", "TIMEOUT=480"] == shlex.split(told)


def test_users_of_the_command_are_shown_its_options() -> None:
    """The line has the same options, as the command reads them."""
    told = shlex.split(GIVEN.with_more_time(COMMAND, by_make=False))

    assert COMMAND.split() == told[:4]
    assert ["--postgres", "/a server/bin", "--keep", "--timeout", "480"] == told[4:]


def test_a_time_out_says_what_is_pending_and_what_to_do() -> None:
    """The error has one sentence for each."""
    with pytest.raises(DemoError) as error:
        TimeLimit(
            0, "The night", "On a slow machine give it more time: make demo TIMEOUT=480"
        ).check("users")

    late = "The night has taken its 0 seconds and still waits for users."
    assert f"{late} On a slow machine give it more time: make demo TIMEOUT=480" == str(error.value)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_that_never_begins_or_never_ends_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo refuses it before anything is started."""
    assert 2 == run_verb(["demo", f"--timeout={seconds}"])
    assert f"'{seconds}' is not a value for --timeout" in capsys.readouterr().err

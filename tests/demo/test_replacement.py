"""The demo replaces its target as it is told: by a swap, by pointers, or by a deletion first."""

import shlex

import pytest

from aurora_restore.process.options import OptionError
from demo.local_aws import local_aws
from demo.next_steps import command_in
from demo.options import (
    DELETE_FIRST,
    REPLACEMENTS,
    SWAP,
    DemoOptions,
    replacement_name,
    usual_replacement,
)


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_every_way_is_taken(name: str) -> None:
    """The names are those of the setting."""
    assert name == replacement_name(name)


def test_another_way_is_refused_with_those_there_are() -> None:
    """The sentence names every way, and make's variable."""
    with pytest.raises(OptionError) as refused:
        replacement_name("Swap")

    assert refused.value.message == (
        "'Swap' is not a way to replace a target. Choose --replacement swap, pointer or "
        "delete-first (REPLACEMENT=… of make)."
    )


def test_the_local_aws_is_started_with_it() -> None:
    """`demo.up` deploys the stage with the setting."""
    other = DELETE_FIRST if usual_replacement() == SWAP else SWAP
    options = DemoOptions(replacement=other)
    command = local_aws(options)._command
    again = shlex.split(options.with_more_time("aurora-restore demo", by_make=True))

    assert other == command[command.index("--replacement") + 1]
    assert f"REPLACEMENT={other}" in again


def test_a_command_is_found_in_a_notification() -> None:
    """What follows the words before the command is the command; the one of that event is meant."""
    first, second = (
        f"""aws events put-events --entries '[{{"DetailType":"{name}"}}]'""" for name in "AB"
    )
    notice = {"Subject": "it ended", "Message": f'{{"text": {_json(first, second)}}}'}

    assert second == command_in(notice, "B")


def _json(*commands: str) -> str:
    escaped = "\\n".join(f"Run it: {command}" for command in commands).replace('"', '\\"')
    return f'"{escaped}"'

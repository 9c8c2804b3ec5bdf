"""The page about the local AWS tells people to make only calls that it answers."""

import re
from fnmatch import fnmatchcase

import boto3
from botocore import xform_name
from localaws.modelled import CALLS

from tools.reference import ROOT

COMMAND = re.compile(r"\baws (?P<service>[a-z0-9]+) (?P<command>[a-z0-9-]+)")


def operation(service: str, command: str) -> str:
    """Name the operation of a command of `aws`."""
    names = (
        boto3.Session().client(service, region_name="us-west-2").meta.service_model.operation_names
    )
    by_command: dict[str, str] = {xform_name(name, "-"): name for name in names}
    return by_command[command]


def test_every_command_of_the_page_is_answered() -> None:
    """What people are told to run is in the list of calls."""
    page = (ROOT / "docs" / "localaws.md").read_text()
    commands = {
        found.groups()
        for block in re.findall(r"```sh\n.*?```", page, re.DOTALL)
        for found in COMMAND.finditer(block)
    }
    refused = [
        command
        for command in commands
        if not any(fnmatchcase(operation(*command), call) for call in CALLS[command[0]])
    ]

    assert ([], True) == (refused, len(commands) > 3)

"""What the documentation tells people to type: every command, option and name in it exists."""

import importlib
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from typer.main import get_command

from aurora_restore.cli.verbs import COMMANDS
from chalicelib.flow.choreography import (
    CANCEL_REQUESTED,
    REQUESTED,
    ROLLBACK_REQUESTED,
    event_source,
)
from chalicelib.flow.identifiers import retire_id
from chalicelib.messages.commands import YOUR_SNAPSHOT
from chalicelib.messages.requests import (
    CancelRequested,
    RestoreRequested,
    RollbackRequested,
    parse_request,
)
from tests.docs.readme import README, ROOT, commands, shell
from tools.reference import pages

GLOBAL_OPTIONS = frozenset({"region", "query", "output", "endpoint-url"})
RENAMED = {
    ("sns", "subscribe"): {"notification-endpoint"}
}  # options that `aws` gives other names than the API
OWN_COMMANDS = {
    ("cloudformation", "deploy"): "DeployCommand",
    ("cloudformation", "package"): "PackageCommand",
}
PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
WORLD, LOCALAWS = "Keep it running", ROOT / "docs" / "localaws.md"
LINES_MAX = 150  # of the README beside its generated picture: one page


def local_stage() -> dict[str, str]:
    """Read the environment of the stage `local`."""
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    environment: dict[str, str] = config["stages"]["local"]["environment_variables"]
    return environment


def put_events(*pages: Path) -> list[dict[str, str]]:
    """Read the entries of every put-events of pages, in order.

    What the shell fills in is `now`.
    """
    typed = re.sub(r"'\$(\w+|\(.*?\))'", "now", "\n".join(map(shell, pages)))
    entries = re.findall(r"aws events put-events --entries '(\[.*?\])'", typed, re.DOTALL)
    return [entry for text in entries for entry in json.loads(text)]


@PAGES
def test_make_targets_exist(page: Path) -> None:
    """Every `make …` of a page is in the Makefile, with its variables."""
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    variables = re.findall(r"^([A-Z]+) \??=", makefile, re.MULTILINE)
    typed = re.findall(r"^make ([a-zA-Z=./ -]+)$", shell(page), re.MULTILINE)
    words = [word for words in typed for word in words.split()]

    assert [] == [word for word in words if "=" not in word and word not in targets]
    assert [] == [word for word in words if "=" in word and word.split("=")[0] not in variables]


@PAGES
def test_modules_exist(page: Path) -> None:
    """Every `python -m …` of a page can be run."""
    modules = re.findall(r"python3? -m ([a-z_.]+)", shell(page))

    assert [] == [module for module in modules if importlib.util.find_spec(module) is None]


@PAGES
def test_verbs_exist(page: Path) -> None:
    """Every `aurora-restore …` of a page is a verb, with options that it takes."""
    group: Any = get_command(COMMANDS)
    for typed in re.findall(r"`aurora-restore ([^`\n]+)`", page.read_text()):
        command, *words = typed.split()
        options = {word for word in words if word.startswith("--")}
        verb = group if command == "--help" else group.commands[command]

        assert set() == options - {name for option in verb.params for name in option.opts}


def customization(service: str, operation: str) -> ModuleType:
    """Import a module of `aws` version 1, without the AWS_DATA_PATH that it sets: version 2 would
    heed that.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DATA_PATH", "")
        return importlib.import_module(f"awscli.customizations.{service}.{operation}")


def taken(service: str, operation: str) -> set[str]:
    """List the options of a command: an operation of AWS's, or one that `aws` is made of itself."""
    if name := OWN_COMMANDS.get((service, operation)):
        command = getattr(customization(service, operation), name)
        return {str(argument["name"]).removeprefix("no-") for argument in command.ARG_TABLE}
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    return {
        xform_name(name, "-")
        for name in model.operation_model(operations[operation]).input_shape.members
    }


@PAGES
def test_aws_commands_exist(page: Path) -> None:
    """Every `aws …` of a page names an operation that AWS has, and options that it takes."""
    for typed in re.split(r"\b(?=aws [a-z0-9]+ [a-z-]+ --)", shell(page))[1:]:
        _, service, operation, *_ = typed.split()
        options = {
            option.removeprefix("no-")
            for option in re.findall(r" --([a-z0-9-]+)", typed.split("\n")[0])
        }

        assert (
            set()
            == options
            - taken(service, operation)
            - RENAMED.get((service, operation), set())
            - GLOBAL_OPTIONS
        )


def test_the_readme_is_one_page() -> None:
    """The README does not grow into a book."""
    own = re.sub(r"<!-- generated.*?/generated -->", "", README.read_text(), flags=re.DOTALL)

    assert len(own.splitlines()) <= LINES_MAX


def test_the_readmes_events_are_obeyed() -> None:
    """The two events of the README are whole and of the local stage.

    Each request has another id.
    """
    request, cancel = put_events(README, LOCALAWS)
    wish = parse_request(RestoreRequested, json.loads(request["Detail"]))
    stop = parse_request(CancelRequested, json.loads(cancel["Detail"]))

    assert [REQUESTED, CANCEL_REQUESTED] == [request["DetailType"], cancel["DetailType"]]
    assert {event_source("local")} == {request["Source"], cancel["Source"]}
    assert ("lunch-break-now", "now") == (wish.request_id, stop.operation_id)


def test_the_requests_about_previous_targets_are_what_the_router_reads() -> None:
    """The operation that is cancelled and run again is the one of the restore that is rolled back,
    and each request has another id.
    """
    back, instead, keep, delete = put_events(ROOT / "docs" / "replacement.md")
    way_back = parse_request(RollbackRequested, json.loads(back["Detail"]))
    of_snapshot = parse_request(RestoreRequested, json.loads(instead["Detail"]))
    kept = parse_request(CancelRequested, json.loads(keep["Detail"]))
    deleted = parse_request(RestoreRequested, json.loads(delete["Detail"]))

    assert [ROLLBACK_REQUESTED, REQUESTED, CANCEL_REQUESTED, REQUESTED] == [
        entry["DetailType"] for entry in (back, instead, keep, delete)
    ]
    assert YOUR_SNAPSHOT == of_snapshot.snapshot_identifier
    assert retire_id(way_back.operation_id) == kept.operation_id == deleted.rerun_of
    assert 3 == len({way_back.request_id, of_snapshot.request_id, deleted.request_id})


def test_the_readme_names_what_the_local_stage_has() -> None:
    """Tables, clusters, secret, port and the prefix of snapshots are those of the stage `local`."""
    blocks = [*commands(WORLD), *commands("Looking around", LOCALAWS)]
    typed, stage = "\n".join(blocks), local_stage()
    names = (
        "STATE_TABLE_NAME",
        "AUDIT_TABLE_NAME",
        "APP_CREDENTIALS_SECRET_ID",
        "SOURCE_CLUSTER_ID",
        "TARGET_CLUSTER_ID",
    )

    assert [] == [stage[name] for name in names if f" {stage[name]} " not in f"{typed} "]
    assert f'--db-cluster-snapshot-identifier "{stage["SNAPSHOT_PREFIX"]}' in typed
    assert f"PGPORT={stage['PORT']}" in typed

"""Two stages share an account and hear only themselves; one of them is deployed and left as the runbook says."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from console.stages import CHECKOUT, FUNCTIONS
from localaws.clients import local_environment, without_aws
from tests.deployment.place import REGION, Place
from tests.docs.readme import commands

RUNBOOK = CHECKOUT / "docs" / "runbook.md"
SECONDS_MAX = 30.0
SECTIONS = ("First night", "failure-queue-not-empty", "heartbeat-silent")


def type_in(place: Place, checkout: Path, block: str) -> str:
    """Type a block of the runbook into a shell whose checkout that is; returns what it printed."""
    path = f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}"
    env = {
        **without_aws(os.environ),
        **local_environment(place.endpoint, REGION),
        "CHECKOUT": str(checkout),
        "PATH": path,
    }
    ready = 'make() { command make -o .venv/.ready -o .wheels/.ready "$@"; }\n'  # what make sets up is there already
    endpoint = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }\n'  # which version 1 forgets for sqs
    shell = ["bash", "-euc", ready + endpoint + block]
    done = subprocess.run(shell, cwd=CHECKOUT, env=env, check=False, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, block + done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(place: Place) -> Path:
    """Deploy both stages: dev as the runbook says, with its secrets, and test."""
    checkout = place.checkout("both", dev={}, test={})
    deploy, secrets, _look = commands("Deploy", RUNBOOK)
    type_in(place, checkout, deploy)
    type_in(place, checkout, secrets)
    said = place.deploy("test", checkout)
    assert (0, "") == (said.status, said.err)
    return checkout


def operations(place: Place, stage: str) -> list[dict[str, Any]]:
    """List the operations of a stage."""
    items = place.clients("dynamodb", REGION).scan(TableName=f"aurora-restore-{stage}-state")["Items"]
    return [item for item in items if "state" in item]


def ended(place: Place, stage: str) -> list[str]:
    """List those that have ended, with people told."""
    return [item["operation_id"]["S"] for item in operations(place, stage) if "open" not in item]


def was_invoked(place: Place, function: str) -> bool:
    """Tell whether a function wrote a line."""
    group = f"/aws/lambda/{function}"
    return bool(place.clients("logs", REGION).describe_log_streams(logGroupName=group)["logStreams"])


def test_the_doctor_looks_at_what_was_deployed(place: Place, checkout: Path) -> None:
    """As the runbook types it; here there is no cluster, so not all is well, and the exit status says so."""
    _deploy, _secrets, look = commands("Deploy", RUNBOOK)
    seen = type_in(place, checkout, f"if {look.strip()}; then exit 1; fi")

    assert "functions: OK (11 are there.)" in seen
    assert "secrets: OK" in seen
    assert "snapshot: FAILED" in seen


def test_the_secrets_have_their_values(place: Place, checkout: Path) -> None:
    """The runbook's values are whole, and each password is another."""
    secrets = place.clients("secretsmanager", REGION)
    values: list[dict[str, Any]] = [
        json.loads(secrets.get_secret_value(SecretId=f"aurora-restore/dev/{name}-db-credentials")["SecretString"])
        for name in ("master", "app")
    ]

    assert {"database", "username", "password"} == set(values[0])
    assert {"app_username", "app_password", "readonly_username", "readonly_password"} == set(values[1])
    passwords = {values[0]["password"], values[1]["app_password"], values[1]["readonly_password"]}
    assert [32, 32, 32] == [len(one) for one in passwords]


def test_what_is_asked_of_one_the_other_does_not_hear(place: Place, checkout: Path) -> None:
    """The request of the first night becomes an operation of the stage that it names, and of no other."""
    request, look, *_ = commands("First night", RUNBOOK)
    type_in(place, checkout, request)
    ends_at = time.monotonic() + SECONDS_MAX
    while not ended(place, "dev"):
        assert time.monotonic() < ends_at, "The stage dev did not obey."
    heard = {
        stage: {name for name in FUNCTIONS if was_invoked(place, f"aurora-restore-{stage}-{name}")} - {"heartbeat"}
        for stage in ("dev", "test")
    }

    assert ({"snapshot-check", "sns-notification"}, set()) == (heard["dev"], heard["test"])
    assert [] == operations(place, "test")
    assert "first-night-" in type_in(place, checkout, look)


@pytest.mark.parametrize("section", SECTIONS[1:])
def test_what_an_alarm_has_people_type_works(place: Place, checkout: Path, section: str) -> None:
    """Each command ends with 0."""
    for block in commands(section, RUNBOOK):
        type_in(place, checkout, block)


def test_leaving_leaves_the_other_stage_alone(place: Place, checkout: Path) -> None:
    """With nothing of the first stage left, not even its records."""
    destroy, forget = commands("Leaving", RUNBOOK)
    type_in(place, checkout, destroy.replace("STAGE=dev", "STAGE=dev FORCE=1"))
    type_in(place, checkout, forget)
    left = json.dumps(place.everything(), default=sorted)

    assert (0, 11) == (len(place.functions("dev")), len(place.functions("test")))
    assert "restore-dev" not in left
    assert "aurora-restore-test-state" in left


def test_every_section_with_commands_is_typed_here() -> None:
    """A block that is added to the runbook is run, or this says so."""
    page = RUNBOOK.read_text()
    typed = sum(len(commands(section, RUNBOOK)) for section in ("Deploy", "Leaving", *SECTIONS))

    assert page.count("```sh") == typed

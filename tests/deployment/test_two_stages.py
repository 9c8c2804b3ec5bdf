"""Two stages share an account and hear only themselves.

One of them is deployed and left as the runbook says.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from aurora_restore.stages import FUNCTIONS
from tests.deployment.place import REGION, Place
from tests.deployment.runbook import RUNBOOK, type_in
from tests.docs.readme import commands

ZONE_OF_THE_PAGE = "Z0123456789ABCDEFGHIJ"
SECTIONS = (
    "First restore",
    "Rotated secrets",
    "A swap that did not finish",
    "Pointers that were not moved everywhere",
    "failure-queue-not-empty",
    "heartbeat-silent",
)


@pytest.fixture(scope="module")
def checkout(place: Place) -> Path:
    """Deploy both stages: dev as the runbook says, with its secrets, and test."""
    checkout = place.packaged("both", dev={}, test={})
    _region, deploy, secrets, _look = commands("Deploy", RUNBOOK)
    type_in(place, checkout, deploy)
    type_in(place, checkout, secrets)
    output = place.deploy("test", checkout)
    assert (0, "") == (output.status, output.err)
    return checkout


def was_invoked(place: Place, function: str) -> bool:
    """Tell whether a function wrote a line."""
    group = f"/aws/lambda/{function}"
    return bool(
        place.clients("logs", REGION).describe_log_streams(logGroupName=group)["logStreams"]
    )


def test_the_doctor_looks_at_what_was_deployed(place: Place, checkout: Path) -> None:
    """The doctor, as the runbook types it, examines what was deployed; without a cluster its exit
    status is not 0.
    """
    *_, look = commands("Deploy", RUNBOOK)
    seen = type_in(place, checkout, f"if {look.strip()}; then exit 1; fi")

    assert "functions: OK (12 are deployed.)" in seen
    assert "secrets: OK" in seen
    assert "snapshot: FAILED" in seen


def test_the_secrets_have_their_values(place: Place, checkout: Path) -> None:
    """The runbook's secrets have all their values, and each password is another."""
    secrets = place.clients("secretsmanager", REGION)
    values: list[dict[str, Any]] = [
        json.loads(
            secrets.get_secret_value(SecretId=f"aurora-restore/dev/{name}-db-credentials")[
                "SecretString"
            ]
        )
        for name in ("master", "app")
    ]

    assert {"database", "username", "password"} == set(values[0])
    assert {"app_username", "app_password", "readonly_username", "readonly_password"} == set(
        values[1]
    )
    passwords = {values[0]["password"], values[1]["app_password"], values[1]["readonly_password"]}
    assert [32, 32, 32] == [len(password) for password in passwords]


def test_a_request_to_one_stage_does_not_reach_the_other(place: Place, checkout: Path) -> None:
    """A request to one stage becomes an operation there and not in the other stage."""
    request, look, *_ = commands("First restore", RUNBOOK)
    type_in(place, checkout, request)
    place.wait_for_an_end("dev")
    heard = {
        stage: {name for name in FUNCTIONS if was_invoked(place, f"aurora-restore-{stage}-{name}")}
        - {"heartbeat"}
        for stage in ("dev", "test")
    }

    of_the_doctor = {"setup-db-users"}  # which it asks what it reaches

    assert {"snapshot-check", "sns-notification"} == heard["dev"] - of_the_doctor
    assert set() == heard["test"]
    assert [] == place.operations("test")
    assert "first-night-" in type_in(place, checkout, look)


@pytest.mark.parametrize("section", SECTIONS[1:])
def test_the_commands_of_a_section_work(place: Place, checkout: Path, section: str) -> None:
    """Each command that the runbook gives in such a section ends with exit status 0."""
    route53 = place.clients("route53", REGION)
    zone = route53.create_hosted_zone(Name="db.example.com", CallerReference=section)
    zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
    for block in commands(section, RUNBOOK):
        type_in(place, checkout, block.replace(ZONE_OF_THE_PAGE, zone_id))
    route53.delete_hosted_zone(Id=zone_id)


def test_removing_one_stage_leaves_the_other(place: Place, checkout: Path) -> None:
    """Removing one stage leaves the other alone, and nothing of the first, not even its records."""
    destroy, forget = commands("Removing a stage", RUNBOOK)
    type_in(place, checkout, destroy.replace("STAGE=dev", "STAGE=dev FORCE=1"))
    type_in(place, checkout, forget)
    left = json.dumps(place.everything(), default=sorted)

    assert (0, 12) == (len(place.functions("dev")), len(place.functions("test")))
    assert "restore-dev" not in left
    assert "aurora-restore-test-state" in left


def test_every_section_with_commands_is_typed_here() -> None:
    """Each section of the runbook with commands is typed by a test; a new one fails here."""
    page = RUNBOOK.read_text()
    typed = sum(
        len(commands(section, RUNBOOK))
        for section in ("Deploy", "With a pipeline", "Removing a stage", *SECTIONS)
    )

    assert page.count("```sh") == typed

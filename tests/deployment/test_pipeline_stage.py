"""A pipeline deploys a stage by stacks alone, as the runbook says: the doctor finds it whole, and
it goes again.
"""

import json
from pathlib import Path

import pytest

from aurora_restore.stages import FUNCTIONS
from tests.deployment.place import ACCOUNT, REGION, SOURCE_REGION, Place
from tests.deployment.runbook import RUNBOOK, type_in
from tests.docs.readme import commands

AROUND, APP, AWAY = commands("With a pipeline", RUNBOOK)
NOT_OF_THE_PACKAGE = {
    "subscribers",
    "heartbeat",
    "snapshot",
    "copy",
    "secrets",
    "network groups",
    "orderable options",
    "database connectivity",
    "network",
}  # what people have, or do, and this account has not


@pytest.fixture(scope="module")
def checkout(place: Place) -> Path:
    """Deploy the stage dev by its pipeline."""
    checkout = place.packaged("piped", dev={})
    type_in(place, checkout, AROUND)
    type_in(place, checkout, APP)
    return checkout


def test_the_stacks_stand(place: Place, checkout: Path) -> None:
    """The pipeline's stacks have the names that the doctor looks for."""
    stacks = {
        "aurora-restore-dev-records",
        "aurora-restore-dev-foundation",
        "aurora-restore-dev-app",
    }

    assert dict.fromkeys(stacks, "CREATE_COMPLETE") == place.stacks()
    assert {"aurora-restore-dev-forwarding": "CREATE_COMPLETE"} == place.stacks(SOURCE_REGION)
    assert sorted(FUNCTIONS) == sorted(place.functions("dev"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_rule_has_the_guides_tags(place: Place, checkout: Path, function: str) -> None:
    """The rules have the guide's tags from the stack, because SAM gives a rule none."""
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/aurora-restore-dev-{function}-event"
    tags = place.clients("events", REGION).list_tags_for_resource(ResourceARN=arn)["Tags"]

    wanted = {"Environment": "dev", "Project": "AuroraRestore", "Service": "Lambda"}
    assert wanted == {tag["Key"]: tag["Value"] for tag in tags}


def test_the_doctor_passes_every_check(place: Place, checkout: Path) -> None:
    """After a pipeline's deployment the doctor finds everything as the checkout would have made
    it.
    """
    seen = json.loads(
        type_in(place, checkout, "make doctor STAGE=dev JSON=1 || test $? -eq 2")
    )  # make's own status
    amiss = {finding["name"] for finding in seen["findings"] if finding["status"] != "OK"}

    assert set() == amiss - NOT_OF_THE_PACKAGE


def test_a_request_starts_an_operation(place: Place, checkout: Path) -> None:
    """A request starts an operation: the rules invoke the functions, which run with their roles."""
    request, *_ = commands("First restore", RUNBOOK)
    type_in(place, checkout, request)
    place.wait_for_an_end("dev")

    assert ["first-night"] == [item["operation_id"]["S"][:11] for item in place.operations("dev")]


def test_the_same_again_changes_nothing(place: Place, checkout: Path) -> None:
    """A second deployment with the same commands changes nothing."""
    before = place.everything()
    type_in(place, checkout, AROUND)
    type_in(place, checkout, APP)

    assert before == place.everything()


def test_a_pipelines_stage_is_not_deployed_by_make(place: Place, checkout: Path) -> None:
    """Neither `make deploy` nor `make destroy` touches a stage that a pipeline deployed."""
    before = place.everything()
    refused = [place.deploy("dev", checkout), place.destroy("dev", checkout)]

    assert [1, 1] == [output.status for output in refused]
    assert [True, True] == [
        "--stack-name aurora-restore-dev-app" in output.err for output in refused
    ]
    assert before == place.everything()


def test_destroy_leaves_nothing_behind(place: Place, checkout: Path) -> None:
    """A pipeline's stage is removed: the app by its stack, the rest by make, with the packages in
    the bucket.
    """
    type_in(place, checkout, AWAY)
    left = place.everything()

    assert {"aurora-restore-dev-records": "CREATE_COMPLETE"} == left["stacks"]
    kept = {"stacks", "tables", "secrets"}
    assert {} == {kind: found for kind, found in left.items() if found and kind not in kept}

"""A custom endpoint that is created again has the tags that people gave the one before."""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.extra_tags import RESERVED
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.swap.swap_stage import SwapStage
from tests.swap.test_custom_endpoints import OWNER, READER, make_endpoint

ARN = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster-endpoint:analytics"
TAGS = {"cost centre": "42", "team": "data"}
DAY = 20 * 3600
QUOTA = refused("DBClusterEndpointQuotaExceededFault", 403)


def tagged_endpoint(stage: SwapStage) -> None:
    """Give the target an endpoint with tags of people."""
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    given = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    stage.rds().add_tags_to_resource(ResourceName=ARN, Tags=given)


def tags(stage: SwapStage) -> dict[str, str]:
    """Read the tags of the endpoint that are not ours."""
    found = stage.rds().list_tags_for_resource(ResourceName=ARN)["TagList"]
    given = {tag["Key"]: tag["Value"] for tag in found}
    assert OWNER == given["aurora-restore"]
    return {key: value for key, value in given.items() if not key.startswith(RESERVED)}


@pytest.mark.parametrize("replacement", ["swap", "pointer", "delete-first"])
def test_the_tags_of_an_endpoint_are_carried_over(replacement: str) -> None:
    """They come with it every night, whether it is moved or was deleted with its cluster."""
    stage = PointerStage(REPLACEMENT=replacement)
    tagged_endpoint(stage)
    for _ in range(2):
        ended = stage.run_night()
        stage.run(DAY)

        assert (State.SUCCEEDED, TAGS) == (ended.state, tags(stage))
    assert stage.restores()[0].operation_id != stage.restores()[1].operation_id


def test_a_rollback_brings_them_back_with_the_endpoint() -> None:
    """It moves the endpoint as a restore does."""
    stage = SwapStage()
    tagged_endpoint(stage)
    stage.ask_back(stage.run_night())

    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert TAGS == tags(stage)


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_a_tag_of_a_setting_is_not_carried(replacement: str) -> None:
    """EXTRA_TAGS alone says which tags the plan puts there."""
    stage = SwapStage(REPLACEMENT=replacement, EXTRA_TAGS="night=one")
    tagged_endpoint(stage)
    stage.run_night()
    assert TAGS | {"night": "one"} == tags(stage)
    stage.environment["EXTRA_TAGS"] = ""
    stage.run(DAY)
    stage.run_night()

    assert TAGS == tags(stage)


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_an_endpoint_that_could_not_be_created_keeps_its_tags(replacement: str) -> None:
    """The command has them, and so has the note for the next restore."""
    stage = SwapStage(REPLACEMENT=replacement)
    tagged_endpoint(stage)
    stage.inject(QUOTA, call="rds.create_db_cluster_endpoint", times=999)
    (warning,) = stage.run_night().warnings
    stage.call_faults.clear()
    stage.run(DAY)
    stage.run_night()

    assert f"--tags Key=aurora-restore,Value={OWNER} 'Key=cost centre,Value=42' Key=team" in warning
    assert TAGS == tags(stage)

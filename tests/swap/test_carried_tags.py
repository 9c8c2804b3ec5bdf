"""Which tags of the old target the new one gets: those of people, not those of a setting before.

EXTRA_TAGS alone says which tags the plan puts there.
"""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.extra_tags import RESERVED
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import OPERATION_TAG
from tests.choreography.fault_injection import refused
from tests.pointer.pointer_stage import PointerStage
from tests.refusals.remedies import go_on
from tests.swap.different_target import succeeded
from tests.swap.swap_stage import NAMES, SwapStage

BOTH, ONE = "CostCenter=42,team=data", "team=data"
TARGET, UNREADABLE = NAMES[0], "unreadable"
DAY = 20 * 3600


class TaggedStage(SwapStage):
    """A stage whose setting names two tags for its first night."""

    def __init__(self, *, extra: str = BOTH, **environment: str) -> None:
        super().__init__(staging=True, EXTRA_TAGS=extra, **environment)

    def all_operations(self) -> list[Operation]:
        """List the records that can be read."""
        stored = self.store.tables["state"].items()
        items = [item for key, item in stored if "#" not in key and item["version"] != UNREADABLE]
        return sorted(map(Operation.from_item, items), key=lambda operation: operation.created_at)

    def standing_tags(self, name: str = TARGET) -> list[dict[str, str]]:
        """Give the tags of a cluster and of its instances that are not ours, each set once."""
        rds = self.rds()
        instances = rds.describe_db_instances(
            Filters=[{"Name": "db-cluster-id", "Values": [name]}]
        )["DBInstances"]
        clusters = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        found = [_own(thing) for thing in (*clusters, *instances)]
        return [tags for number, tags in enumerate(found) if tags not in found[:number]]

    def tag(self, **tags: str) -> None:
        """Have people tag the target and its instances."""
        rds = self.rds()
        (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=TARGET)["DBClusters"]
        of_cluster = [{"Name": "db-cluster-id", "Values": [TARGET]}]
        instances = rds.describe_db_instances(Filters=of_cluster)["DBInstances"]
        arns = [cluster["DBClusterArn"], *(found["DBInstanceArn"] for found in instances)]
        for arn in arns:
            given = [{"Key": key, "Value": value} for key, value in tags.items()]
            rds.add_tags_to_resource(ResourceName=arn, Tags=given)

    def another_night(self, **environment: str) -> None:
        """Let a night succeed with other settings, a day later."""
        self.environment |= environment
        self.run(DAY)
        assert succeeded(self.run_night())


def _own(thing: dict[str, Any]) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in thing["TagList"]}
    return {key: value for key, value in tags.items() if not key.startswith(RESERVED)}


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_a_tag_that_the_setting_no_longer_names_is_not_carried(replacement: str) -> None:
    """Neither the cluster nor its instances have it any more."""
    stage = TaggedStage(REPLACEMENT=replacement)
    assert succeeded(stage.run_night())
    assert [{"CostCenter": "42", "team": "data"}] == stage.standing_tags()
    stage.another_night(EXTRA_TAGS=ONE)

    assert [{"team": "data"}] == stage.standing_tags()


def test_pointed_clusters_lose_it_too() -> None:
    """Whatever the name of the cluster is."""
    stage = PointerStage(EXTRA_TAGS=BOTH)
    assert succeeded(stage.run_night())
    stage.environment["EXTRA_TAGS"] = ""
    stage.run(DAY)
    ended = stage.run_night()

    assert succeeded(ended)
    assert ended.facts.target.baseline is not None
    assert {} == ended.facts.target.baseline.tags


def test_a_value_that_people_gave_it_is_carried() -> None:
    """It is no longer what the setting put there."""
    stage = TaggedStage()
    assert succeeded(stage.run_night())
    stage.tag(CostCenter="43", owner="me")
    stage.another_night(EXTRA_TAGS=ONE)
    stage.another_night()

    assert [{"CostCenter": "43", "owner": "me", "team": "data"}] == stage.standing_tags()


def test_a_rerun_with_another_setting_is_remembered() -> None:
    """It made the cluster, and the first run of the chain had other tags."""
    stage = TaggedStage(extra="")
    stage.inject(refused("InvalidParameterValue"), state="TARGET_CLEAR", call="rds.", times=9)
    assert State.FAILED is stage.run_night().state
    stage.call_faults.clear()
    stage.environment["EXTRA_TAGS"] = BOTH
    go_on(stage, stage.notices()[-1]["text"])
    assert succeeded(stage.run_until_ended(2))
    assert [{"CostCenter": "42", "team": "data"}] == stage.standing_tags()
    stage.another_night(EXTRA_TAGS=ONE)

    assert [{"team": "data"}] == stage.standing_tags()


def test_a_tag_of_a_target_that_came_back_is_not_carried_either() -> None:
    """The operation that made it tells what the setting was, not the one that replaced it."""
    stage = TaggedStage(KEEP_PREVIOUS_HOURS="48")
    assert succeeded(stage.run_night())
    stage.another_night(EXTRA_TAGS="")
    stage.ask_back(stage.restores()[-1])
    assert succeeded(stage.run_until_ended(3))
    assert [{"CostCenter": "42", "team": "data"}] == stage.standing_tags()
    stage.another_night()

    assert [{}] == stage.standing_tags()


def test_a_tag_that_people_put_on_a_target_that_came_back_is_carried() -> None:
    """The setting of the operation that had replaced it does not count."""
    stage = TaggedStage(extra="", KEEP_PREVIOUS_HOURS="48")
    assert succeeded(stage.run_night())
    stage.tag(CostCenter="42")
    stage.another_night(EXTRA_TAGS=BOTH)
    stage.ask_back(stage.restores()[-1])
    assert succeeded(stage.run_until_ended(3))
    stage.another_night(EXTRA_TAGS="")

    assert [{"CostCenter": "42"}] == stage.standing_tags()


@pytest.mark.parametrize("version", [None, UNREADABLE])
def test_a_maker_of_which_nothing_is_known_costs_no_night(version: str | None) -> None:
    """Its record is gone or cannot be read, so its tags are carried as people's are."""
    stage = TaggedStage()
    first = stage.run_night()
    assert succeeded(first)
    stage.run(DAY)
    if version:
        stage.edit(first.operation_id, version=version)
    else:
        del stage.store.tables["state"][first.operation_id]
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=TARGET)["DBClusters"]
    assert {"Key": OPERATION_TAG, "Value": first.operation_id} in found["TagList"]
    stage.another_night(EXTRA_TAGS=ONE)

    assert [{"CostCenter": "42", "team": "data"}] == stage.standing_tags()

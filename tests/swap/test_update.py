"""An update of the app while an operation of the version before is under way: it deletes first."""

from typing import Any

import pytest

from chalicelib.flow.choreography import MOVING, State
from chalicelib.records.store import Change
from chalicelib.records.targets import target_key
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import NAMES

STATES = (State.TARGET_DELETING, State.CLUSTER_RESTORING, State.READERS_CREATING, State.USERS_READY)
UNKNOWN = ("kind", "rolls_back")  # to the version before


def as_the_version_before_wrote(item: dict[str, Any]) -> dict[str, Any]:
    """Give the attributes of a record whose settings say nothing of a replacement."""
    settings = item["settings"]
    target = {name: value for name, value in settings["target"].items() if name != "replacement"}
    return {"settings": {**settings, "target": target}}


def update(stage: FaultyStage) -> None:
    """Deploy the new version, whose default is a swap, in the middle of an operation."""
    stage.environment["REPLACEMENT"] = "swap"
    store, key = stage.operations.store, stage.only().operation_id
    item = store.get(key) or {}
    store.change(Change(key, assign=as_the_version_before_wrote(item), remove=UNKNOWN))


@pytest.mark.parametrize("state", STATES)
def test_an_operation_of_the_version_before_ends_as_it_began(state: State) -> None:
    """It makes the new cluster under the target's own name, and nothing is renamed or kept."""
    stage = FaultyStage()
    stage.night()
    stage.reach(state)
    update(stage)
    ended = stage.run_to_the_end()
    standing = stage.rds().describe_db_clusters()["DBClusters"]
    (target,) = [found for found in standing if found["DBClusterIdentifier"] in NAMES]

    assert State.SUCCEEDED is ended.state, ended.reason
    assert "delete-first" == ended.plan.target.replacement
    assert NAMES[0] == target["DBClusterIdentifier"]
    assert ended.facts.target.cluster_resource_id == target["DbClusterResourceId"]
    assert not MOVING & {*stage.path()} - {State.TARGET_OPEN}
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("state", STATES)
def test_an_operation_that_captured_nothing_goes_on_with_its_settings(state: State) -> None:
    """The version before wrote every default into the record, and no baseline."""
    defaults = {"INSTANCE_COUNT": "3", "PORT": "5432", "LOG_EXPORTS": "postgresql"}
    stage = FaultyStage({**defaults, "BACKUP_RETENTION_DAYS": "1", "DELETION_PROTECTION": "false"})
    stage.night()
    stage.reach(state)
    operation = stage.only()
    item = stage.store.tables["state"][operation.operation_id]
    del item["facts"]["target"]["baseline"]
    del stage.store.tables["state"][target_key(operation.plan.target_cluster_arn)]["baseline"]
    stage.environment |= dict.fromkeys([*defaults, "BACKUP_RETENTION_DAYS"], "")
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED is ended.state, ended.reason
    assert ended.facts.target.baseline is None
    assert 3 == len(ended.facts.target.instances)
    assert [] == stage.broken_promises()


def test_the_night_after_an_update_swaps() -> None:
    """The target that the version before made is replaced by a swap, and is kept."""
    stage = FaultyStage()
    stage.night()
    stage.reach(State.USERS_READY)
    update(stage)
    first = stage.run_to_the_end()
    stage.run(24 * 3600)
    stage.night()
    stage.reach(State.SWAPPING)
    stage.run(1200)
    standing = {
        found["DBClusterIdentifier"]: found["DbClusterResourceId"]
        for found in stage.rds().describe_db_clusters()["DBClusters"]
    }

    assert first.facts.target.cluster_resource_id == standing["staging-cluster-previous"]
    assert "staging-cluster" in standing

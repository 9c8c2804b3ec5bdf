"""EXTRA_TAGS are on everything that a night makes."""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage

EXTRA = {"CostCenter": "42", "team": "data platform"}
SETTING = {"EXTRA_TAGS": "CostCenter=42,team=data platform"}


def has_extra(found: dict[str, Any]) -> bool:
    """Tell whether a resource has the tags."""
    tags = {tag["Key"]: tag["Value"] for tag in found["TagList"]}
    return tags.items() >= EXTRA.items()


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_everything_that_is_made_has_them(replacement: str) -> None:
    """The copy, the new cluster, its instances, and the final snapshot of the old target."""
    stage = FaultyStage({**SETTING, "REPLACEMENT": replacement, "SKIP_FINAL_SNAPSHOT": "false"})
    stage.night()
    stage.run(20 * 3600)
    rds = stage.rds()
    everything = [
        *rds.describe_db_clusters()["DBClusters"],
        *rds.describe_db_instances()["DBInstances"],
        *rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"],
    ]
    made = [found for found in everything if "bystander" not in str(found)]

    assert State.SUCCEEDED is stage.all_operations()[0].state
    assert 5 == len(made)
    assert [] == [found for found in made if not has_extra(found)]
    assert [] == stage.broken_promises()


def test_a_final_snapshot_that_may_not_be_tagged_costs_a_warning() -> None:
    """The old target is gone by then: the restore goes on."""
    stage = FaultyStage({**SETTING, "SKIP_FINAL_SNAPSHOT": "false"})
    call = "rds.add_tags_to_resource"
    stage.inject(refused("AccessDenied"), step="delete-rds", call=call, times=99)
    stage.night()
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED is ended.state
    assert any("has no EXTRA_TAGS: " in warning for warning in ended.warnings)

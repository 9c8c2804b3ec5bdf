"""ENGINE_LIFECYCLE_SUPPORT: what Aurora does after the end of a version's standard support."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from tests.choreography.run_night import FaultyStage

EXTENDED = "open-source-rds-extended-support"
RECORDS = Path(__file__).parents[1] / "store" / "older_records"


def stage_with_support_for(days: int, **environment: str) -> FaultyStage:
    """Give a stage in which production's version is in standard support for some days."""
    stage = FaultyStage(environment)
    support = stage.aurora._state.support
    end = stage.clock.now() + timedelta(days=days)
    support[16] = support[16]._replace(standard_ends=end)
    return stage


def lifecycle(stage: FaultyStage) -> str:
    """Give the lifecycle type of the target."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]
    return str(found["EngineLifecycleSupport"])


@pytest.mark.parametrize(
    ("environment", "shown"),
    [({}, f"{EXTENDED}-disabled"), ({"ENGINE_LIFECYCLE_SUPPORT": EXTENDED}, EXTENDED)],
)
def test_the_new_cluster_is_enrolled_only_on_request(
    environment: dict[str, str], shown: str
) -> None:
    """Without the setting AWS would enrol it."""
    stage = FaultyStage(environment)
    ended = stage.run_night()

    assert (State.SUCCEEDED, shown, ()) == (ended.state, lifecycle(stage), ended.warnings)


def test_a_version_past_its_standard_support_is_refused() -> None:
    """Nothing is deleted, and the remedy names the setting that allows the charge."""
    ended = stage_with_support_for(-1).run_night()

    assert (State.FAILED, "delete-rds") == (ended.state, ended.failed_step)
    assert "Standard support of aurora-postgresql 16 ended on 2026-11-22." in str(ended.reason)
    assert f"Set ENGINE_LIFECYCLE_SUPPORT={EXTENDED}" in str(ended.remedy)
    assert None is ended.facts.target.deletion


def test_with_extended_support_such_a_version_is_restored() -> None:
    """People asked for it, so there is nothing to warn of."""
    ended = stage_with_support_for(-1, ENGINE_LIFECYCLE_SUPPORT=EXTENDED).run_night()

    assert (State.SUCCEEDED, ()) == (ended.state, ended.warnings)


def test_the_end_of_standard_support_is_told_before() -> None:
    """A night that would be refused in some weeks warns of it."""
    ended = stage_with_support_for(59).run_night()
    (warning,) = ended.warnings

    assert State.SUCCEEDED is ended.state
    assert "Standard support of aurora-postgresql 16 ends on 2027-01-21." in warning


def test_an_operation_of_the_version_before_restores_as_it_would_have() -> None:
    """That version named no lifecycle, and AWS then enrolls the cluster."""
    record = json.loads((RECORDS / "target_deleting.json").read_text(encoding="utf-8"))

    assert EXTENDED == Operation.from_item(record).plan.target.engine_lifecycle_support

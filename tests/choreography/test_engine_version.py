"""ENGINE_VERSION, and versions of which AWS creates no more clusters."""

from typing import Any

import pytest

from chalicelib.flow.choreography import REQUESTED, State
from chalicelib.flow.engine_versions import is_lower
from chalicelib.flow.operation import Operation
from simulation.stage import ACCOUNT, SOURCE_REGION
from tests.choreography.run_night import FaultyStage

TARGET = "staging-cluster"


def ended(produced: str, **environment: str) -> tuple[Operation, str]:
    """Run a night of a production of a version; gives its end and the target's version."""
    stage = FaultyStage(environment)
    region = stage.aurora._state.region(ACCOUNT, SOURCE_REGION)
    region.clusters["prod-cluster"].engine_version = produced
    operation = stage.run_night()
    return operation, version_of(stage)


def version_of(stage: FaultyStage) -> str:
    """Give the version of the target."""
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=TARGET)["DBClusters"]
    return str(found["EngineVersion"])


@pytest.mark.parametrize(
    ("produced", "environment", "restored"),
    [
        ("16.10", {}, "16.10"),
        ("16.9", {"ENGINE_VERSION": "16.11"}, "16.11"),
        ("16.9", {"ENGINE_VERSION": "16.9"}, "16.9"),
        ("16.6", {"ENGINE_VERSION": "16.10"}, "16.10"),
        ("16.6", {"ENGINE_VERSION": "16.6"}, "16.6"),
    ],
)
def test_the_new_cluster_has_the_wanted_version(
    produced: str, environment: dict[str, str], restored: str
) -> None:
    """The snapshot's, or a later one of its major version; there is nothing to warn of."""
    operation, version = ended(produced, **environment)

    assert (State.SUCCEEDED, restored, ()) == (operation.state, version, operation.warnings)


def test_a_version_that_can_no_longer_be_created_goes_to_the_lowest_upgrade() -> None:
    """The notice says so: 16.9 is lower than 16.10, and 15.15 is of another major version."""
    operation, version = ended("16.6")
    (warning,) = operation.warnings

    assert (State.SUCCEEDED, "16.9") == (operation.state, version)
    assert "us-west-2 creates no more clusters of version 16.6" in warning
    assert "The new cluster has 16.9" in warning


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("16.9", "a restore cannot have a lower version"),
        ("17.7", "a restore keeps the major version"),
        ("15.15", "a restore keeps the major version"),
        ("16.12", "us-west-2 offers no upgrade from the one to the other"),
    ],
)
def test_what_a_restore_cannot_have_is_refused_before_anything_is_deleted(
    wanted: str, why: str
) -> None:
    """The sentence names both versions, and the remedy what may be chosen."""
    operation, _ = ended("16.10", ENGINE_VERSION=wanted)

    assert (State.FAILED, "delete-rds") == (operation.state, operation.failed_step)
    assert f"ENGINE_VERSION is {wanted}, and the snapshot is of version 16.10: {why}." in str(
        operation.reason
    )
    assert "Set ENGINE_VERSION to one of 16.10, 16.11, or remove it." == operation.remedy
    assert None is operation.facts.target.deletion


def test_an_instance_class_is_checked_for_the_version_of_the_new_cluster() -> None:
    """The class can be ordered for a version of the same major version only."""
    operation, _ = ended("15.8", INSTANCE_CLASS="db.r8g.large")

    assert "us-west-2 has no db.r8g.large for aurora-postgresql 15.13." in str(operation.reason)


class UpgradingStage(FaultyStage):
    """A stage whose Aurora restores a later version than it was asked for."""

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        if service == "rds":
            restore = client.restore_db_cluster_from_snapshot
            client.restore_db_cluster_from_snapshot = lambda **parameters: restore(
                **{**parameters, "EngineVersion": "16.11"}
            )
        return client


def test_another_version_than_was_asked_for_is_a_warning() -> None:
    """Aurora upgrades some versions by itself when it restores them."""
    stage = UpgradingStage()
    region = stage.aurora._state.region(ACCOUNT, SOURCE_REGION)
    region.clusters["prod-cluster"].engine_version = "16.10"
    (warning,) = stage.run_night().warnings

    assert "Aurora restored staging-cluster as version 16.11, and not as 16.10." == warning


def test_a_rerun_with_a_later_version_makes_the_cluster_again() -> None:
    """A cluster of a lower version than wanted is refused, and the rerun begins at its deletion."""
    stage = FaultyStage({"LOG_EXPORTS": "postgresql"})
    region = stage.aurora._state.region(ACCOUNT, SOURCE_REGION)
    region.clusters["prod-cluster"].engine_version = "16.9"
    stage.aurora.fail_next("CreateDBInstance", "InvalidParameterCombination")
    stage.aurora.fail_next("CreateDBInstance", "InvalidParameterCombination")
    failed = stage.run_night()
    stage.environment["ENGINE_VERSION"] = "16.11"
    stage.request(REQUESTED, request_id="once", rerun_of=failed.operation_id)
    again = stage.run_to_the_end()
    if again.state is State.FAILED:
        stage.request(REQUESTED, request_id="twice", rerun_of=again.operation_id)
        again = stage.run_to_the_end()

    assert (State.SUCCEEDED, "16.11") == (again.state, version_of(stage))


def test_versions_are_compared_by_their_numbers() -> None:
    """As text, 16.10 would be lower than 16.9."""
    assert is_lower("16.9", "16.10")
    assert not is_lower("16.10", "16.9")
    assert not is_lower("16.9", "16.9")

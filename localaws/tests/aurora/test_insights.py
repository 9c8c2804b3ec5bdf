"""Performance Insights of instances, and the advanced mode of Database Insights."""

from typing import Any

import pytest
from tests.aurora.scene import ENGINE, SOURCE, Scene, code_of

NAME = "prod-cluster-1"
COMBINATION, VALUE = "InvalidParameterCombination", "InvalidParameterValue"
ADVANCED = {
    "DatabaseInsightsMode": "advanced",
    "EnablePerformanceInsights": True,
    "PerformanceInsightsRetentionPeriod": 465,
}


def create(scene: Scene, **options: Any) -> Any:
    """Create a reader and return the answer's."""
    call = scene.rds(SOURCE).create_db_instance
    return call(**named(), **options)["DBInstance"]


def named() -> dict[str, str]:
    """Name a reader that is to be made."""
    return {
        "DBInstanceIdentifier": "reader",
        "DBInstanceClass": "db.r6g.large",
        "Engine": ENGINE,
        "DBClusterIdentifier": "prod-cluster",
    }


def modify_cluster(scene: Scene, **options: Any) -> Any:
    """Modify the cluster."""
    call = scene.rds(SOURCE).modify_db_cluster
    return call(DBClusterIdentifier="prod-cluster", ApplyImmediately=True, **options)


def test_insights_are_shown_with_key_and_retention(scene: Scene) -> None:
    """Without a key they are under the account's own, and kept for seven days."""
    scene.cluster(instances=1)
    off = scene.describe_instance(NAME)
    made = create(scene, EnablePerformanceInsights=True)

    assert not off["PerformanceInsightsEnabled"]
    assert "PerformanceInsightsRetentionPeriod" not in off
    assert (True, 7) == (
        made["PerformanceInsightsEnabled"],
        made["PerformanceInsightsRetentionPeriod"],
    )
    assert made["PerformanceInsightsKMSKeyId"].startswith("arn:aws:kms:")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"PerformanceInsightsRetentionPeriod": 93}, COMBINATION),
        (
            {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 94},
            VALUE,
        ),
    ],
)
def test_what_insights_refuse(scene: Scene, options: dict[str, Any], code: str) -> None:
    """Settings of insights that are off, and retention periods that there are not."""
    scene.cluster(instances=1)

    assert code == code_of(scene.rds(SOURCE).create_db_instance, **named(), **options)


def test_the_advanced_mode_has_conditions(scene: Scene) -> None:
    """Insights have to be enabled with it, and kept for 465 days; then all instances have them."""
    scene.cluster(instances=1)
    call = scene.rds(SOURCE).modify_db_cluster
    alone = code_of(
        call,
        DBClusterIdentifier="prod-cluster",
        ApplyImmediately=True,
        DatabaseInsightsMode="advanced",
    )
    modify_cluster(scene, **ADVANCED)
    scene.settle()
    shown = scene.describe_instance(NAME)

    assert COMBINATION == alone
    assert "advanced" == scene.describe("prod-cluster")["DatabaseInsightsMode"]
    assert ("advanced", 465) == (
        shown["DatabaseInsightsMode"],
        shown["PerformanceInsightsRetentionPeriod"],
    )


def test_a_mode_that_there_is_not_is_refused(scene: Scene) -> None:
    """There are standard and advanced."""
    scene.cluster(instances=1)
    call = scene.rds(SOURCE).modify_db_cluster
    wanted = {"DBClusterIdentifier": "prod-cluster", "ApplyImmediately": True}

    assert VALUE == code_of(call, **wanted, DatabaseInsightsMode="best")


def test_an_instance_has_a_maintenance_window_of_its_own(scene: Scene) -> None:
    """It is given at its creation, and changed at once."""
    scene.cluster(instances=1)
    made = create(scene, PreferredMaintenanceWindow="Mon:01:00-Mon:01:30")
    scene.settle()
    scene.rds(SOURCE).modify_db_instance(
        DBInstanceIdentifier=NAME, PreferredMaintenanceWindow="tue:02:00-tue:02:30"
    )

    assert "mon:01:00-mon:01:30" == made["PreferredMaintenanceWindow"]
    assert "tue:02:00-tue:02:30" == scene.describe_instance(NAME)["PreferredMaintenanceWindow"]

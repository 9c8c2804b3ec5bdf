"""What becomes of the clusters that a restore or a rollback has replaced."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import Facts, OldTarget, TargetFacts
from chalicelib.flow.operation import Kind
from chalicelib.flow.timestamps import iso_timestamp
from tests.doctor.healthy_stage import TARGET
from tests.doctor.scene import Scene
from tests.doctor.test_clusters import TARGET_ARN, make_ours
from tests.doctor.test_operations import plan_of

KEPT_FOR = timedelta(hours=12)


def keep(scene: Scene, name: str, resource_id: str) -> datetime:
    """Put the record of an operation that keeps a previous target since an hour ago: since when."""
    since = datetime.now(UTC) - timedelta(hours=1)
    old = OldTarget(arn=TARGET_ARN, resource_id=resource_id)
    scene.put_operation(
        name,
        plan_of(scene),
        due_at=since + KEPT_FOR,
        since=since,
        state=State.PREVIOUS_KEPT,
        kind=Kind.RETIRE,
        facts=Facts(target=TargetFacts(old=old)),
        waiting_for=f"The previous target {TARGET}-previous is kept until 21:49.",
    )
    return since


def clusters(scene: Scene, *names: str) -> Mapping[str, str]:
    """Make clusters that are ours; returns their resource ids."""
    for name in names:
        make_ours(scene, name)
    found = scene.client("rds").describe_db_clusters()["DBClusters"]
    return {each["DBClusterIdentifier"]: each["DbClusterResourceId"] for each in found}


def open_one(scene: Scene, resource_id: str, **retirements: str) -> None:
    """Note in the target's item which cluster is the target, and what decides about others."""
    noted = {f"retirement#{replaced}": name for replaced, name in retirements.items()}
    item = {"opened_id": resource_id, "opened_as": TARGET, **noted}
    scene.put_item(operation_id=f"target#{TARGET_ARN}", **item)


def test_only_the_retirement_that_deletes_something_says_so(scene: Scene) -> None:
    """After rollbacks each retirement that is still open says what it will really do."""
    ids = clusters(scene, TARGET, f"{TARGET}-previous")
    now, previous = ids[TARGET], ids[f"{TARGET}-previous"]
    decides = {previous: "retire-it", now: "retire-now", "cluster-GONE": "retire-gone"}
    open_one(scene, now, **decides)
    until = keep(scene, "retire-it", previous) + KEPT_FOR
    for name, resource_id in (
        ("retire-earlier", previous),
        ("retire-now", now),
        ("retire-gone", "cluster-GONE"),
    ):
        keep(scene, name, resource_id)
    found = scene.see("operations")

    assert (
        f"retire-it keeps the previous target {TARGET}-previous ({previous}) until "
        f"{iso_timestamp(until)} and deletes it then."
    ) in found.what
    for name, why in (
        ("retire-earlier", f"{previous} is kept: retire-it decides about it."),
        ("retire-now", f"{now} is the target again, so it is not deleted."),
        ("retire-gone", "cluster-GONE is gone."),
    ):
        assert f"{name} will end without deleting anything: {why}" in found.what
    assert "21:49" not in found.what


def test_a_retirement_whose_time_is_over_says_what_it_waits_for(scene: Scene) -> None:
    """Why it has not deleted the cluster yet is in its record."""
    ids = clusters(scene, TARGET, f"{TARGET}-previous")
    previous = ids[f"{TARGET}-previous"]
    open_one(scene, ids[TARGET], **{previous: "retire-it"})
    since = keep(scene, "retire-it", previous)
    found = scene.see("operations", later=timedelta(hours=11, minutes=5))

    assert f"retire-it is PREVIOUS_KEPT since {iso_timestamp(since)}: The previous" in str(found)


@pytest.mark.parametrize("suffix", ["previous", "next"])
def test_the_way_back_that_the_next_restore_deletes_is_named(scene: Scene, suffix: str) -> None:
    """After a restore the previous target is kept under one name, after a rollback under another.

    Where people keep it, it is no way back that goes by itself.
    """
    name = f"{TARGET}-{suffix}"
    ids = clusters(scene, TARGET, name)
    open_one(scene, ids[TARGET], **{ids[name]: "retire-it"})
    before = scene.see("target").what
    keep(scene, "retire-it", ids[name])
    found = scene.see("target").what

    told = f"The previous target {name} ({ids[name]}), which you can go back to now, is deleted by"
    assert told not in before
    assert f"for 12 hours. {told} then." in found

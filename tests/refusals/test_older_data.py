"""Newer data is replaced by older only where a person asked for just that."""

import json
import re
import shlex
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.timestamps import iso_timestamp
from simulation.stage import SOURCE_REGION, SimulatedStage
from tests.refusals.scene import TARGET_ARN, RefusalScene
from tests.refusals.test_skipped import missed_night


def pasted(stage: SimulatedStage, text: str) -> dict[str, Any]:
    """Put what the command in a text says on the bus; returns the event's detail."""
    (command,) = re.findall(r"aws events put-events .+$", text, re.MULTILINE)
    (entry,) = json.loads(shlex.split(command)[-1])
    detail: dict[str, Any] = json.loads(entry["Detail"])
    stage.put_event(entry["Source"], entry["DetailType"], detail)
    return detail


def failed_on_friday(scene: RefusalScene, *, on_monday: str | None = None) -> tuple[str, str]:
    """Let one night fail and the next succeed.

    Returns the failed one's id, and the command that its notice gave.

    The next night fails, too, if AWS refuses its call `on_monday`.
    """
    scene.stage.aurora.fail_next("CopyDBClusterSnapshot", "InvalidParameterValue")
    scene.stage.night()
    friday = scene.stage.run_to_the_end()
    line = scene.stage.notices()[-1]["text"]
    scene.stage.clock.advance(6 * 3600)
    scene.stage.night()
    while len(scene.stage.all_operations()) == 1:
        scene.stage.step_time()
    if on_monday:
        begin_deletion(scene)
        scene.stage.aurora.fail_next(on_monday, "InvalidParameterValue")
    scene.ends(State.FAILED if on_monday else State.SUCCEEDED)
    return friday.operation_id, line


def begin_deletion(scene: RefusalScene) -> None:
    """Run until the newest operation deletes the old target: what comes later was tried by then."""
    while scene.stage.all_operations()[-1].state is not State.TARGET_DELETING:
        scene.stage.step_time()


def test_fridays_rerun_pasted_on_monday_replaces_nothing(scene: RefusalScene) -> None:
    """The refusal says both times; the line in it does what was asked for."""
    friday, line = failed_on_friday(scene)
    monday = scene.stage.all_operations()[-1]
    target = scene.target_ids()
    pasted(scene.stage, line)
    scene.stage.deliver()
    notice = scene.stage.notices()[-1]
    before = scene.stage.operations.read(friday)

    assert before
    assert "refused" == notice["kind"]
    assert target == scene.target_ids()
    assert 2 == len(scene.stage.all_operations())
    for made in (monday.facts.snapshot.created_at, before.facts.snapshot.created_at):
        assert made
        assert iso_timestamp(made) in notice["reason"]
    assert monday.operation_id in notice["reason"]

    detail = pasted(scene.stage, notice["remedy"])
    rerun = scene.ends(State.SUCCEEDED)

    assert detail["older"] is True
    assert friday == detail["rerun_of"]
    assert friday == rerun.rerun_of
    assert rerun.may_be_older is True


def test_a_step_that_was_asked_for_stands_in_the_line(scene: RefusalScene) -> None:
    """The command asks for the same step, and adds the permission."""
    friday, _ = failed_on_friday(scene)
    scene.stage.put("RestoreRequested", rerun_of=friday, from_step="snapshot-check")
    scene.stage.deliver()
    detail = pasted(scene.stage, scene.stage.notices()[-1]["remedy"])

    assert {
        "rerun_of": friday,
        "from_step": "snapshot-check",
        "older": True,
    }.items() <= detail.items()


def test_an_older_snapshot_by_its_name_replaces_nothing(scene: RefusalScene) -> None:
    """An older snapshot by its name is refused, also by its command without the permission."""
    older = missed_night(scene)
    scene.stage.clock.advance(3600)
    scene.stage.night()
    scene.ends(State.SUCCEEDED)
    target = scene.target_ids()
    scene.stage.put("RestoreRequested", snapshot_identifier=older)
    scene.stage.deliver()

    assert target == scene.target_ids()

    detail = pasted(scene.stage, scene.stage.notices()[-1]["remedy"])
    restored = scene.ends(State.SUCCEEDED)

    assert {
        "older": True,
        "snapshot_identifier": restored.facts.snapshot.arn,
    }.items() <= detail.items()
    assert str(restored.facts.snapshot.arn).endswith(older)


def test_the_same_older_snapshot_is_restored_as_often_as_it_is_asked_for(
    scene: RefusalScene,
) -> None:
    """A known state that people come back to: each refusal has a command of its own."""
    older = missed_night(scene)
    for _ in range(2):
        newer_night(scene)
        scene.stage.put("RestoreRequested", snapshot_identifier=older, request_id="known-state")
        scene.stage.deliver()
        pasted(scene.stage, scene.stage.notices()[-1]["remedy"])
        restored = scene.ends(State.SUCCEEDED)

        assert str(restored.facts.snapshot.arn).endswith(older)


def newer_night(scene: RefusalScene) -> None:
    """Let a night come later, and succeed."""
    before = len(scene.stage.all_operations())
    scene.stage.clock.advance(3600)
    scene.stage.night()
    while len(scene.stage.all_operations()) == before:
        scene.stage.step_time()
    scene.ends(State.SUCCEEDED)


def test_a_command_for_older_data_that_is_pasted_twice_is_obeyed_once(scene: RefusalScene) -> None:
    """What became of it is told."""
    older = missed_night(scene)
    newer_night(scene)
    scene.stage.put("RestoreRequested", snapshot_identifier=older)
    scene.stage.deliver()
    remedy = scene.stage.notices()[-1]["remedy"]
    pasted(scene.stage, remedy)
    restored = scene.ends(State.SUCCEEDED)
    pasted(scene.stage, remedy)
    scene.stage.deliver()

    assert restored == scene.stage.all_operations()[-1]
    assert "was made before" in scene.stage.notices()[-1]["reason"]


def test_a_rerun_of_what_may_be_older_may_be_older(scene: RefusalScene) -> None:
    """A rerun fails when Monday's cluster is deleted; the next command still has Friday's data."""
    friday, line = failed_on_friday(scene)
    pasted(scene.stage, line)
    scene.stage.deliver()
    pasted(scene.stage, scene.stage.notices()[-1]["remedy"])
    scene.stage.aurora.fail_next("RestoreDBClusterFromSnapshot", "InvalidParameterValue")
    failed = scene.ends(State.FAILED)
    detail = pasted(scene.stage, scene.stage.notices()[-1]["text"])
    rerun = scene.ends(State.SUCCEEDED)

    assert "restore-snapshot" == failed.failed_step
    assert friday == failed.rerun_of
    assert detail.get("older") is True
    assert failed.operation_id == rerun.rerun_of


def test_the_same_snapshot_may_be_restored_again(scene: RefusalScene) -> None:
    """A request may restore the target's own snapshot, which undoes people's changes."""
    scene.stage.night()
    done = scene.ends(State.SUCCEEDED)
    scene.stage.put("RestoreRequested", snapshot_identifier=done.facts.snapshot.arn)

    assert scene.ends(State.SUCCEEDED).operation_id != done.operation_id


def test_the_newest_that_is_left_may_be_older_than_what_was_restored(scene: RefusalScene) -> None:
    """Who names no snapshot means fresh data: without any the target stays, and the notice has the
    line.
    """
    older = missed_night(scene)
    scene.stage.clock.advance(3600)
    scene.stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="newer"
    )
    scene.stage.settle()
    scene.stage.put("RestoreRequested", snapshot_identifier="newer")
    scene.ends(State.SUCCEEDED)
    scene.stage.put("RestoreRequested", request_id="freshen")
    skipped = scene.ends(State.SKIPPED)

    assert str(skipped.facts.snapshot.arn).endswith(older)
    assert "which is older." in str(skipped.reason)
    assert f"What to do: {skipped.remedy}" in scene.stage.notices()[-1]["text"]
    pasted(scene.stage, str(skipped.remedy))
    assert str(scene.ends(State.SUCCEEDED).facts.snapshot.arn).endswith(older)


@pytest.mark.parametrize("older", ["true", 1, "yes", [True]])
def test_the_permission_is_true_or_false(scene: RefusalScene, older: Any) -> None:
    """A permission other than true or false is refused."""
    scene.stage.put("RestoreRequested", older=older)
    scene.stage.deliver()

    assert "older: Input should be a valid boolean" in scene.stage.notices()[-1]["reason"]


def test_a_success_between_the_request_and_the_deletion_is_seen(scene: RefusalScene) -> None:
    """The last look is made while nobody else can have the target."""
    friday, _ = failed_on_friday(scene)
    key = f"target#{TARGET_ARN}"
    item = scene.stage.store.tables["state"][key]
    fresh = {
        name: item.pop(name) for name in ("last_success_snapshot_at", "last_success_at", "standing")
    }
    scene.stage.put("RestoreRequested", rerun_of=friday, from_step="copy-snapshot")
    scene.stage.deliver_one(scene.stage.queue.popleft())
    scene.stage.store.tables["state"][key] |= fresh
    target = scene.target_ids()
    ended = scene.ends(State.FAILED)

    assert ("delete-rds", target) == (ended.failed_step, scene.target_ids())
    assert "which is older." in str(ended.reason)

    (instead,) = re.findall(r"^A rerun .+$", scene.stage.notices()[-1]["text"], re.MULTILINE)
    pasted(scene.stage, instead)
    scene.ends(State.SUCCEEDED)


def test_newer_data_whose_restore_did_not_succeed_is_not_replaced_by_older(
    scene: RefusalScene,
) -> None:
    """Monday's cluster stands, though its operation FAILED: Friday's line is refused, and says what
    stands.
    """
    friday, line = failed_on_friday(scene, on_monday="CreateDBInstance")
    monday = scene.stage.all_operations()[-1]
    target = scene.target_ids()
    pasted(scene.stage, line)
    scene.stage.deliver()
    notice = scene.stage.notices()[-1]

    assert monday.facts.snapshot.created_at
    assert "refused" == notice["kind"]
    assert target == scene.target_ids()
    assert 2 == len(scene.stage.all_operations())
    assert (
        f"{iso_timestamp(monday.facts.snapshot.created_at)}, restored by {monday.operation_id}"
        in notice["reason"]
    )

    pasted(scene.stage, notice["remedy"])

    assert friday == scene.ends(State.SUCCEEDED).rerun_of


def test_older_data_replaces_nothing_where_the_newer_is_gone(scene: RefusalScene) -> None:
    """The last success was deleted for a restore that AWS refused: Friday's line is obeyed as it
    is.
    """
    friday, line = failed_on_friday(scene)
    scene.stage.clock.advance(6 * 3600)
    scene.stage.night()
    while len(scene.stage.all_operations()) == 2:
        scene.stage.step_time()
    begin_deletion(scene)
    scene.stage.aurora.fail_next("RestoreDBClusterFromSnapshot", "InvalidParameterValue")
    scene.ends(State.FAILED)
    pasted(scene.stage, line)

    assert friday == scene.ends(State.SUCCEEDED).rerun_of


def test_a_cluster_whose_restore_was_never_confirmed_is_not_replaced_by_older(
    scene: RefusalScene,
) -> None:
    """Aurora began it, and the operation failed before it knew: what stands is seen right before
    the deletion.
    """
    friday, line = failed_on_friday(scene, on_monday="CreateDBInstance")
    scene.stage.store.tables["state"][f"target#{TARGET_ARN}"]["standing"]["clear"] = True
    target = scene.target_ids()
    pasted(scene.stage, line)
    ended = scene.ends(State.FAILED)

    assert ("delete-rds", friday, target) == (ended.failed_step, ended.rerun_of, scene.target_ids())
    assert "which is older." in str(ended.reason)


def test_a_success_that_an_earlier_version_noted_counts_instead_of_an_older_note(
    scene: RefusalScene,
) -> None:
    """A stage may be deployed again as it was before: a success after the note is what stands."""
    _, line = failed_on_friday(scene)
    item = scene.stage.store.tables["state"][f"target#{TARGET_ARN}"]
    item["standing"] = {"since": "2020-01-01T00:00:00+00:00", "clear": True}
    pasted(scene.stage, line)
    scene.stage.deliver()

    assert "which is older." in scene.stage.notices()[-1]["reason"]


def test_what_an_earlier_version_noted_still_counts(scene: RefusalScene) -> None:
    """Its items know successes only: the last one is taken for what stands."""
    _, line = failed_on_friday(scene)
    item = scene.stage.store.tables["state"][f"target#{TARGET_ARN}"]
    del item["standing"]
    pasted(scene.stage, line)
    scene.stage.deliver()

    assert "which is older." in scene.stage.notices()[-1]["reason"]


def test_a_target_whose_item_is_damaged_fails_with_what_to_do(scene: RefusalScene) -> None:
    """The notification names the attribute, and its command works once that is removed."""
    scene.stage.night()
    scene.ends(State.SUCCEEDED)
    item = scene.stage.store.tables["state"][f"target#{TARGET_ARN}"]
    item["standing"] = {"since": "yesterday"}
    scene.stage.put("RestoreRequested", request_id="fresh")
    failed = scene.stage.run_to_the_end()

    assert "its since is 'yesterday', which is no timestamp." in str(failed.reason)
    assert "Remove that attribute." == failed.remedy

    del scene.stage.store.tables["state"][f"target#{TARGET_ARN}"]["standing"]
    pasted(scene.stage, scene.stage.notices()[-1]["text"])

    assert failed.operation_id == scene.ends(State.SUCCEEDED).rerun_of

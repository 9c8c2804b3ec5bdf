"""Trouble that passes is waited out, inside the deadline; nobody has to hear of it."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.database.errors import DatabaseBusyError, DatabaseUnavailableError
from chalicelib.flow.choreography import State
from simulation.in_memory_services import client_error
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION, SimulatedStage
from tests.refusals.denied_calls import DeniedCall, DenyingStage
from tests.refusals.scene import TARGET_ARN, LogOutput, RefusalScene


class TroubledStage(DenyingStage):
    """A stage on which every call of every function fails twice before it is obeyed."""

    code, status = "Throttling", 400

    def check(self, service: str, method: str) -> None:
        """Note a call; raises the trouble at its first two times."""
        call = DeniedCall(self._running, service, method)
        self.times[call] = self.times.get(call, 0) + 1
        if self.times[call] <= 2:
            raise client_error(self.code, "Rate exceeded", method, self.status)

    def __init__(self) -> None:
        self.times: dict[DeniedCall, int] = {}
        super().__init__()


class UnwellStage(TroubledStage):
    """The same, where AWS itself is unwell."""

    code, status = "InternalFailure", 500


def succeeds(scene: RefusalScene) -> bool:
    """Let the night end well, without a warning."""
    return scene.ends(State.SUCCEEDED).warnings == ()


def test_a_night_on_which_every_call_is_throttled_twice_succeeds(logs: LogOutput) -> None:
    """A restore succeeds though each call of each function is throttled twice."""
    stage = TroubledStage()
    stage.staging()
    stage.run(300)
    stage.night()

    assert succeeds(RefusalScene(stage, logs))
    assert len(stage.times) > 35


def test_a_night_on_which_every_call_fails_twice_succeeds(logs: LogOutput) -> None:
    """A restore succeeds though each call meets a server error twice."""
    stage = UnwellStage()
    stage.staging()
    stage.run(300)
    stage.night()

    assert succeeds(RefusalScene(stage, logs))


def test_a_sixth_copy_waits_for_its_turn(scene: RefusalScene) -> None:
    """Five copies may run in a region; which of two quotas was meant is seen by what runs."""
    for number in range(5):
        scene.stage.make_cluster(f"other-{number}", SOURCE_REGION)
        scene.stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
            DBClusterIdentifier=f"other-{number}", DBClusterSnapshotIdentifier=f"other-{number}"
        )
    scene.stage.settle()
    scene.stage.night()
    scene.run_until(State.ACCEPTED)
    for number in range(5):
        scene.stage.rds().copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster-snapshot:other-{number}",
            TargetDBClusterSnapshotIdentifier=f"other-{number}",
        )

    assert succeeds(scene)
    assert len(scene.logs.lines("Waiting: Five copies are running in us-west-2 already.")) > 10


def test_a_target_that_is_backing_up_or_modifying_is_waited_for(scene: RefusalScene) -> None:
    """Nothing is decided while the target's members may change."""
    scene.stage.night()
    scene.run_until(State.SNAPSHOT_READY)
    scene.stage.aurora.take_automated_snapshot(
        "staging-cluster", account=ACCOUNT, region=TARGET_REGION
    )

    assert succeeds(scene)
    assert 1 <= len(scene.logs.lines("Waiting: The target staging-cluster is backing-up."))


def test_a_target_that_begins_a_backup_after_it_was_recorded_is_waited_for(
    scene: RefusalScene,
) -> None:
    """A deletion would be refused until the backup is done."""
    scene.stage.night()
    scene.run_until(State.TARGET_DELETING)
    scene.stage.aurora.take_automated_snapshot(
        "staging-cluster", account=ACCOUNT, region=TARGET_REGION
    )

    assert succeeds(scene)
    assert 1 <= len(scene.logs.lines("Waiting: The old target staging-cluster is backing-up."))


class LateStage(SimulatedStage):
    """A stage on which RDS does not find what it has just begun, for some minutes after a state was
    entered.
    """

    late, method, since, minutes = State.COPYING, "describe_db_cluster_snapshots", "entered_at", 4

    def client(self, service: str, region: str) -> Any:
        """Give a client, changed for the test."""
        client = super().client(service, region)
        operations = self.all_operations()
        if (
            (service, region) != ("rds", TARGET_REGION)
            or not operations
            or operations[0].state is not self.late
        ):
            return client
        if self.clock.now() - getattr(operations[0], self.since) < timedelta(minutes=self.minutes):
            setattr(client, self.method, lambda **_: {"DBClusters": [], "DBClusterSnapshots": []})
        return client


class LateCopyForGood(LateStage):
    """The same, for longer than an answer can be late; the second time it is found at once."""

    since, minutes = "created_at", 6


class LateClusterStage(LateStage):
    """The same of the new cluster."""

    late, method = State.CLUSTER_RESTORING, "describe_db_clusters"


class LateClusterForGood(LateClusterStage):
    """The same, for longer than an answer can be late."""

    minutes = 12


@pytest.mark.parametrize("late", [LateStage, LateClusterStage])
def test_what_is_not_found_for_some_minutes_is_waited_for(
    logs: LogOutput, late: type[LateStage]
) -> None:
    """RDS is eventually consistent: a copy that does not show yet is not begun again."""
    stage = late()
    stage.night()
    operation = RefusalScene(stage, logs).ends(State.SUCCEEDED)

    assert 0 == operation.facts.attempts.copy_failures
    assert (
        logs.lines("Waiting: The copy ")
        if late is LateStage
        else logs.lines("Waiting: The restored cluster ")
    )


def test_a_copy_that_is_not_found_for_longer_is_begun_again(logs: LogOutput) -> None:
    """The copy itself was there all the time, so it is adopted."""
    stage = LateCopyForGood()
    stage.night()

    assert 1 == RefusalScene(stage, logs).ends(State.SUCCEEDED).facts.attempts.copy_failures


def test_a_cluster_that_is_not_found_for_longer_is_missed(logs: LogOutput) -> None:
    """A rerun would begin with the deletion."""
    stage = LateClusterForGood()
    stage.night()
    operation = RefusalScene(stage, logs).fails(at="check-restore-status")

    assert "no cluster now has its name." in str(operation.reason)
    assert "delete-rds" == operation.rerun_from


def test_a_database_that_starts_slowly_and_is_locked_for_a_while_is_waited_for(
    scene: RefusalScene,
) -> None:
    """A server without connections, and then a lock of another session, are waited for."""
    scene.stage.night()
    operation = scene.run_until(State.RESTORED)
    database = scene.stage.data.clusters[str(operation.facts.target.cluster_resource_id)]
    database.trouble = DatabaseUnavailableError(
        "PostgreSQL at staging takes no connections now (SQLSTATE 57P03)."
    )
    scene.stage.run(400)
    database.trouble = DatabaseBusyError(
        "PostgreSQL at staging is in the way of the set-up: a lock."
    )
    scene.stage.run(400)
    database.trouble = None

    assert succeeds(scene)
    assert 1 <= len(scene.logs.lines("Waiting: PostgreSQL at staging is in the way"))


def test_a_password_that_rds_could_not_set_is_set_again(scene: RefusalScene) -> None:
    """The password is set again after a while, since only an event (0067) tells of the failure."""
    scene.stage.night()
    scene.run_until(State.RESTORED)
    scene.stage.aurora.fail_password(TARGET_ARN, "A test asked for this.")

    assert succeeds(scene)
    assert 2 == len(scene.logs.lines("Waiting: Aurora was asked for the new master password."))


def test_a_missing_database_is_not_a_transient_error(scene: RefusalScene) -> None:
    """A database of the master secret that does not exist is refused."""
    scene.put_master_secret(database="shoppe")
    operation = scene.night_fails(at="setup-db-users")

    assert "There is no database shoppe on" in str(operation.reason)
    assert "master secret's field database" in str(operation.remedy)


def test_a_login_of_production_that_the_master_may_not_close_fails_the_operation(
    scene: RefusalScene,
) -> None:
    """Production's password would go on working in the copy: that is not a success."""
    scene.stage.night()
    operation = scene.run_until(State.RESTORED)
    database = scene.stage.data.clusters[str(operation.facts.target.cluster_resource_id)]
    database.roles["shop_app"].alterable = False
    failed = scene.fails(at="setup-db-users")
    expected = "Beware: production's logins and passwords are still open"

    assert "shop_app" in str(failed.reason)
    assert expected in scene.stage.notices()[-1]["text"]


def test_what_nobody_expects_is_tried_again_and_then_fails_with_its_name(
    logs: LogOutput,
) -> None:
    """A bug is logged whole, fails its invocation twice for Lambda's retries and alarms, and ends
    the operation.
    """

    class BuggyStage(DenyingStage):
        def check(self, service: str, method: str) -> None:
            if (self._running, service, method) == (
                "copy-snapshot",
                "rds",
                "copy_db_cluster_snapshot",
            ):
                raise ZeroDivisionError("a bug")

    stage = BuggyStage()
    stage.staging()
    stage.night()
    operation = RefusalScene(stage, logs).fails(at="copy-snapshot")
    expected = "copy-snapshot failed 3 times with ZeroDivisionError, which it does not expect."

    assert expected == operation.reason
    assert ["ZeroDivisionError"] * 2 == [type(failure).__name__ for failure in stage.failures]
    assert 3 == len(logs.lines("A bug in copy-snapshot: ZeroDivisionError."))


def test_an_announcement_that_eventbridge_does_not_take_is_made_again(
    logs: LogOutput,
) -> None:
    """PutEvents may answer well and still not have taken an entry."""

    class RejectingStage(SimulatedStage):
        rejections_left = 3

        def put_event(self, source: str, detail_type: str, detail: dict[str, object]) -> str:
            if self.rejections_left and source.startswith("aurora-restore"):
                self.rejections_left -= 1
                return "lost"
            return super().put_event(source, detail_type, detail)

    stage = RejectingStage()
    stage.staging()
    stage.night()

    assert succeeds(RefusalScene(stage, logs))

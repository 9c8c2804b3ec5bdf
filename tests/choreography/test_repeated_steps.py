"""A step of a success is done again on its cluster, as after a rotated secret.

Nothing else happens to it.
"""

import json
from typing import Any

import pytest

from chalicelib.aws.rds import ClusterSettings
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.operation import Operation
from chalicelib.flow.text_limits import NAMES_MAX
from simulation.in_memory_database import InMemoryRole
from simulation.stage import (
    ACCOUNT,
    APP,
    APP_SECRET,
    MASTER_SECRET,
    PRODUCTION_PASSWORD,
    TARGET_REGION,
)
from tests.choreography.fault_injection import CallFault, FunctionCall, raised, refused
from tests.choreography.requests import remove_target, target
from tests.choreography.run_night import FaultyStage
from tests.refusals.remedies import go_on
from tests.refusals.scene import is_sentence

ROTATED = {
    **APP,
    "app_password": "rotated-application-1",
    "readonly_password": "rotated-readonly-1",
}
NEW_MASTER = "Rotated-master-1"
MAKES_OR_DELETES = (
    "restore_db_cluster_from_snapshot",
    "create_db_instance",
    "copy_db_cluster_snapshot",
    "delete_db_cluster",
    "delete_db_instance",
    "delete_db_cluster_snapshot",
)


def rotate(stage: FaultyStage, secret_id: str, **changes: str) -> None:
    """Give fields of a secret other values."""
    value = json.loads(stage.secrets._values[secret_id]) | changes
    stage.secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(value))


def rotate_both(stage: FaultyStage) -> None:
    """Give the master and both users other passwords, as a rotation does."""
    rotate(stage, MASTER_SECRET, password=NEW_MASTER)
    rotate(stage, APP_SECRET, **ROTATED)


def users_again(stage: FaultyStage, **detail: Any) -> Operation:
    """Ask for the users of the last success to be set up again, and let that end."""
    stage.request(
        "RestoreRequested", **{"rerun_of": "last", "from_step": "setup-db-users", **detail}
    )
    stage.run_to_the_end()
    return stage.all_operations()[-1]


def passwords(stage: FaultyStage) -> dict[str, str | None]:
    """List what opens the target, by login."""
    roles = stage.cluster_at(target(stage)["Endpoint"]).roles
    return {name: role.password for name, role in roles.items() if role.can_login and role.password}


def test_users_are_set_up_again_after_a_rotation(stage: FaultyStage) -> None:
    """The new passwords work and the old ones do not, on the same cluster.

    Nothing is made, deleted or put away.
    """
    done = stage.run_night()
    made, told = stage.calls_of(*MAKES_OR_DELETES), len(stage.notices())
    archived = stage.calls_of("add_tags_to_resource")
    rotate_both(stage)
    ended = users_again(stage)
    (notice,) = stage.notices()[told:]

    assert "SUCCEEDED" == ended.state
    assert done.operation_id == ended.rerun_of
    assert done.facts.target.cluster_resource_id == target(stage)["DbClusterResourceId"]
    assert ["RESTORED", "USERS_READY"] == stage.path()[:2]
    assert {
        APP["app_username"]: ROTATED["app_password"],
        APP["readonly_username"]: ROTATED["readonly_password"],
        ended.facts.snapshot.master_username: NEW_MASTER,
    } == passwords(stage)
    assert made == stage.calls_of(*MAKES_OR_DELETES)
    assert archived == stage.calls_of("add_tags_to_resource")
    assert "end" == notice["kind"]
    assert "SUCCEEDED" == notice["outcome"]
    assert notice["keeps_cluster"] is True
    assert notice["text"].startswith(
        f"The users were set up again on {ended.plan.target_cluster_arn}. The cluster was not "
        "replaced."
    )
    assert [] == stage.broken_promises()


def test_users_set_up_again_make_nothing_fresher(stage: FaultyStage) -> None:
    """The data is as old as it was; the doctor reads when the secrets were last put into use."""
    done = stage.run_night()
    before = stage.target()
    stage.run(3600)
    ended = users_again(stage)
    after = stage.target()

    assert before.last_success_snapshot_at == after.last_success_snapshot_at
    assert before.expected_durations == after.expected_durations
    assert ended.operation_id == after.last_success_operation
    assert ended.ended_at == after.last_success_at
    assert done.facts.snapshot.created_at == ended.facts.snapshot.created_at


def test_users_are_set_up_again_as_often_as_secrets_are_rotated(stage: FaultyStage) -> None:
    """The last success is then the one before; what it kept of the first is known."""
    stage.run_night()
    first = users_again(stage)
    rotate_both(stage)
    second = users_again(stage)

    assert first.operation_id == second.rerun_of
    assert first.root_id == second.root_id
    assert State.SUCCEEDED == second.state
    assert ROTATED["app_password"] == passwords(stage)[APP["app_username"]]


def test_the_same_rotation_asked_for_twice_is_one(stage: FaultyStage) -> None:
    """A repeated request is one operation, even when the last success has changed meanwhile."""
    stage.run_night()
    users_again(stage, request_id="rotation-1")
    count = len(stage.all_operations())
    stage.request(
        "RestoreRequested", rerun_of="last", from_step="setup-db-users", request_id="rotation-1"
    )

    assert count == len(stage.all_operations())
    assert "was made before" in stage.notices()[-1]["reason"]


@pytest.mark.parametrize(
    "step", [None, "snapshot-check", "copy-snapshot", "delete-rds", "restore-snapshot"]
)
def test_no_other_step_of_a_success_is_done_again(stage: FaultyStage, step: str | None) -> None:
    """Steps that make or delete are refused, and the remedy says what can be asked for."""
    stage.run_night()
    stage.request("RestoreRequested", rerun_of="last", **({"from_step": step} if step else {}))
    notice = stage.notices()[-1]

    assert (1, "refused") == (len(stage.all_operations()), notice["kind"])
    assert "ask with from_step setup-db-users." in notice["remedy"]


def test_there_is_no_last_success_before_the_first(stage: FaultyStage) -> None:
    """A repeat before the first success is refused with the reason."""
    stage.request("RestoreRequested", rerun_of="last", from_step="setup-db-users")

    assert ["refused"] == [notice["kind"] for notice in stage.notices()]
    assert stage.notices()[0]["reason"].endswith("has succeeded yet.")


@pytest.mark.parametrize("detail", [{"plan": "none-such"}, {"snapshot_identifier": "one"}])
def test_the_last_success_of_something_missing_is_refused(
    stage: FaultyStage, detail: dict[str, str]
) -> None:
    """A plan may be named with it, a snapshot may not."""
    stage.run_night()
    stage.request("RestoreRequested", rerun_of="last", from_step="setup-db-users", **detail)

    assert (1, "refused") == (len(stage.all_operations()), stage.notices()[-1]["kind"])


def test_another_cluster_under_the_name_is_left_alone(stage: FaultyStage) -> None:
    """The resource id is compared before a password is set, so even our tag does not help."""
    stage.run_night()
    remove_target(stage)
    stage.staging()
    stands = target(stage)["DbClusterResourceId"]
    before = stage.calls_of("modify_db_cluster")
    ended = users_again(stage)

    assert State.FAILED == ended.state
    assert "setup-db-users" == ended.failed_step
    assert stands == target(stage)["DbClusterResourceId"]
    assert before == stage.calls_of("modify_db_cluster")
    assert "no longer exists" in str(ended.reason)


@pytest.mark.parametrize(
    ("secret_id", "changes"),
    [
        (APP_SECRET, {"app_username": ""}),
        (APP_SECRET, {"app_username": "rds_x"}),
        (MASTER_SECRET, {"username": "other"}),
    ],
)
def test_secrets_that_would_be_refused_change_nothing(
    stage: FaultyStage, secret_id: str, changes: dict[str, str]
) -> None:
    """People go on working with the old ones until the secret is mended; then a rerun is enough."""
    stage.run_night()
    good, before, asked = (
        dict(stage.secrets._values),
        passwords(stage),
        stage.calls_of("modify_db_cluster"),
    )
    rotate(stage, secret_id, **changes)
    failed = users_again(stage)

    assert State.FAILED == failed.state
    assert before == passwords(stage)
    assert asked == stage.calls_of("modify_db_cluster")
    assert is_sentence(failed.reason)

    stage.secrets._values = good
    rotate(stage, APP_SECRET, **ROTATED)
    stage.environment["INSTANCE_COUNT"] = "1"  # which a restore would make of it
    stage.request("RestoreRequested", rerun_of=failed.operation_id)
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert failed.operation_id == stage.all_operations()[-1].rerun_of
    assert 2 == len(target(stage)["DBClusterMembers"])
    assert ended
    assert [] == stage.calls_of("delete_db_instance")[2:]


def test_a_request_while_users_are_set_up_is_skipped(stage: FaultyStage) -> None:
    """A repeated set-up locks the target as every operation does."""
    stage.run_night()
    stage.request("RestoreRequested", rerun_of="last", from_step="setup-db-users")
    stage.request("RestoreRequested", request_id="meanwhile")
    stage.run_to_the_end()
    found = [operation.state for operation in stage.all_operations()]

    assert [State.SUCCEEDED, State.SUCCEEDED, State.SKIPPED] == found


def test_a_copy_that_could_not_be_archived_is_archived_later(stage: FaultyStage) -> None:
    """The warning of a good restore; the users stay as they are."""
    stage.inject(refused("AccessDenied", 403), call="rds.add_tags_to_resource", state="TARGET_OPEN")
    warned = stage.run_night()
    before = passwords(stage)
    ended = users_again(stage, from_step="archive-snapshot")

    assert warned.facts.copies.archived is None
    assert ended.facts.copies.archived is True
    assert ["TARGET_OPEN", "ARCHIVED", "SUCCEEDED"] == stage.path()
    assert (before, ()) == (passwords(stage), ended.warnings)
    assert stage.notices()[-1]["text"].startswith("archive-snapshot ran again for ")
    assert "found to stop" not in stage.notices()[-1]["text"]


def test_a_rerun_of_a_skipped_operation_restores_nothing(stage: FaultyStage) -> None:
    """A rerun of a skipped repeat keeps the cluster, as the repeat would have."""
    stage.run_night()
    made = stage.calls_of(*MAKES_OR_DELETES)
    stage.request(
        "RestoreRequested", rerun_of="last", from_step="setup-db-users", request_id="first"
    )
    stage.request(
        "RestoreRequested",
        rerun_of=stage.all_operations()[0].operation_id,
        from_step="setup-db-users",
        request_id="second",
    )
    stage.run_to_the_end()
    skipped = next(
        operation for operation in stage.all_operations() if operation.state is State.SKIPPED
    )
    stage.request("RestoreRequested", rerun_of=skipped.operation_id)
    stage.run_to_the_end()

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert made == stage.calls_of(*MAKES_OR_DELETES)


REFUSED = raised(RefusedError("User app_user is a member of x.", "Name another user."))


def open_login(stage: FaultyStage, *names: str) -> dict[str, InMemoryRole]:
    """Have people make logins on the target; gives all its roles."""
    roles = stage.cluster_at(target(stage)["Endpoint"]).roles
    roles.update({name: InMemoryRole("of-their-own") for name in names})
    return roles


def test_the_application_logs_in_while_its_new_password_cannot_be_set(stage: FaultyStage) -> None:
    """The old passwords of the two users work until the new ones do."""
    stage.run_night()
    before = passwords(stage)
    rotate(stage, APP_SECRET, **ROTATED)
    stage.inject(REFUSED, call="postgresql.ensure_users")
    failed = users_again(stage)

    assert (State.FAILED, before) == (failed.state, passwords(stage))


def test_users_that_cannot_be_read_at_the_last_moment_close_nothing(stage: FaultyStage) -> None:
    """The application's secret was good a moment ago, when all was looked at."""
    stage.run_night()
    before = passwords(stage)
    proofs = CallFault(
        FunctionCall("setup-db-users", "RESTORED", "postgresql", "enter_as_master"),
        lambda: rotate(stage, APP_SECRET, app_username=""),
        times=9,
    )
    stage.call_faults.append(proofs)
    failed = users_again(stage)

    assert (State.FAILED, before) == (failed.state, passwords(stage))


def test_a_login_of_production_that_was_kept_is_not_taken_for_ours() -> None:
    """A login with production's password is closed before it becomes a user."""
    stage = FaultyStage({"KEEP_LOGIN_ROLES": "shop_app"})
    stage.run_night()
    stage.environment.pop("KEEP_LOGIN_ROLES")
    rotate(stage, APP_SECRET, app_username="shop_app")
    stage.inject(REFUSED, call="postgresql.ensure_users")
    failed = users_again(stage)

    assert (State.FAILED, ("shop_app",)) == (failed.state, failed.facts.users.logins_closed)
    assert "shop_app" not in passwords(stage)


def test_a_login_of_production_that_was_closed_becomes_no_user_later(stage: FaultyStage) -> None:
    """Nothing tells any more whether the secret has its password of production.

    The cluster stays as it is.
    """
    done = stage.run_night()
    before = passwords(stage)
    rotate(stage, APP_SECRET, app_username="shop_app", app_password=PRODUCTION_PASSWORD)
    failed = users_again(stage)
    expected = f"User shop_app of the secret {APP_SECRET} may be a login of production's"

    assert ("shop_app",) == done.facts.users.logins_closed
    assert (State.FAILED, before) == (failed.state, passwords(stage))
    assert expected in (failed.reason or "")


def test_a_login_that_was_kept_keeps_no_password_of_productions_as_a_user() -> None:
    """A kept login can log in, so its password is tried."""
    stage = FaultyStage({"KEEP_LOGIN_ROLES": "shop_app"})
    stage.run_night()
    rotate(stage, APP_SECRET, app_username="shop_app", app_password=PRODUCTION_PASSWORD)
    failed = users_again(stage)
    expected = f"The secret {APP_SECRET} holds the password that shop_app has in production."

    assert expected == failed.reason


def test_a_check_that_is_no_longer_possible_is_reported(stage: FaultyStage) -> None:
    """A notice of users that were set up again claims nothing about passwords that it could not
    try.
    """
    stage.run_night()
    rotate_both(stage)
    users_again(stage)
    text = stage.notices()[-1]["text"]

    assert "was tried when this cluster was restored, and cannot be tried any more." in text
    assert "worked on the copy for at most" not in text


def test_what_the_restore_did_is_not_told_again(stage: FaultyStage) -> None:
    """Facts, event, notice and trail of users that were set up again have what this run did."""
    next(iter(stage.data.clusters.values())).active["subscriptions"] = 1
    done = stage.run_night()
    ended = users_again(stage)
    notice = stage.notices()[-1]
    trail = {row["to_state"]: row["what"] for row in stage.trail(ended.operation_id)}

    assert {"subscriptions": 1} == done.facts.users.quieted
    assert ({}, None) == (ended.facts.users.quieted, notice["exposure_seconds_max"])
    assert "nothing was found to stop" in notice["text"]
    assert "nothing was found to stop" in trail["USERS_READY"]
    assert "worked on the copy" not in trail["USERS_READY"]
    assert trail["USERS_READY"].startswith(
        "closed: 0 logins of production; closed before this run: 1 login; "
    )
    assert "staging-cluster is the target, as before" == trail["TARGET_OPEN"]


def trail_of_rerun(stage: FaultyStage, refused_call: str) -> list[str]:
    """Let a night fail at a refused call and a rerun succeed; gives what the rerun's trail says."""
    stage.inject(REFUSED, call=refused_call)
    failed = stage.run_night()
    stage.call_faults.clear()
    stage.request("RestoreRequested", rerun_of=failed.operation_id)
    ended = stage.run_to_the_end()

    assert (State.FAILED, State.SUCCEEDED) == (failed.state, ended.state)
    return [row["what"] for row in stage.trail(ended.operation_id)]


def test_a_rerun_says_which_logins_it_closed_itself(stage: FaultyStage) -> None:
    """Those of production were closed by the operation that failed after that."""
    told = trail_of_rerun(stage, "postgresql.ensure_users")

    assert ["closed: 0 logins of production; closed before this run: 1 login"] == [
        ";".join(what.split(";")[:2]) for what in told if what.startswith("closed: ")
    ]


def test_a_rerun_closes_the_logins_that_an_operation_could_not(stage: FaultyStage) -> None:
    """They were listed and stayed open, so the rerun is what closes them."""
    told = trail_of_rerun(stage, "postgresql.revoke_production_logins")

    assert any(what.startswith("closed: 1 login of production; ") for what in told)
    assert not any("before this run" in what for what in told)


def test_users_set_up_again_where_nothing_was_copied_say_nothing_of_a_restore() -> None:
    """The source is in the target's region, so the restore made no copy."""
    stage = FaultyStage({"SOURCE_REGION": TARGET_REGION, "SOURCE_CLUSTER_ID": "near-cluster"})
    stage.make_cluster("near-cluster", TARGET_REGION, encrypted=True)
    stage.aurora.take_automated_snapshot("near-cluster", account=ACCOUNT, region=TARGET_REGION)
    stage.run_to_the_end()
    ended = users_again(stage)
    trail = {row["to_state"]: row["what"] for row in stage.trail(ended.operation_id)}

    assert State.SUCCEEDED is ended.state
    assert "nothing was restored, so there is no copy to archive" == trail["ARCHIVED"]


def test_logins_that_people_opened_are_closed_and_named(stage: FaultyStage) -> None:
    """Facts, notice and trail name the logins that people opened, apart from production's."""
    done = stage.run_night()
    roles = open_login(stage, "bob", "alice")
    ended = users_again(stage)
    told = "ther logins closed: alice, bob"

    assert ("alice", "bob") == ended.facts.users.other_logins_closed
    assert 2 == ended.facts.users.other_logins_closed_count
    assert done.facts.users.logins_closed == ended.facts.users.logins_closed
    assert [False, False] == [roles[name].can_login for name in ("alice", "bob")]
    assert told in stage.notices()[-1]["text"]
    assert any(told in row["what"] for row in stage.trail(ended.operation_id))


def test_logins_that_were_closed_are_named_when_it_fails(stage: FaultyStage) -> None:
    """The failure names the closed logins, and the next success does not."""
    stage.run_night()
    open_login(stage, "alice")
    stage.inject(REFUSED, call="postgresql.ensure_users")
    failed = users_again(stage)
    told = stage.notices()[-1]["text"]
    stage.call_faults.clear()
    stage.request("RestoreRequested", rerun_of=failed.operation_id)
    ended = stage.run_to_the_end()

    assert (State.FAILED, True) == (failed.state, "Other logins closed: alice. " in told)
    assert (State.SUCCEEDED, ()) == (ended.state, ended.facts.users.other_logins_closed)


def test_many_logins_that_people_opened_are_counted(stage: FaultyStage) -> None:
    """The record has the first of them, the trail all."""
    stage.run_night()
    names = [f"guest_{number:03d}" for number in range(NAMES_MAX + 10)]
    open_login(stage, *names)
    ended = users_again(stage)
    rows = stage.trail(ended.operation_id)
    in_trail = [name for row in rows for name in row.get("names", [])]

    assert tuple(names[:NAMES_MAX]) == ended.facts.users.other_logins_closed
    assert len(names) == ended.facts.users.other_logins_closed_count
    assert names == in_trail


def replaced(stage: FaultyStage) -> Operation:
    """Have a newer snapshot restored, six hours later."""
    stage.run(6 * 3600)
    return stage.run_night()


def test_a_cluster_that_a_newer_restore_replaced_is_reported_as_replaced(
    stage: FaultyStage,
) -> None:
    """A repeat of an older success is refused; its command sets up the newer one's users."""
    older = stage.run_night()
    newer = replaced(stage)
    rotate_both(stage)
    made = stage.calls_of(*MAKES_OR_DELETES)
    users_again(stage, rerun_of=older.operation_id)
    notice = stage.notices()[-1]
    go_on(stage, notice["text"])
    ended = stage.run_to_the_end()

    assert ("refused", True) == (notice["kind"], newer.operation_id in notice["reason"])
    assert State.SUCCEEDED == ended.state
    assert newer.operation_id == ended.rerun_of
    assert made == stage.calls_of(*MAKES_OR_DELETES)
    assert ROTATED["app_password"] == passwords(stage)[APP["app_username"]]


def test_an_older_command_after_a_newer_restore_refers_to_the_new_cluster(
    stage: FaultyStage,
) -> None:
    """A command printed before a newer restore is answered with the newer cluster's."""
    stage.run_night()
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    users_again(stage)
    command = stage.notices()[-1]["text"]
    newer = replaced(stage)
    go_on(stage, command)
    stage.deliver()
    notice = stage.notices()[-1]
    go_on(stage, notice["text"])
    ended = stage.run_to_the_end()

    assert ("refused", True) == (notice["kind"], "setup-db-users" in notice["remedy"])
    assert (State.SUCCEEDED, newer.operation_id) == (ended.state, ended.rerun_of)


def test_the_copy_of_a_replaced_cluster_refers_to_the_copy_of_the_newer_one(
    stage: FaultyStage,
) -> None:
    """The step that was asked for is the one of the command."""
    older = stage.run_night()
    newer = replaced(stage)
    users_again(stage, rerun_of=older.operation_id, from_step="archive-snapshot")
    notice = stage.notices()[-1]
    go_on(stage, notice["text"])
    ended = stage.run_to_the_end()

    assert ("refused", True) == (notice["kind"], "archive-snapshot" in notice["remedy"])
    assert (State.SUCCEEDED, newer.operation_id) == (ended.state, ended.rerun_of)
    assert "TARGET_OPEN" == stage.path()[0]


def test_a_cluster_that_a_failed_restore_replaced_is_restored_anew(stage: FaultyStage) -> None:
    """A cluster without a success leads to a command that restores the newest snapshot."""
    stage.run_night()
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    newer = replaced(stage)
    failed = users_again(stage)
    go_on(stage, stage.notices()[-1]["text"])
    ended = stage.run_to_the_end()

    assert (State.FAILED, State.FAILED) == (newer.state, failed.state)
    assert "no longer exists" in (failed.reason or "")
    assert (State.SUCCEEDED, newer.facts.snapshot.arn) == (ended.state, ended.facts.snapshot.arn)


CHANGES: tuple[dict[str, Any], ...] = (
    {"DeletionProtection": True, "BackupRetentionPeriod": 14},
    {"VpcSecurityGroupIds": ["sg-other"]},
)


def change_cluster(stage: FaultyStage, change: dict[str, Any]) -> ClusterSettings:
    """Have people change the cluster that stands, and read what it is then."""
    stage.network.groups["sg-other"] = f"vpc-{TARGET_REGION}-default"
    stage.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", ApplyImmediately=True, **change
    )
    stage.settle()
    return settings_of(stage)


@pytest.mark.parametrize("change", CHANGES)
def test_what_people_changed_on_the_cluster_stays(
    stage: FaultyStage, change: dict[str, Any]
) -> None:
    """Setting up users again asks for a password and for nothing else, and succeeds."""
    stage.run_night()
    changed = change_cluster(stage, change)
    modified = len(stage.calls_of("modify_db_cluster"))
    rotate_both(stage)
    ended = users_again(stage)
    asked = [set(call.parameters) for call in stage.calls_of("modify_db_cluster")[modified:]]

    assert (State.SUCCEEDED, changed, ()) == (ended.state, settings_of(stage), ended.warnings)
    assert [{"DBClusterIdentifier", "ApplyImmediately", "MasterUserPassword"}] == asked


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_archived_later_whatever_people_changed(
    stage: FaultyStage, change: dict[str, Any]
) -> None:
    """The cluster's settings are not judged once more."""
    stage.inject(refused("AccessDenied", 403), call="rds.add_tags_to_resource", state="TARGET_OPEN")
    stage.run_night()
    changed = change_cluster(stage, change)
    ended = users_again(stage, from_step="archive-snapshot")

    assert State.SUCCEEDED == ended.state
    assert ended.facts.copies.archived is True
    assert changed == settings_of(stage)


def settings_of(stage: FaultyStage) -> ClusterSettings:
    """Read what of the target a plan says."""
    return ClusterSettings.of(target(stage))

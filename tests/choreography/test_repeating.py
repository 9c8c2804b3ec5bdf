"""A step of a success is done again on its cluster, as after a rotated secret.

Nothing else happens to it.
"""

import json
from typing import Any

import pytest

from chalicelib.aws.rds import ClusterSettings
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.limits import NAMES_MAX
from chalicelib.flow.operation import Operation
from simulation.in_memory_database import InMemoryRole
from simulation.stage import APP, APP_SECRET, MASTER_SECRET, PRODUCTION_PASSWORD, TARGET_REGION
from tests.choreography.fault_injection import Accident, Call, raised, refused
from tests.choreography.requests import remove_target, target
from tests.choreography.run_night import Night
from tests.refusals.following import go_on
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


def rotate(night: Night, secret_id: str, **changes: str) -> None:
    """Give fields of a secret other values."""
    value = json.loads(night.secrets._values[secret_id]) | changes
    night.secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(value))


def rotate_both(night: Night) -> None:
    """Give the master and both users other passwords, as a rotation does."""
    rotate(night, MASTER_SECRET, password=NEW_MASTER)
    rotate(night, APP_SECRET, **ROTATED)


def users_again(night: Night, **detail: Any) -> Operation:
    """Ask for the users of the last success to be set up again, and let that end."""
    night.request(
        "RestoreRequested", **{"rerun_of": "last", "from_step": "setup-db-users", **detail}
    )
    night.run_to_the_end()
    return night.all_operations()[-1]


def passwords(night: Night) -> dict[str, str | None]:
    """List what opens the target, by login."""
    roles = night.cluster_at(target(night)["Endpoint"]).roles
    return {name: role.password for name, role in roles.items() if role.can_login and role.password}


def test_users_are_set_up_again_after_a_rotation(night: Night) -> None:
    """The new passwords work and the old ones do not, on the same cluster.

    Nothing is made, deleted or put away.
    """
    done = night.dream()
    made, told = night.calls_of(*MAKES_OR_DELETES), len(night.notices())
    archived = night.calls_of("add_tags_to_resource")
    rotate_both(night)
    ended = users_again(night)
    (notice,) = night.notices()[told:]

    assert (
        "SUCCEEDED",
        done.operation_id,
        done.facts.target.cluster_resource_id,
        ["RESTORED", "USERS_READY"],
    ) == (ended.state, ended.rerun_of, target(night)["DbClusterResourceId"], night.path()[:2])
    assert {
        APP["app_username"]: ROTATED["app_password"],
        APP["readonly_username"]: ROTATED["readonly_password"],
        ended.facts.snapshot.master_username: NEW_MASTER,
    } == passwords(night)
    assert (made, archived) == (
        night.calls_of(*MAKES_OR_DELETES),
        night.calls_of("add_tags_to_resource"),
    )
    assert ("end", "SUCCEEDED", True) == (
        notice["kind"],
        notice["outcome"],
        notice["keeps_cluster"],
    )
    assert notice["text"].startswith(
        f"Doing setup-db-users again for {ended.plan.target_cluster_arn} succeeded"
    )
    assert [] == night.broken_promises()


def test_users_set_up_again_make_nothing_fresher(night: Night) -> None:
    """The data is as old as it was; the doctor reads when the secrets were last put into use."""
    done = night.dream()
    before = night.target()
    night.run(3600)
    ended = users_again(night)
    after = night.target()

    assert (before.last_success_snapshot_at, before.expected_durations) == (
        after.last_success_snapshot_at,
        after.expected_durations,
    )
    assert (ended.operation_id, ended.ended_at) == (
        after.last_success_operation,
        after.last_success_at,
    )
    assert done.facts.snapshot.created_at == ended.facts.snapshot.created_at


def test_users_are_set_up_again_as_often_as_secrets_are_rotated(night: Night) -> None:
    """The last success is then the one before; what it kept of the first is known."""
    night.dream()
    first = users_again(night)
    rotate_both(night)
    second = users_again(night)

    assert (first.operation_id, first.root_id, State.SUCCEEDED) == (
        second.rerun_of,
        second.root_id,
        second.state,
    )
    assert ROTATED["app_password"] == passwords(night)[APP["app_username"]]


def test_the_same_rotation_asked_for_twice_is_one(night: Night) -> None:
    """Though the last success is another operation by then."""
    night.dream()
    users_again(night, request_id="rotation-1")
    count = len(night.all_operations())
    night.request(
        "RestoreRequested", rerun_of="last", from_step="setup-db-users", request_id="rotation-1"
    )

    assert (count, True) == (
        len(night.all_operations()),
        "was made before" in night.notices()[-1]["reason"],
    )


@pytest.mark.parametrize(
    "step", [None, "snapshot-check", "copy-snapshot", "delete-rds", "restore-snapshot"]
)
def test_no_other_step_of_a_success_is_done_again(night: Night, step: str | None) -> None:
    """They would make or delete; the remedy says what can be asked for."""
    night.dream()
    night.request("RestoreRequested", rerun_of="last", **({"from_step": step} if step else {}))
    notice = night.notices()[-1]

    assert (1, "refused") == (len(night.all_operations()), notice["kind"])
    assert "ask with from_step setup-db-users." in notice["remedy"]


def test_there_is_no_last_success_before_the_first(night: Night) -> None:
    """Who asks is told."""
    night.request("RestoreRequested", rerun_of="last", from_step="setup-db-users")

    assert ["refused"] == [notice["kind"] for notice in night.notices()]
    assert night.notices()[0]["reason"].endswith("has succeeded yet.")


@pytest.mark.parametrize("detail", [{"plan": "none-such"}, {"snapshot_identifier": "one"}])
def test_the_last_of_what_is_not_there_is_refused(night: Night, detail: dict[str, str]) -> None:
    """A plan may be named with it, a snapshot may not."""
    night.dream()
    night.request("RestoreRequested", rerun_of="last", from_step="setup-db-users", **detail)

    assert (1, "refused") == (len(night.all_operations()), night.notices()[-1]["kind"])


def test_another_cluster_under_the_name_is_left_alone(night: Night) -> None:
    """Also when it carries our tag: the resource id decides, before any password is set."""
    night.dream()
    remove_target(night)
    night.staging()
    stands = target(night)["DbClusterResourceId"]
    before = night.calls_of("modify_db_cluster")
    ended = users_again(night)

    assert (State.FAILED, "setup-db-users", stands, before) == (
        ended.state,
        ended.failed_step,
        target(night)["DbClusterResourceId"],
        night.calls_of("modify_db_cluster"),
    )
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
    night: Night, secret_id: str, changes: dict[str, str]
) -> None:
    """People go on working with the old ones until the secret is mended; then a rerun is enough."""
    night.dream()
    good, before, asked = (
        dict(night.secrets._values),
        passwords(night),
        night.calls_of("modify_db_cluster"),
    )
    rotate(night, secret_id, **changes)
    failed = users_again(night)

    assert (State.FAILED, before, asked) == (
        failed.state,
        passwords(night),
        night.calls_of("modify_db_cluster"),
    )
    assert is_sentence(failed.reason)

    night.secrets._values = good
    rotate(night, APP_SECRET, **ROTATED)
    night.environment["INSTANCE_COUNT"] = "1"  # which a restore would make of it
    night.request("RestoreRequested", rerun_of=failed.operation_id)
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, failed.operation_id, 2) == (
        night.all_operations()[-1].state,
        night.all_operations()[-1].rerun_of,
        len(target(night)["DBClusterMembers"]),
    )
    assert ended
    assert [] == night.calls_of("delete_db_instance")[2:]


def test_what_is_asked_for_while_users_are_set_up_is_skipped(night: Night) -> None:
    """It holds the target as every operation does."""
    night.dream()
    night.request("RestoreRequested", rerun_of="last", from_step="setup-db-users")
    night.request("RestoreRequested", request_id="meanwhile")
    night.run_to_the_end()

    assert [State.SUCCEEDED, State.SUCCEEDED, State.SKIPPED] == [
        one.state for one in night.all_operations()
    ]


def test_a_copy_that_could_not_be_put_away_is_put_away_later(night: Night) -> None:
    """The warning of a good restore; the users stay as they are."""
    night.hurt(refused("AccessDenied", 403), call="rds.add_tags_to_resource", state="USERS_READY")
    warned = night.dream()
    before = passwords(night)
    ended = users_again(night, from_step="archive-snapshot")

    assert (None, True, ["USERS_READY", "ARCHIVED", "SUCCEEDED"]) == (
        warned.facts.copies.archived,
        ended.facts.copies.archived,
        night.path(),
    )
    assert (before, ()) == (passwords(night), ended.warnings)


def test_a_skipped_one_run_again_restores_nothing(night: Night) -> None:
    """It was to keep the cluster, and so does its rerun."""
    night.dream()
    made = night.calls_of(*MAKES_OR_DELETES)
    night.request(
        "RestoreRequested", rerun_of="last", from_step="setup-db-users", request_id="first"
    )
    night.request(
        "RestoreRequested",
        rerun_of=night.all_operations()[0].operation_id,
        from_step="setup-db-users",
        request_id="second",
    )
    night.run_to_the_end()
    skipped = next(one for one in night.all_operations() if one.state is State.SKIPPED)
    night.request("RestoreRequested", rerun_of=skipped.operation_id)
    night.run_to_the_end()

    assert (State.SUCCEEDED, made) == (
        night.all_operations()[-1].state,
        night.calls_of(*MAKES_OR_DELETES),
    )


REFUSED = raised(RefusedError("User app_user is a member of x.", "Name another user."))


def open_login(night: Night, *names: str) -> dict[str, InMemoryRole]:
    """Have people make logins on the target; gives all its roles."""
    roles = night.cluster_at(target(night)["Endpoint"]).roles
    roles.update({name: InMemoryRole("of-their-own") for name in names})
    return roles


def test_the_application_logs_in_while_its_new_password_cannot_be_set(night: Night) -> None:
    """The old passwords of the two users work until the new ones do."""
    night.dream()
    before = passwords(night)
    rotate(night, APP_SECRET, **ROTATED)
    night.hurt(REFUSED, call="postgresql.ensure_users")
    failed = users_again(night)

    assert (State.FAILED, before) == (failed.state, passwords(night))


def test_users_that_cannot_be_read_at_the_last_moment_close_nothing(night: Night) -> None:
    """The application's secret was good a moment ago, when all was looked at."""
    night.dream()
    before = passwords(night)
    proofs = Accident(
        Call("setup-db-users", "RESTORED", "postgresql", "enter_as_master"),
        lambda: rotate(night, APP_SECRET, app_username=""),
        times=9,
    )
    night.accidents.append(proofs)
    failed = users_again(night)

    assert (State.FAILED, before) == (failed.state, passwords(night))


def test_a_login_of_production_that_was_kept_is_not_taken_for_ours() -> None:
    """It has production's password: it is closed like the others before it becomes a user."""
    night = Night({"KEEP_LOGIN_ROLES": "shop_app"})
    night.dream()
    night.environment.pop("KEEP_LOGIN_ROLES")
    rotate(night, APP_SECRET, app_username="shop_app")
    night.hurt(REFUSED, call="postgresql.ensure_users")
    failed = users_again(night)

    assert (State.FAILED, ("shop_app",)) == (failed.state, failed.facts.users.logins_closed)
    assert "shop_app" not in passwords(night)


def test_a_login_of_production_that_was_closed_becomes_no_user_later(night: Night) -> None:
    """Nothing tells any more whether the secret has its password of production.

    The cluster stays as it is.
    """
    done = night.dream()
    before = passwords(night)
    rotate(night, APP_SECRET, app_username="shop_app", app_password=PRODUCTION_PASSWORD)
    failed = users_again(night)

    assert ("shop_app",) == done.facts.users.logins_closed
    assert (State.FAILED, before) == (failed.state, passwords(night))
    assert f"User shop_app of the secret {APP_SECRET} may be a login of production's" in (
        failed.reason or ""
    )


def test_a_login_that_was_kept_keeps_no_password_of_productions_as_a_user() -> None:
    """It can still log in, so its password can be tried."""
    night = Night({"KEEP_LOGIN_ROLES": "shop_app"})
    night.dream()
    rotate(night, APP_SECRET, app_username="shop_app", app_password=PRODUCTION_PASSWORD)
    failed = users_again(night)

    assert (
        f"The secret {APP_SECRET} holds the password that shop_app has in production."
        == failed.reason
    )


def test_what_cannot_be_tried_any_more_is_said(night: Night) -> None:
    """A notice of users that were set up again claims nothing about passwords that it could not
    try.
    """
    night.dream()
    rotate_both(night)
    users_again(night)
    text = night.notices()[-1]["text"]

    assert "was tried when this cluster was restored, and cannot be tried any more." in text
    assert "could open the copy for at most" not in text


def test_logins_that_people_opened_are_closed_and_named(night: Night) -> None:
    """In the facts, in the notice and in the trail; production's are counted as before."""
    done = night.dream()
    roles = open_login(night, "bob", "alice")
    ended = users_again(night)
    told = "ther logins closed: alice, bob"

    assert (("alice", "bob"), 2, done.facts.users.logins_closed) == (
        ended.facts.users.other_logins_closed,
        ended.facts.users.other_logins_closed_count,
        ended.facts.users.logins_closed,
    )
    assert [False, False] == [roles[name].can_login for name in ("alice", "bob")]
    assert told in night.notices()[-1]["text"]
    assert any(told in row["what"] for row in night.trail(ended.operation_id))


def test_logins_that_were_closed_are_named_when_it_fails(night: Night) -> None:
    """Whoever opened them learns it; the next success is not about them any more."""
    night.dream()
    open_login(night, "alice")
    night.hurt(REFUSED, call="postgresql.ensure_users")
    failed = users_again(night)
    told = night.notices()[-1]["text"]
    night.accidents.clear()
    night.request("RestoreRequested", rerun_of=failed.operation_id)
    ended = night.run_to_the_end()

    assert (State.FAILED, True) == (failed.state, "Other logins closed: alice. " in told)
    assert (State.SUCCEEDED, ()) == (ended.state, ended.facts.users.other_logins_closed)


def test_many_logins_that_people_opened_are_counted(night: Night) -> None:
    """The record has the first of them, the trail all."""
    night.dream()
    names = [f"guest_{number:03d}" for number in range(NAMES_MAX + 10)]
    open_login(night, *names)
    ended = users_again(night)
    rows = night.trail(ended.operation_id)

    assert (tuple(names[:NAMES_MAX]), len(names)) == (
        ended.facts.users.other_logins_closed,
        ended.facts.users.other_logins_closed_count,
    )
    assert names == [name for row in rows for name in row.get("names", [])]


def replaced(night: Night) -> Operation:
    """Have a newer snapshot restored, six hours later."""
    night.run(6 * 3600)
    return night.dream()


def test_a_cluster_that_a_newer_restore_replaced_is_said_so(night: Night) -> None:
    """Whoever names the older success learns of the newer, and the command sets up its users."""
    older = night.dream()
    newer = replaced(night)
    rotate_both(night)
    made = night.calls_of(*MAKES_OR_DELETES)
    failed = users_again(night, rerun_of=older.operation_id)
    reason = failed.reason or ""
    go_on(night, night.notices()[-1]["text"])
    ended = night.run_to_the_end()

    assert (State.FAILED, True) == (failed.state, newer.operation_id in reason)
    assert (State.SUCCEEDED, newer.operation_id, made) == (
        ended.state,
        ended.rerun_of,
        night.calls_of(*MAKES_OR_DELETES),
    )
    assert ROTATED["app_password"] == passwords(night)[APP["app_username"]]


def test_a_command_of_before_a_newer_restore_leads_to_its_cluster(night: Night) -> None:
    """It was printed when the users could not be set up; the night came before it was put."""
    night.dream()
    night.hurt(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    users_again(night)
    command = night.notices()[-1]["text"]
    newer = replaced(night)
    go_on(night, command)
    failed = night.run_to_the_end()
    go_on(night, night.notices()[-1]["text"])
    ended = night.run_to_the_end()

    assert (State.FAILED, "setup-db-users") == (failed.state, failed.rerun_from)
    assert (State.SUCCEEDED, newer.operation_id) == (ended.state, ended.rerun_of)


def test_a_copy_of_a_replaced_cluster_leads_to_the_copy_of_the_newer(night: Night) -> None:
    """The step that was asked for is the one of the command."""
    older = night.dream()
    newer = replaced(night)
    failed = users_again(night, rerun_of=older.operation_id, from_step="archive-snapshot")
    go_on(night, night.notices()[-1]["text"])
    ended = night.run_to_the_end()

    assert (State.FAILED, "archive-snapshot") == (failed.state, failed.rerun_from)
    assert (State.SUCCEEDED, newer.operation_id) == (ended.state, ended.rerun_of)
    assert "USERS_READY" == night.path()[0]


def test_a_cluster_that_a_failed_restore_replaced_is_restored_anew(night: Night) -> None:
    """There is no success on what stands: the command restores the newest snapshot."""
    night.dream()
    night.hurt(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    newer = replaced(night)
    failed = users_again(night)
    go_on(night, night.notices()[-1]["text"])
    ended = night.run_to_the_end()

    assert (State.FAILED, State.FAILED) == (newer.state, failed.state)
    assert "no longer exists" in (failed.reason or "")
    assert (State.SUCCEEDED, newer.facts.snapshot.arn) == (ended.state, ended.facts.snapshot.arn)


CHANGES: tuple[dict[str, Any], ...] = (
    {"DeletionProtection": True, "BackupRetentionPeriod": 14},
    {"VpcSecurityGroupIds": ["sg-other"]},
)


def change_cluster(night: Night, change: dict[str, Any]) -> ClusterSettings:
    """Have people change the cluster that stands, and read what it is then."""
    night.network.groups["sg-other"] = f"vpc-{TARGET_REGION}-default"
    night.rds().modify_db_cluster(
        DBClusterIdentifier="staging-cluster", ApplyImmediately=True, **change
    )
    night.settle()
    return settings_of(night)


@pytest.mark.parametrize("change", CHANGES)
def test_what_people_changed_on_the_cluster_stays(night: Night, change: dict[str, Any]) -> None:
    """Setting up users again asks for a password and for nothing else, and succeeds."""
    night.dream()
    changed = change_cluster(night, change)
    modified = len(night.calls_of("modify_db_cluster"))
    rotate_both(night)
    ended = users_again(night)
    asked = [set(call.parameters) for call in night.calls_of("modify_db_cluster")[modified:]]

    assert (State.SUCCEEDED, changed, ()) == (ended.state, settings_of(night), ended.warnings)
    assert [{"DBClusterIdentifier", "ApplyImmediately", "MasterUserPassword"}] == asked


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_put_away_later_whatever_people_changed(
    night: Night, change: dict[str, Any]
) -> None:
    """The cluster's settings are not judged once more."""
    night.hurt(refused("AccessDenied", 403), call="rds.add_tags_to_resource", state="USERS_READY")
    night.dream()
    changed = change_cluster(night, change)
    ended = users_again(night, from_step="archive-snapshot")

    assert (State.SUCCEEDED, True, changed) == (
        ended.state,
        ended.facts.copies.archived,
        settings_of(night),
    )


def settings_of(night: Night) -> ClusterSettings:
    """Read what of the target a plan says."""
    return ClusterSettings.of(target(night))

"""What a rerun takes as it is now rather than as it was: the target, its instances, its logins, and
the settings.
"""

import json

import pytest

from chalicelib.flow.choreography import State
from chalicelib.messages.commands import rerun_command
from simulation.in_memory_database import InMemoryRole
from simulation.stage import APP, MASTER_SECRET, PRODUCTION_PASSWORD, SOURCE_REGION, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again, disown, protect, stopped, target
from tests.choreography.run_night import Night

DELETIONS = ("delete_db_cluster", "delete_db_instance")


def test_a_target_that_is_not_ours_any_more_survives_the_rerun_of_its_deletion(
    night: Night,
) -> None:
    """Its tags were taken away and it was protected, days after the deletion had been decided and
    stopped.
    """
    night.night()
    first = stopped(night, State.TARGET_DELETING)
    disown(night)
    protect(night)
    again(night, first)
    ended = night.all_operations()[-1]

    assert (State.FAILED, State.SNAPSHOT_READY, True, [], True) == (
        ended.state,
        ended.stopped_at,
        "does not carry our tag" in (ended.reason or ""),
        night.calls_of(*DELETIONS, "modify_db_cluster"),
        target(night)["DeletionProtection"],
    )


def test_a_target_whose_copy_is_gone_survives_the_rerun_of_its_deletion(night: Night) -> None:
    """Without something to restore the old target has to stay.

    The rerun command begins where that is found anew.
    """
    night.night()
    first = stopped(night, State.TARGET_DELETING)
    copy = night.only().name_of_copy
    night.rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=copy)
    night.settle()
    again(night, first)
    ended = night.all_operations()[-1]

    command = rerun_command(ended)

    assert (State.FAILED, "snapshot-check", [], True) == (
        ended.state,
        ended.rerun_from,
        night.calls_of(*DELETIONS),
        command in night.notices()[-1]["text"],
    )
    assert '\\"from_step\\": \\"snapshot-check\\"' in command


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (State.INSTANCES_CREATING, "staging-cluster-1"),
        (State.RESTORED, "staging-cluster-1"),
        (State.READERS_CREATING, "staging-cluster-2"),
        (State.USERS_READY, "staging-cluster-2"),
        (State.USERS_READY, "staging-cluster-1"),
    ],
)
def test_an_instance_that_is_gone_is_made_again(night: Night, state: State, name: str) -> None:
    """A person deleted one since: a rerun makes it, rather than wait for it or say that it is
    there.
    """
    night.night()
    first = stopped(night, state)
    night.settle()
    night.rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    night.settle()
    again(night, first)

    assert (State.SUCCEEDED, 2, []) == (
        night.all_operations()[-1].state,
        len(target(night)["DBClusterMembers"]),
        night.broken_promises(),
    )


def test_a_rerun_does_not_call_anothers_cluster_its_own(night: Night) -> None:
    """Stopped with its users ready.

    Then another night restored, and failed with production's logins open.
    """
    night.night()
    first = stopped(night, State.USERS_READY)
    night.run(1800)
    night.hurt(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    opened = night.dream().facts.target.cluster_resource_id
    again(night, first, older=True)
    ended = night.all_operations()[-1]
    beware = (
        "Beware: production's logins and passwords are still open on the target as it stands, "
        f"{opened}."
    )

    assert (State.FAILED, "delete-rds", True, opened) == (
        ended.state,
        ended.rerun_from,
        beware in night.notices()[-1]["text"],
        night.target().unsecured_cluster_id,
    )


def test_a_rerun_takes_the_settings_as_they_are_now(night: Night) -> None:
    """Who asks again has often mended them."""
    night.night()
    first = stopped(night, State.INSTANCES_CREATING)
    night.environment["INSTANCE_COUNT"] = "3"
    again(night, first)

    assert (State.SUCCEEDED, 3) == (
        night.all_operations()[-1].state,
        len(target(night)["DBClusterMembers"]),
    )


def test_a_rerun_does_not_wait_for_what_is_there_already(night: Night) -> None:
    """However long it took on other nights: what an earlier run made may be ready since long ago."""
    night.dream()
    night.night()
    first = stopped(night, State.RESTORED)
    again(night, first)
    lasted = {one.state: one.seconds for one in night.all_operations()[-1].durations}

    assert (State.SUCCEEDED, 0) == (
        night.all_operations()[-1].state,
        lasted[State.INSTANCES_CREATING],
    )


@pytest.mark.parametrize(
    "state", [State.CLUSTER_RESTORED, State.INSTANCES_CREATING, State.RESTORED]
)
def test_a_rerun_with_fewer_instances_leaves_none_too_many(state: State) -> None:
    """What an earlier run made for a plan that wanted more would stand there for ever, so it begins
    with the delete.
    """
    night = Night({"INSTANCE_COUNT": "3"})
    night.night()
    first = stopped(night, state)
    night.environment["INSTANCE_COUNT"] = "1"
    again(night, first)

    assert (State.SUCCEEDED, ["staging-cluster-1"], []) == (
        night.all_operations()[-1].state,
        [member["DBInstanceIdentifier"] for member in target(night)["DBClusterMembers"]],
        night.broken_promises(),
    )


@pytest.mark.parametrize("setting", ["SOURCE_CLUSTER_ID", "TARGET_CLUSTER_ID"])
def test_a_plan_that_is_about_other_clusters_now_is_not_rerun(night: Night, setting: str) -> None:
    """What was made belongs to the plan as it was; people are told to begin anew."""
    night.night()
    first = stopped(night, State.COPYING)
    night.environment[setting] = "another-cluster"
    night.request("RestoreRequested", rerun_of=first)

    assert (True, True, 1) == (
        "now has other clusters" in night.notices()[-1]["reason"],
        "Ask for a new operation" in night.notices()[-1]["remedy"],
        len(night.all_operations()),
    )


def test_a_snapshot_that_was_taken_anew_under_its_name_is_copied_anew(night: Night) -> None:
    """The first one's copy is not adopted for it: stale data must never be called fresh."""
    source = night.rds(SOURCE_REGION)
    source.create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="by-hand"
    )
    night.request("RestoreRequested", snapshot_identifier="by-hand")
    first = stopped(night, State.RESTORED)
    source.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")
    production = source.describe_db_clusters(DBClusterIdentifier="prod-cluster")["DBClusters"][0]
    night.data.clusters[production["DbClusterResourceId"]].roles["only_in_new_data"] = InMemoryRole(
        None
    )
    night.clock.advance(86_400)
    source.create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="by-hand"
    )
    night.settle()
    again(night, first, from_step="snapshot-check")
    ended = night.all_operations()[-1]

    assert (State.SUCCEEDED, True, 2, []) == (
        ended.state,
        "only_in_new_data" in night.cluster_at(ended.facts.target.endpoint or "").roles,
        len(night.calls_of("copy_db_cluster_snapshot")),
        night.broken_promises(),
    )


def test_a_notice_says_whose_logins_are_open_on_what_an_earlier_operation_left(
    night: Night,
) -> None:
    """The rerun fails before it touches anything, and what stands there is as open as before.

    A good one closes it.
    """
    night.hurt(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    first = night.dream()
    night.hurt(refused("AccessDenied", 403), state="SNAPSHOT_READY", call="rds.", step="delete-rds")
    again(night, first.operation_id, from_step="delete-rds")
    beware = [
        f"the target as it stands, {first.facts.target.cluster_resource_id}." in one["text"]
        for one in night.notices()
    ]
    again(night, first.operation_id, from_step="delete-rds")

    assert ([True, True], State.SUCCEEDED, None, False) == (
        beware,
        night.all_operations()[-1].state,
        night.target().unsecured_cluster_id,
        "Beware" in night.notices()[-1]["text"],
    )


def test_a_failure_after_the_lock_out_does_not_say_that_logins_are_open(night: Night) -> None:
    """Neither in its own notice nor in what later ones read."""
    night.hurt(refused("AccessDenied", 403), call="postgresql.ensure_users", times=99)
    ended = night.dream()

    assert (State.FAILED, True, False, None) == (
        ended.state,
        ended.facts.users.production_logins_closed,
        "Beware" in night.notices()[-1]["text"],
        night.target().unsecured_cluster_id,
    )


def test_a_master_secret_with_productions_own_password_is_refused(night: Night) -> None:
    """Before it is set anywhere; with another one the rerun succeeds."""
    good = night.secrets.get_secret_value(SecretId=MASTER_SECRET)["SecretString"]
    bad = json.dumps(json.loads(good) | {"password": PRODUCTION_PASSWORD})
    night.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=bad)
    ended = night.dream()
    tried = len(night.calls_of("modify_db_cluster"))
    night.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=good)
    again(night, ended.operation_id)

    assert (State.FAILED, "setup-db-users", True, 0, State.SUCCEEDED, []) == (
        ended.state,
        ended.failed_step,
        "holds the password that master has in production" in (ended.reason or ""),
        tried,
        night.all_operations()[-1].state,
        night.broken_promises(),
    )


def test_an_app_secret_with_productions_own_password_is_refused(night: Night) -> None:
    """Production has a user of that name, and the password opens the copy before we set any."""
    production = next(iter(night.data.clusters.values()))
    production.roles[APP["app_username"]] = InMemoryRole(APP["app_password"])
    ended = night.dream()

    assert (State.FAILED, "setup-db-users", True, []) == (
        ended.state,
        ended.failed_step,
        f"holds the password that {APP['app_username']} has in production" in (ended.reason or ""),
        night.calls_of("ensure_users"),
    )


def test_the_rerun_command_names_the_apps_region() -> None:
    """Its bus is there, wherever the target is."""
    night = Night(
        {"TARGET_REGION": SOURCE_REGION}, staging=False
    )  # whose security group is of another region
    ended = night.dream()

    assert (State.FAILED, True) == (
        ended.state,
        f"--region {TARGET_REGION} " in night.notices()[-1]["text"],
    )

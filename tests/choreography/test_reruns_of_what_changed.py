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
from tests.choreography.run_night import FaultyStage

DELETIONS = ("delete_db_cluster", "delete_db_instance")


def test_a_target_that_is_not_ours_any_more_survives_the_rerun_of_its_deletion(
    stage: FaultyStage,
) -> None:
    """A target that lost its tags after its deletion was decided is not deleted by a rerun."""
    stage.night()
    first = stopped(stage, State.TARGET_DELETING)
    disown(stage)
    protect(stage)
    again(stage, first)
    ended = stage.all_operations()[-1]

    assert State.FAILED == ended.state
    assert State.SNAPSHOT_READY == ended.stopped_at
    assert "does not carry our tag" in (ended.reason or "")
    assert [] == stage.calls_of(*DELETIONS, "modify_db_cluster")
    assert target(stage)["DeletionProtection"] is True


def test_a_target_whose_copy_is_gone_survives_the_rerun_of_its_deletion(stage: FaultyStage) -> None:
    """The old target stays without a copy; the rerun command starts where one is found."""
    stage.night()
    first = stopped(stage, State.TARGET_DELETING)
    copy = stage.only().name_of_copy
    stage.rds().delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=copy)
    stage.settle()
    again(stage, first)
    ended = stage.all_operations()[-1]

    command = rerun_command(ended)

    assert State.FAILED == ended.state
    assert "snapshot-check" == ended.rerun_from
    assert [] == stage.calls_of(*DELETIONS)
    assert command in stage.notices()[-1]["text"]
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
def test_an_instance_that_is_gone_is_made_again(
    stage: FaultyStage, state: State, name: str
) -> None:
    """A person deleted one since: a rerun makes it, rather than wait for it or say that it is
    there.
    """
    stage.night()
    first = stopped(stage, state)
    stage.settle()
    stage.rds().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    stage.settle()
    again(stage, first)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert 2 == len(target(stage)["DBClusterMembers"])
    assert [] == stage.broken_promises()


def test_a_rerun_does_not_call_anothers_cluster_its_own(stage: FaultyStage) -> None:
    """Stopped with its users ready.

    Then another night restored, and failed with production's logins open.
    """
    stage.night()
    first = stopped(stage, State.USERS_READY)
    stage.run(1800)
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    opened = stage.run_night().facts.target.cluster_resource_id
    again(stage, first, older=True)
    ended = stage.all_operations()[-1]
    beware = (
        "Beware: production's logins and passwords are still open on the target as it stands, "
        f"{opened}."
    )

    assert State.FAILED == ended.state
    assert "delete-rds" == ended.rerun_from
    assert beware in stage.notices()[-1]["text"]
    assert opened == stage.target().unsecured_cluster_id


def test_a_rerun_takes_the_settings_as_they_are_now(stage: FaultyStage) -> None:
    """Who asks again has often mended them."""
    stage.night()
    first = stopped(stage, State.INSTANCES_CREATING)
    stage.environment["INSTANCE_COUNT"] = "3"
    again(stage, first)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert 3 == len(target(stage)["DBClusterMembers"])


def test_a_rerun_does_not_wait_for_what_is_there_already(stage: FaultyStage) -> None:
    """A rerun looks at once: what an earlier run made may have been ready for long."""
    stage.run_night()
    stage.night()
    first = stopped(stage, State.RESTORED)
    again(stage, first)
    lasted = {duration.state: duration.seconds for duration in stage.all_operations()[-1].durations}

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert 0 == lasted[State.INSTANCES_CREATING]


@pytest.mark.parametrize(
    "state", [State.CLUSTER_RESTORED, State.INSTANCES_CREATING, State.RESTORED]
)
def test_a_rerun_with_fewer_instances_leaves_none_too_many(state: State) -> None:
    """A rerun for fewer instances begins with the deletion, so none too many remain."""
    stage = FaultyStage({"INSTANCE_COUNT": "3"})
    stage.night()
    first = stopped(stage, state)
    stage.environment["INSTANCE_COUNT"] = "1"
    again(stage, first)

    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert ["staging-cluster-1"] == [
        member["DBInstanceIdentifier"] for member in target(stage)["DBClusterMembers"]
    ]
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("setting", ["SOURCE_CLUSTER_ID", "TARGET_CLUSTER_ID"])
def test_a_plan_that_is_about_other_clusters_now_is_not_rerun(
    stage: FaultyStage, setting: str
) -> None:
    """A rerun under a plan that names other clusters is refused with the advice to start anew."""
    stage.night()
    first = stopped(stage, State.COPYING)
    stage.environment[setting] = "another-cluster"
    stage.request("RestoreRequested", rerun_of=first)

    assert "now has other clusters" in stage.notices()[-1]["reason"]
    assert "Ask for a new operation" in stage.notices()[-1]["remedy"]
    assert 1 == len(stage.all_operations())


def test_a_snapshot_that_was_taken_anew_under_its_name_is_copied_anew(stage: FaultyStage) -> None:
    """The first one's copy is not adopted for it: stale data must never be called fresh."""
    source = stage.rds(SOURCE_REGION)
    source.create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="by-hand"
    )
    stage.request("RestoreRequested", snapshot_identifier="by-hand")
    first = stopped(stage, State.RESTORED)
    source.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")
    production = source.describe_db_clusters(DBClusterIdentifier="prod-cluster")["DBClusters"][0]
    stage.data.clusters[production["DbClusterResourceId"]].roles["only_in_new_data"] = InMemoryRole(
        None
    )
    stage.clock.advance(86_400)
    source.create_db_cluster_snapshot(
        DBClusterIdentifier="prod-cluster", DBClusterSnapshotIdentifier="by-hand"
    )
    stage.settle()
    again(stage, first, from_step="snapshot-check")
    ended = stage.all_operations()[-1]

    assert State.SUCCEEDED == ended.state
    assert "only_in_new_data" in stage.cluster_at(ended.facts.target.endpoint or "").roles
    assert 2 == len(stage.calls_of("copy_db_cluster_snapshot"))
    assert [] == stage.broken_promises()


def test_a_notice_says_whose_logins_are_open_on_what_an_earlier_operation_left(
    stage: FaultyStage,
) -> None:
    """The rerun fails before it touches anything, and what stands there is as open as before.

    A good one closes it.
    """
    stage.inject(refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster")
    first = stage.run_night()
    stage.inject(
        refused("AccessDenied", 403), state="SNAPSHOT_READY", call="rds.", step="delete-rds"
    )
    again(stage, first.operation_id, from_step="delete-rds")
    made = first.facts.target.cluster_resource_id
    beware = [f", {made}." in notice["text"] for notice in stage.notices()]
    again(stage, first.operation_id, from_step="delete-rds")

    assert [True, True] == beware
    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert stage.target().unsecured_cluster_id is None
    assert "Beware" not in stage.notices()[-1]["text"]


def test_a_failure_after_the_lock_out_does_not_say_that_logins_are_open(stage: FaultyStage) -> None:
    """No notice of this or a later failure says that production's logins are open."""
    stage.inject(refused("AccessDenied", 403), call="postgresql.ensure_users", times=99)
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert ended.facts.users.production_logins_closed is True
    assert "Beware" not in stage.notices()[-1]["text"]
    assert stage.target().unsecured_cluster_id is None


def test_a_master_secret_with_productions_own_password_is_refused(stage: FaultyStage) -> None:
    """Before it is set anywhere; with another one the rerun succeeds."""
    good = stage.secrets.get_secret_value(SecretId=MASTER_SECRET)["SecretString"]
    bad = json.dumps(json.loads(good) | {"password": PRODUCTION_PASSWORD})
    stage.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=bad)
    ended = stage.run_night()
    tried = len(stage.calls_of("modify_db_cluster"))
    stage.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=good)
    again(stage, ended.operation_id)

    assert State.FAILED == ended.state
    assert "setup-db-users" == ended.failed_step
    assert "holds the password that master has in production" in (ended.reason or "")
    assert 0 == tried
    assert State.SUCCEEDED == stage.all_operations()[-1].state
    assert [] == stage.broken_promises()


def test_an_app_secret_with_productions_own_password_is_refused(stage: FaultyStage) -> None:
    """Production has a user of that name, and the password opens the copy before we set any."""
    production = next(iter(stage.data.clusters.values()))
    production.roles[APP["app_username"]] = InMemoryRole(APP["app_password"])
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert "setup-db-users" == ended.failed_step
    assert f"holds the password that {APP['app_username']} has in production" in (
        ended.reason or ""
    )
    assert [] == stage.calls_of("ensure_users")


def test_the_rerun_command_names_the_apps_region() -> None:
    """The rerun command names the region of the app's bus, wherever the target is."""
    stage = FaultyStage(
        {"TARGET_REGION": SOURCE_REGION}, staging=False
    )  # whose security group is of another region
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert f"--region {TARGET_REGION} " in stage.notices()[-1]["text"]

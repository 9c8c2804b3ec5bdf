"""Production's own passwords: they open nothing of ours, not as the new ones either.

A rerun keeps what is known.
"""

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from simulation.stage import APP, APP_SECRET, MASTER_SECRET, PRODUCTION_PASSWORD
from tests.refusals.denied_calls import DeniedCall, DenyingStage
from tests.refusals.scene import LogOutput, RefusalScene


def rerun(scene: RefusalScene, failed: Operation, **how: str) -> Operation:
    """Run an operation again, to a good end."""
    scene.stage.put("RestoreRequested", rerun_of=failed.operation_id, **how)
    return scene.ends(State.SUCCEEDED)


def test_a_master_secret_with_productions_own_password_is_refused(scene: RefusalScene) -> None:
    """A copy that production's password opens is not safe; another one, and a rerun makes it so."""
    scene.put_master_secret(password=PRODUCTION_PASSWORD)
    failed = scene.night_fails(at="setup-db-users")
    expected = f"The secret {MASTER_SECRET} holds the password that master has in production."

    assert expected == failed.reason
    assert "Beware: production's logins" in scene.stage.notices()[-1]["text"]
    scene.put_master_secret(password="Fresh-1-staging-master")
    assert True is rerun(scene, failed).facts.users.production_logins_closed


@pytest.mark.parametrize("user", ["app", "readonly"])
def test_a_users_secret_with_productions_own_password_is_refused_early(
    scene: RefusalScene, user: str
) -> None:
    """Whoever knows it from production would get in: so it is looked at while production's logins
    still are there.
    """
    scene.put_app_secret(
        **{f"{user}_username": "shop_app", f"{user}_password": PRODUCTION_PASSWORD}
    )
    failed = scene.night_fails(at="setup-db-users")
    expected = f"The secret {APP_SECRET} holds the password that shop_app has in production."

    assert expected == failed.reason
    assert False is failed.facts.users.production_logins_closed
    scene.put_app_secret(**APP)
    assert ("shop_app",) == rerun(scene, failed).facts.users.logins_closed


@pytest.mark.parametrize("step", ["setup-db-users", "check-restore-status"])
def test_our_own_passwords_of_an_earlier_run_are_not_taken_for_productions(
    logs: LogOutput, step: str
) -> None:
    """Our users are in when it fails: the rerun finds the same cluster, and knows that production
    is out of it.
    """
    stage = DenyingStage(DeniedCall("swap-target", "rds", "describe_db_clusters"))
    scene = RefusalScene(stage, logs)
    failed = scene.night_fails(at="swap-target")
    stage.denied = None
    operation = rerun(scene, failed, from_step=step)

    assert operation.facts.users.production_logins_closed is True
    assert ("shop_app",) == operation.facts.users.logins_closed
    assert failed.facts.target.cluster_resource_id == operation.facts.target.cluster_resource_id


def test_what_is_known_of_a_cluster_is_not_believed_of_the_next_one(scene: RefusalScene) -> None:
    """Locked out there, removed by somebody, restored anew: production's logins are open until they
    are closed.
    """
    scene.stage.night()
    scene.run_until(State.INSTANCES_CREATING)
    good = scene.stage.secrets._values[APP_SECRET]
    scene.put_app_secret(app_password=None)
    failed = scene.fails(at="setup-db-users")
    scene.stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=good)
    rds = scene.stage.rds()
    for name in reversed(failed.facts.target.instances):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    scene.stage.settle()
    rds.delete_db_cluster(DBClusterIdentifier="staging-cluster", SkipFinalSnapshot=True)
    scene.stage.settle()
    scene.stage.put("RestoreRequested", rerun_of=failed.operation_id, from_step="restore-snapshot")
    scene.stage.deliver()
    while (again := scene.stage.all_operations()[-1]).state is not State.INSTANCES_CREATING:
        scene.stage.step_time()

    assert again.facts.users.production_logins_closed is False
    assert again.facts.users.master_password_checked is None
    assert again.facts.target.cluster_resource_id == scene.stage.target().unsecured_cluster_id
    assert ("shop_app",) == scene.ends(State.SUCCEEDED).facts.users.logins_closed


def test_a_later_notice_says_that_the_target_as_it_stands_is_open(scene: RefusalScene) -> None:
    """An operation that touched nothing still tells people what an earlier one left behind."""
    scene.stage.aurora.fail_creation(
        "arn:aws:rds:us-west-2:123456789012:db:staging-cluster-1",
        "failed",
        "A test asked for this.",
    )
    left = scene.night_fails(at="check-restore-status").facts.target.cluster_resource_id
    scene.stage.secrets.delete_secret(SecretId=APP_SECRET)
    scene.stage.put("RestoreRequested")
    later = scene.fails(at="delete-rds")

    assert None is later.facts.target.cluster_resource_id
    assert (
        f"passwords are still open on the target as it stands, {left}."
        in scene.stage.notices()[-1]["text"]
    )

"""The two secrets: what is wrong with one ends the operation before the old target is touched, and
is never quoted.
"""

from typing import Any

import pytest

from chalicelib.aws.secrets import master_credentials
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.plan import Plan
from chalicelib.ports import Ports
from chalicelib.settings import resolve_plan
from simulation.stage import APP_SECRET, MASTER_SECRET
from tests.refusals.scene import RefusalScene

MASTER_FIELDS = "Store a JSON object with the fields database, username, password in it."
APP_FIELDS = (
    "Store a JSON object with the fields app_username, app_password, readonly_username, "
    "readonly_password in it."
)


def plan(ports: Ports) -> Plan:
    """Give the stage's own plan."""
    return resolve_plan(
        ports.settings, "default", {}, account=ports.account, partition=ports.partition
    )


def refused_before_deletion(scene: RefusalScene) -> str:
    """Let a night fail at the preflight, with the old target as it was.

    Returns reason and remedy.
    """
    before = scene.target_ids()
    operation = scene.night_fails(at="delete-rds")

    assert before == scene.target_ids()
    assert None is operation.facts.target.old
    return " ".join([str(operation.reason), *operation.problems, str(operation.remedy)])


@pytest.mark.parametrize("secret", [MASTER_SECRET, APP_SECRET])
def test_a_secret_that_is_missing_is_named(scene: RefusalScene, secret: str) -> None:
    """Secrets Manager's own text does not say which one.

    The setting that names it may be wrong, too.
    """
    scene.stage.secrets.delete_secret(SecretId=secret)
    notification = refused_before_deletion(scene)

    assert f"There is no secret {secret} in us-west-2." in notification
    assert "Make it, or correct " in notification


@pytest.mark.parametrize(
    ("secret", "remedy"), [(MASTER_SECRET, MASTER_FIELDS), (APP_SECRET, APP_FIELDS)]
)
@pytest.mark.parametrize("text", ['{"password": "hunter2-hunter2"', ""])
def test_a_secret_that_is_not_json_is_not_quoted(
    scene: RefusalScene, secret: str, remedy: str, text: str
) -> None:
    """The refusal does not quote the secret, which may be the password itself."""
    scene.stage.secrets.put_secret_value(SecretId=secret, SecretString=text)
    notification = refused_before_deletion(scene)

    assert f"The secret {secret} is not JSON." in notification
    assert remedy in notification
    assert "hunter2" not in notification


@pytest.mark.parametrize("text", ['["hunter2-hunter2"]', "null"])
def test_a_secret_that_is_json_but_no_object_is_not_quoted(scene: RefusalScene, text: str) -> None:
    """A secret that is a list or a bare string is refused and not quoted."""
    scene.stage.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=text)
    notification = refused_before_deletion(scene)

    assert f"The secret {MASTER_SECRET} is not well-formed" in notification
    assert MASTER_FIELDS in notification
    assert "hunter2" not in notification


@pytest.mark.parametrize(
    ("field", "value"),
    [("database", None), ("username", None), ("password", None), ("database", "")],
)
def test_a_field_that_the_master_secret_lacks_is_named(
    scene: RefusalScene, field: str, value: str | None
) -> None:
    """A missing or empty field of the master secret is named."""
    scene.put_master_secret(**{field: value})

    assert f"The secret {MASTER_SECRET} is not well-formed: look at {field}. {MASTER_FIELDS}" in (
        refused_before_deletion(scene)
    )


@pytest.mark.parametrize(
    "field", ["app_username", "app_password", "readonly_username", "readonly_password"]
)
def test_a_field_that_the_users_secret_lacks_is_named(scene: RefusalScene, field: str) -> None:
    """Every problem is told at once: the other secret is looked at all the same."""
    scene.put_app_secret(**{field: None})
    scene.put_master_secret(database=None)
    notification = refused_before_deletion(scene)

    assert f"look at {field}." in notification
    assert "look at database." in notification


def test_a_master_password_that_rds_refuses_is_refused_before_anything_is_deleted(
    scene: RefusalScene,
) -> None:
    """RDS would say so only when the new cluster stands there with production's password."""
    scene.put_master_secret(password="at@atatat")
    notification = refused_before_deletion(scene)

    assert f"The password in the secret {MASTER_SECRET} is one that RDS refuses." in notification
    assert "Use 8 to 41 printable ASCII characters other than / \" @ ' and space." in notification


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("with space 1", "RDS refuses"),
        ("slash/slash", "RDS refuses"),
        ('quote"quote', "RDS refuses"),
        ("apostrophe's", "RDS refuses"),
        ("Umlautö12", "RDS refuses"),
        ("tab\t12345", "RDS refuses"),
        ("short-1", "look at password"),
        ("long-" * 9, "look at password"),
    ],
)
def test_a_master_password_is_judged_as_rds_judges_it(
    scene: RefusalScene, password: str, why: str
) -> None:
    """A master password is refused by RDS's rules for characters and length, and not quoted."""
    scene.put_master_secret(password=password)
    ports = scene.stage.ports()
    with pytest.raises(RefusedError) as caught:
        master_credentials(ports.service("secretsmanager"), plan(ports))

    assert why in caught.value.reason
    assert password not in str(caught.value)


@pytest.mark.parametrize("password", ["12345678", "x" * 41, "!#$%&()*+,-.:;<=>?[]^_`{|}~"])
def test_a_master_password_that_rds_takes_is_taken(scene: RefusalScene, password: str) -> None:
    """A master password of any allowed length and character is accepted."""
    scene.put_master_secret(password=password)
    ports = scene.stage.ports()
    found = master_credentials(
        ports.service("secretsmanager"), plan(ports)
    ).password.get_secret_value()

    assert password == found


def test_a_master_user_other_than_the_snapshots_is_refused(scene: RefusalScene) -> None:
    """A restored cluster keeps the snapshot's master user; the secret's could never log in."""
    scene.put_master_secret(username="postgres")
    notification = refused_before_deletion(scene)
    expected = (
        f"The secret {MASTER_SECRET} names the master user postgres, the snapshot's is master."
    )

    assert expected in notification


@pytest.mark.parametrize(
    "changes",
    [
        {"readonly_username": "app_user"},
        {"app_username": "master"},
        {"readonly_username": "rdsadmin"},
        {"app_username": "pg_monitor"},
    ],
)
def test_names_that_cannot_be_two_new_users_are_refused(
    scene: RefusalScene, changes: dict[str, Any]
) -> None:
    """Two equal names are refused, and names of the master, of RDS or of PostgreSQL."""
    scene.put_app_secret(**changes)
    notification = refused_before_deletion(scene)

    assert next(iter(changes.values())) in notification or "names one user twice" in notification


def test_a_secret_spoiled_after_the_preflight_fails_and_says_that_production_is_open(
    scene: RefusalScene,
) -> None:
    """The copy has production's logins until they are closed: the notice says so, and a rerun
    closes them.
    """
    scene.stage.night()
    scene.run_until(State.INSTANCES_CREATING)
    good = scene.stage.secrets._values[MASTER_SECRET]
    scene.stage.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString="hunter2-hunter2")
    operation = scene.fails(at="setup-db-users")
    notice = scene.stage.notices()[-1]
    scene.stage.secrets.put_secret_value(SecretId=MASTER_SECRET, SecretString=good)
    scene.stage.put("RestoreRequested", rerun_of=operation.operation_id)

    assert False is notice["production_logins_closed"]
    assert (
        "Beware: production's logins and passwords are still open on staging-cluster, "
        f"{operation.facts.target.cluster_resource_id}." in notice["text"]
    )
    assert True is scene.ends(State.SUCCEEDED).facts.users.production_logins_closed


def test_a_users_secret_spoiled_after_the_preflight_fails_with_production_locked_out_already(
    scene: RefusalScene,
) -> None:
    """Production goes out before anybody new comes in.

    The notice says that it is out, and so does no later one.
    """
    scene.stage.night()
    scene.run_until(State.INSTANCES_CREATING)
    good = scene.stage.secrets._values[APP_SECRET]
    scene.put_app_secret(app_password=None)
    operation = scene.fails(at="setup-db-users")
    text = scene.stage.notices()[-1]["text"]
    scene.stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=good)
    scene.stage.put("RestoreRequested", rerun_of=operation.operation_id)

    assert operation.facts.users.production_logins_closed is True
    assert ("shop_app",) == operation.facts.users.logins_closed
    assert "Production's logins are disabled on the new cluster." in text
    assert "Beware" not in text
    assert None is scene.stage.target().unsecured_cluster_id
    assert ("shop_app",) == scene.ends(State.SUCCEEDED).facts.users.logins_closed

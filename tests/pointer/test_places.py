"""The places by themselves: each is written only where it is still what was read."""

import json

import pytest

from chalicelib.aws.client import Service
from chalicelib.aws.pointer_places import (
    Address,
    PointedParameters,
    PointedRecord,
    PointedSecret,
)
from chalicelib.flow.errors import RefusedError, TransientError
from simulation.in_memory_services import ZONE
from simulation.stage import APP, APP_SECRET, TARGET_REGION, SimulatedStage

OLD = Address("old.example", "old-ro.example", 5432, "staging-a")
NEW = Address("new.example", "new-ro.example", 5432, "staging-b")
FOLDER = "/aurora-restore/test/pointers/default/"
NAME = "staging.db.example"


@pytest.fixture
def stage() -> SimulatedStage:
    """Make a stage whose places name nothing."""
    return SimulatedStage()


def _service(stage: SimulatedStage, name: str) -> Service:
    return Service(stage.client, name, TARGET_REGION)


def test_a_secret_keeps_its_users_beside_the_pointers(stage: SimulatedStage) -> None:
    """The pointers come and go, and the JSON's other members stay."""
    secret = PointedSecret(_service(stage, "secretsmanager"), APP_SECRET)
    secret.write(secret.read(), OLD)
    named = secret.read()
    secret.write(named, None)

    assert {**APP, **OLD.members} == dict(named.document)
    assert APP == dict(secret.read().document)


def test_a_secret_that_changed_since_it_was_read_is_read_again(stage: SimulatedStage) -> None:
    """The label stays on the version that somebody made."""
    secret = PointedSecret(_service(stage, "secretsmanager"), APP_SECRET)
    seen = secret.read()
    theirs = json.dumps({**APP, "app_password": "Another-0-password"})
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=theirs)
    with pytest.raises(TransientError, match="changed by somebody else"):
        secret.write(seen, NEW)

    assert json.loads(theirs) == dict(secret.read().document)


def test_a_write_that_is_repeated_makes_no_second_version(stage: SimulatedStage) -> None:
    """The token follows from what was read and what is written."""
    secret = PointedSecret(_service(stage, "secretsmanager"), APP_SECRET)
    seen = secret.read()
    secret.write(seen, NEW)
    once = secret.read()
    with pytest.raises(TransientError):
        secret.write(seen, NEW)  # as after a lost reply

    assert once == secret.read()


def test_what_was_read_of_a_secret_shows_no_password(stage: SimulatedStage) -> None:
    """It may stand in a log."""
    seen = PointedSecret(_service(stage, "secretsmanager"), APP_SECRET).read()

    assert APP["app_password"] not in repr(seen)


@pytest.mark.parametrize("value", ["no JSON", "[]"])
def test_a_secret_that_is_no_object_is_refused(stage: SimulatedStage, value: str) -> None:
    """The sentence does not quote it."""
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=value)
    with pytest.raises(RefusedError, match="is no JSON object") as refused:
        PointedSecret(_service(stage, "secretsmanager"), APP_SECRET).read()

    assert "no JSON " not in refused.value.remedy


def test_a_parameter_that_changed_since_it_was_read_is_read_again(stage: SimulatedStage) -> None:
    """A creation is refused, and the version of a change tells that another came between."""
    parameters = PointedParameters(_service(stage, "ssm"), FOLDER)
    stage.parameters.put_parameter(Name=f"{FOLDER}endpoint", Value="first")
    with pytest.raises(TransientError, match="endpoint was changed"):
        parameters.write("endpoint", None, "ours")
    seen = parameters.read()["endpoint"]
    stage.parameters.put_parameter(Name=f"{FOLDER}endpoint", Value="second")
    with pytest.raises(TransientError, match="endpoint was changed"):
        parameters.write("endpoint", seen, "ours")


def test_a_parameter_comes_and_goes(stage: SimulatedStage) -> None:
    """To delete what is not there is nothing to do."""
    parameters = PointedParameters(_service(stage, "ssm"), FOLDER)
    parameters.write("port", None, "5432")
    seen = parameters.read()
    parameters.write("port", seen["port"], None)
    parameters.write("port", None, None)

    assert ["port"] == [*seen]
    assert {} == parameters.read()


def test_a_record_that_changed_since_it_was_read_is_read_again(stage: SimulatedStage) -> None:
    """The batch fails as a whole, and the record is theirs."""
    record = PointedRecord(_service(stage, "route53"), ZONE, NAME)
    record.write(None, OLD.host)
    seen = record.read()
    record.write(seen, "theirs.example")
    with pytest.raises(TransientError, match="was changed by somebody else"):
        record.write(seen, NEW.host)
    with pytest.raises(TransientError, match="was changed by somebody else"):
        record.write(None, NEW.host)
    found = record.read()

    assert found is not None
    assert "theirs.example" == found.host


def test_a_record_goes(stage: SimulatedStage) -> None:
    """Where nothing is named any more there is no record."""
    record = PointedRecord(_service(stage, "route53"), ZONE, NAME)
    record.write(None, OLD.host)
    record.write(record.read(), None)

    assert record.read() is None


def test_a_record_after_the_name_is_another(stage: SimulatedStage) -> None:
    """A list begins at a name, and goes on beyond it."""
    PointedRecord(_service(stage, "route53"), ZONE, "zzz.db.example").write(None, OLD.host)

    assert PointedRecord(_service(stage, "route53"), ZONE, NAME).read() is None

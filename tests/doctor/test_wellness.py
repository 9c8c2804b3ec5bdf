"""A stage that was deployed and given what only people can give: the doctor finds nothing, and changes nothing."""

import pytest

from console.doctor.checks import CHECKS
from console.doctor.examination import look_at
from console.doctor.reading import READING
from console.findings import Status, failures
from tests.doctor.scene import Scene
from tests.doctor.wellness import APP_VALUE, MASTER_VALUE


def test_every_check_is_content(scene: Scene) -> None:
    """One line for each check, in the order of the list, and every one of them is OK."""
    found = list(look_at(scene.patient()))

    assert [] == [str(one) for one in found if one.status is not Status.OK]
    assert [check.name for check in CHECKS] == [one.name for one in found]


def test_nothing_is_called_that_could_change_anything(scene: Scene) -> None:
    """Every call that the doctor makes is one of those that are known to read."""
    called = scene.watch()
    list(look_at(scene.patient()))

    assert 25 < len({*called})
    assert [] == [call for call in called if not call.partition(":")[2].startswith(READING)]


def test_a_call_that_could_change_something_does_not_leave_the_machine(scene: Scene) -> None:
    """The clients themselves refuse it, whoever writes the next check."""
    with pytest.raises(Exception, match=r"^sns DeleteTopic may change something; it is not called\.$"):
        scene.clients()("sns", "us-west-2").delete_topic(TopicArn="arn:aws:sns:us-west-2:123456789012:any")


def test_no_password_is_ever_shown(scene: Scene) -> None:
    """Neither when the secrets are fine, nor when each of them is refused for what is in it."""
    passwords = [value for name, value in (MASTER_VALUE | APP_VALUE).items() if name.endswith("password")]
    said = [str(one) for one in look_at(scene.patient())]
    for master, app in (({"password": "has a space and /"}, {}), ({"username": ""}, {"app_username": "readonly_user"})):
        scene.put_secrets(master, app)
        found = scene.see("secrets")
        assert [found] == failures([found])
        said.append(str(found))

    assert [] == [one for one in [*passwords, "has a space and /"] for line in said if one in line]

"""A stage that was deployed and given what only people can give: the doctor finds nothing, and
changes nothing.
"""

from dataclasses import dataclass

import pytest

from aurora_restore.account.reading_clients import READING, ChangingCallError
from aurora_restore.doctor.checks import CHECKS
from aurora_restore.doctor.runner import look_at
from aurora_restore.findings import Finding, Status
from tests.deployment.place import REGION, Place
from tests.doctor.healthy_stage import APP_VALUE, MASTER_VALUE, topic
from tests.doctor.scene import Scene

SHORT = "a b/c"


@dataclass(frozen=True)
class Visit:
    """One look at everything: what was found, and what was called for it."""

    findings: list[Finding]
    called: list[str]


@pytest.fixture(scope="module")
def visit(place: Place) -> Visit:
    """Look at everything once."""
    scene = Scene(place)
    called = scene.watch()
    return Visit(list(look_at(scene.view())), called)


def test_every_check_passes(visit: Visit) -> None:
    """On a healthy stage each check prints one line, in the order of the list, and each is OK."""
    assert [] == [str(finding) for finding in visit.findings if finding.status is not Status.OK]
    assert [check.name for check in CHECKS] == [finding.name for finding in visit.findings]


def test_nothing_is_called_that_could_change_anything(visit: Visit) -> None:
    """The doctor makes only calls that are known to read, and one event on the bus that asks a
    question.
    """
    assert 40 < len({*visit.called})
    assert ["events:PutEvents"] == [
        call for call in visit.called if not call.partition(":")[2].startswith(READING)
    ]


def test_a_call_that_could_change_something_does_not_leave_the_machine(scene: Scene) -> None:
    """A call that could change something does not leave the doctor's clients, whoever writes the
    next check.
    """
    with pytest.raises(
        ChangingCallError, match=r"^sns DeleteTopic may change something; it is not called\.$"
    ):
        scene.clients()("sns", REGION).delete_topic(TopicArn=topic())


def test_only_a_probe_is_put_on_the_bus(scene: Scene) -> None:
    """The doctor's clients put no event but its question on the bus, so nothing starts or stops."""
    events = scene.clients()("events", REGION)
    question = {"Source": "aurora-restore.dev", "DetailType": "ProbeRequested", "Detail": "{}"}

    for entries in (
        [question | {"DetailType": "RestoreRequested"}],
        [question, {"DetailType": "CancelRequested"}],
        [],
    ):
        with pytest.raises(ChangingCallError, match="events PutEvents may change something"):
            events.put_events(Entries=entries)


def test_no_password_is_ever_shown(visit: Visit, scene: Scene) -> None:
    """No password is shown, neither for valid secrets nor for those that are refused."""
    output = [str(finding) for finding in visit.findings]
    for master, app in (
        ({"password": SHORT}, {"app_password": SHORT}),
        ({"password": f"{SHORT} and {SHORT}"}, {"readonly_username": "app_user"}),
    ):
        scene.put_secrets(master, app)
        found = scene.see("secrets")
        assert Status.FAILED is found.status
        output.append(str(found))
    passwords = [
        value for name, value in (MASTER_VALUE | APP_VALUE).items() if name.endswith("password")
    ]
    text = "\n".join(output)

    assert [] == [password for password in [*passwords, SHORT] if password in text]

"""Which function wakes at which event, by the patterns of the rules as EventBridge matches them."""

import json
from typing import Any

import pytest
from localaws.aurora import events as model_events
from moto.events.models import EventPattern

from chalicelib.flow.choreography import CHOREOGRAPHY, ROWS, STEPS, TERMINAL
from chalicelib.flow.rds_event_ids import RdsEvent
from chalicelib.messages.event_patterns import pattern
from chalicelib.messages.rds_events import RdsNotice
from localaws import patterns
from simulation.stage import SimulatedStage
from tests.events.rds import CLUSTER, INSTANCE, KNOWN, SNAPSHOT, STAGE, Kind, event, woken

EVENTS = pytest.mark.parametrize(
    ("kind", "event_id", "message", "step"), KNOWN, ids=lambda value: str(value)[:20]
)


@EVENTS
def test_an_rds_event_wakes_its_function(
    kind: Kind, event_id: str, message: str, step: str | None
) -> None:
    """An event of RDS wakes at most the one function that waits for it."""
    assert ([step] if step else []) == woken(event(kind, event_id, message))


@EVENTS
def test_an_rds_event_without_its_id_wakes_its_function(
    kind: Kind, event_id: str, message: str, step: str | None
) -> None:
    """Some payloads have none, and the published schema knows none: the beginning of the message
    has to do.
    """
    assert ([step] if step else []) == woken(event(kind, None, message))


@EVENTS
def test_an_rds_event_with_a_longer_message_wakes_its_function(
    kind: Kind, event_id: str, message: str, step: str | None
) -> None:
    """Live messages have no full stop, the documentation's do.

    Official samples put `rds:` before names.
    """
    dotted = event(kind, None, f"{message}.", "rds:staging-cluster")

    assert ([step] if step else []) == woken(dotted)


@EVENTS
def test_moto_matches_it_as_we_do(
    kind: Kind, event_id: str, message: str, step: str | None
) -> None:
    """The matcher of moto agrees with ours on every pattern."""
    envelope: Any = event(kind, event_id, message)
    theirs = [
        name
        for name in (*STEPS, "cancel-restore")
        if EventPattern.load(json.dumps(pattern(name, STAGE))).matches_event(envelope)
    ]

    assert woken(envelope) == theirs


@pytest.mark.parametrize("row", CHOREOGRAPHY, ids=lambda row: row.event)
def test_each_announcement_wakes_the_step_of_its_state_and_no_other(row: Any) -> None:
    """An end wakes nobody of ours: it is for those who hang their own steps on it."""
    envelope = {
        "source": "aurora-restore.test",
        "detail-type": row.event,
        "detail": {"operation_id": "one"},
    }

    assert ([row.step] if row.step else []) == woken(envelope)
    assert (row.step is None) == (row.state in TERMINAL)


@pytest.mark.parametrize(
    ("detail_type", "step"),
    [
        ("RestoreRequested", "snapshot-check"),
        ("RollbackRequested", "snapshot-check"),
        ("CancelRequested", "cancel-restore"),
    ],
)
def test_each_request_wakes_its_function(detail_type: str, step: str) -> None:
    """A request of our own stage wakes its function, and one of another stage none."""
    ours = {"source": "aurora-restore.test", "detail-type": detail_type, "detail": {}}

    assert [step] == woken(ours)
    assert [] == woken(ours | {"source": "aurora-restore.test2"})
    assert [] == woken(ours | {"source": "aurora-restore.prod"})
    assert [] == woken(ours | {"source": "aws.rds"})


def test_other_services_events_wake_nobody() -> None:
    """An event of another service wakes no function."""
    found = woken(
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}}
    )

    assert [] == found
    assert [] == woken(
        event(SNAPSHOT, "RDS-EVENT-0169", "Automated cluster snapshot created") | {"source": "mine"}
    )


@pytest.mark.parametrize("step", [*STEPS, "cancel-restore"])
@pytest.mark.parametrize("stage", ["local", "prod", "a" * 16])
def test_every_pattern_is_one_that_eventbridge_takes(step: str, stage: str) -> None:
    """Every pattern keeps EventBridge's limits for operators, branches and length."""
    text = json.dumps(pattern(step, stage))

    assert json.loads(text) == patterns.parse(text)


def test_what_the_model_of_aurora_emits_is_what_the_patterns_wait_for() -> None:
    """Each kind of event that wakes a state comes up on a night, or names a failure.

    With or without its id.
    """
    stage = SimulatedStage()
    stage.staging()
    stage.night()
    stage.run_to_the_end()
    seen = [emitted for emitted in stage.delivered if emitted["source"] == "aws.rds"]
    heard = [emitted for emitted in seen if woken(emitted)]
    expected = {
        "RDS-EVENT-0168",
        "RDS-EVENT-0169",
        "RDS-EVENT-0170",
        "RDS-EVENT-0171",
        "RDS-EVENT-0005",
        "RDS-EVENT-0016",
    }

    assert expected == {emitted["detail"]["EventID"] for emitted in heard}
    assert {"RDS-EVENT-0003"} == {
        emitted["detail"]["EventID"] for emitted in seen if emitted not in heard
    }
    for emitted in heard:
        nameless = emitted | {
            "detail": {key: value for key, value in emitted["detail"].items() if key != "EventID"}
        }
        assert woken(emitted) == woken(nameless) != []


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(model_events).values() if isinstance(kind, model_events.EventKind)],
    ids=str,
)
def test_every_kind_of_event_of_the_model_wakes_the_same_functions_without_its_id(
    kind: model_events.EventKind,
) -> None:
    """Its failures, too, are told in the words that the patterns know."""
    for resource in (SNAPSHOT, CLUSTER, INSTANCE):
        if (resource, kind.event_id) in {(known[0], known[1]) for known in KNOWN}:
            assert woken(event(resource, kind.event_id, kind.message)) == woken(
                event(resource, None, kind.message)
            )


@pytest.mark.parametrize(
    "row", [row for row in ROWS.values() if row.rds_events], ids=lambda row: str(row.state)
)
def test_the_code_judges_events_as_the_patterns_do(row: Any) -> None:
    """A notice is one of those that a state waits for exactly when its rule lets it in."""
    for known in row.rds_events:
        kind = next(kind for kind, *_ in KNOWN if kind[0] == known.detail_type)
        with_id = RdsNotice.of(event(kind, known.event_id, "in other words"))
        without = RdsNotice.of(event(kind, None, f"{known.message} and so on."))

        assert with_id.is_one_of(row.rds_events)
        assert without.is_one_of(row.rds_events)
        assert not RdsNotice.of(event(kind, "RDS-EVENT-9999", known.message)).is_one_of(
            row.rds_events
        )


def test_the_documented_sample_is_read_as_it_stands() -> None:
    """An automated-looking name with a manual message: the identifier keeps its colon, the id
    decides.
    """
    sample = event(
        SNAPSHOT, "RDS-EVENT-0074", "Creating manual cluster snapshot", "rds:my-db-cluster-snapshot"
    )
    notice = RdsNotice.of(sample)

    assert "rds:my-db-cluster-snapshot" == notice.identifier
    assert False is notice.starts_something


def test_an_event_without_details_is_read_as_one_that_says_nothing() -> None:
    """A payload of a shape that nobody has seen yet must not be a bug."""
    notice = RdsNotice.of(
        {"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": None}
    )

    assert ("", "", None) == (notice.arn, notice.message, notice.event)
    assert False is notice.is_one_of(
        (RdsEvent("RDS-EVENT-0170", "RDS DB Cluster Event", "DB cluster created"),)
    )

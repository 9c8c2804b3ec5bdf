"""Whatever stands in an event, no function fails of it: it is ignored, refused with a notice, or
obeyed.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.flow.choreography import STEPS
from simulation.stage import ACCOUNT, SOURCE_REGION, TARGET_REGION, SimulatedStage

TARGET = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:staging-cluster"
SNAPSHOT = f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:cluster-snapshot"
ARNS = [
    "",
    "arn:",
    "arn",
    ":::::::",
    TARGET,
    f"{TARGET}-1",
    f"{SNAPSHOT}:",
    f"{SNAPSHOT}:rds:",
    f"{SNAPSHOT}:rds:gone",
    f"{SNAPSHOT}:{'x' * 300}",
    f"{SNAPSHOT}:a b",
    f"{SNAPSHOT}:\ud800",
    SNAPSHOT.replace("rds", "ec2") + ":one",
    SNAPSHOT.replace(SOURCE_REGION, "eu-west-9") + ":one",
    SNAPSHOT.replace(ACCOUNT, "0") + ":one",
    "rds:",
    "-",
    "a" * 256,
]
NAMES = [
    "default",
    "last",
    "none-such",
    f"target#{TARGET}",
    "target#",
    "#",
    "x" * 200,
    "\x00",
    "\ud800",
    "é",
    " ",
]
FIELDS = [
    "request_id",
    "plan",
    "snapshot_identifier",
    "rerun_of",
    "from_step",
    "reason",
    "operation_id",
    "older",
    "SourceArn",
    "EventID",
    "Message",
    "SourceIdentifier",
    "Date",
    "state",
    "version",
    "\ud800",
]
RDS_TEXTS = [
    "RDS-EVENT-0169",
    "RDS-EVENT-0075",
    "RDS-EVENT-0171",
    "RDS-EVENT-0005",
    "Automated cluster snapshot created",
    "DB cluster deleted",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([*ARNS, *NAMES, *STEPS, *RDS_TEXTS])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
DETAILS = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6) | VALUES
KINDS = ["RestoreRequested", "CancelRequested", "SnapshotFound", "RestoreFailing", "Nonsense"]
RDS_KINDS = ["RDS DB Cluster Snapshot Event", "RDS DB Cluster Event", "RDS DB Instance Event"]
TIMES = [
    "",
    "now",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2999-01-01T00:00:00Z",
    "2026-11-23",
]
ENVELOPES = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["aurora-restore.test", "aws.rds"]) | VALUES,
        "detail-type": st.sampled_from([*KINDS, *RDS_KINDS]) | VALUES,
    },
    optional={
        "detail": DETAILS,
        "id": st.text(max_size=8) | VALUES,
        "time": st.sampled_from(TIMES) | VALUES,
        "resources": st.lists(st.sampled_from(ARNS), max_size=2) | VALUES,
        "replay-name": VALUES,
        "account": st.just(ACCOUNT) | VALUES,
        "region": st.sampled_from([SOURCE_REGION, TARGET_REGION]) | VALUES,
    },
)
THOROUGH = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def stage() -> SimulatedStage:
    """Make a stage on which one night succeeded."""
    made = SimulatedStage()
    made.night()
    made.run_to_the_end()
    return made


@THOROUGH
@given(step=st.sampled_from([*STEPS, "cancel-restore"]), envelope=ENVELOPES)
def test_no_event_fails_a_function(
    stage: SimulatedStage, step: str, envelope: dict[str, Any]
) -> None:
    """No event of any kind fails a function or changes the target's item."""
    target = stage.store.tables["state"][f"target#{TARGET}"].copy()
    stage.invoke(step, envelope)

    assert [] == stage.failures
    assert target == stage.store.tables["state"][f"target#{TARGET}"] or stage.target().locked_by


REQUESTS = st.dictionaries(
    st.sampled_from(
        ["request_id", "plan", "snapshot_identifier", "rerun_of", "from_step", "reason", "older"]
    ),
    st.sampled_from([*NAMES, *ARNS, *STEPS, True, "default", "last"]) | VALUES,
    max_size=4,
)


@THOROUGH
@given(detail=REQUESTS)
def test_a_request_is_accepted_or_refused_with_one_notification(
    stage: SimulatedStage, detail: dict[str, Any]
) -> None:
    """A request leads to one operation or to one notice of its refusal."""
    operations, notices = len(stage.all_operations()), len(stage.notices())
    stage.put("RestoreRequested", **detail)
    stage.deliver_one(stage.queue.pop())
    refused = [notice for notice in stage.notices()[notices:] if notice["kind"] == "refused"]

    assert [] == stage.failures
    assert 1 == len(stage.all_operations()) - operations + len(refused)
    stage.run_to_the_end()


@pytest.mark.parametrize(
    "operation_id", [f"target#{TARGET}", "target#", "", "x" * 3_000, 7, None, ["one"]]
)
def test_an_announcement_of_what_is_no_operation_is_ignored(
    stage: SimulatedStage, operation_id: Any
) -> None:
    """The targets' items stand in the same table.

    A record that cannot be read would raise an alarm.
    """
    stage.queue.clear()
    before = json.dumps(stage.store.tables, default=str)
    for step in (*STEPS, "cancel-restore"):
        stage.invoke(
            step,
            {
                "source": "aurora-restore.test",
                "detail-type": "X",
                "detail": {"operation_id": operation_id},
            },
        )

    assert [] == stage.failures
    assert before == json.dumps(stage.store.tables, default=str)


def test_an_announcement_of_next_year_is_ignored(stage: SimulatedStage) -> None:
    """Nobody's clock is that wrong; a few minutes are let pass."""
    stage.night()
    while stage.all_operations()[-1].open is None:
        stage.step_time()
    announcement = stage.delivered[-1]
    operation = stage.all_operations()[-1]
    later = stage.clock.now() + timedelta(days=365)
    stage.invoke("check-copy-status", {**announcement, "time": later.isoformat()})

    assert operation == stage.all_operations()[-1]


@pytest.mark.parametrize(
    "identifier",
    ["arn:", "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:", "rds:", " ", "a_b"],
)
def test_a_snapshot_identifier_that_cannot_be_one_is_refused(
    stage: SimulatedStage, identifier: str
) -> None:
    """An invalid snapshot identifier is refused without a call of AWS."""
    stage.put("RestoreRequested", snapshot_identifier=identifier)
    stage.deliver()
    expected = "should be the identifier or the ARN of a cluster snapshot"

    assert [] == stage.failures
    assert expected in stage.notices()[-1]["reason"]

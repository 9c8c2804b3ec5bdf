"""CloudTrail's records as calls: names, principals, errors, and their place in the trail of the
tables.
"""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from simulation.cloudtrail import Stay, calls_of, read_trail
from simulation.history import Called
from tests.simulation.exports import record
from tests.simulation.trace_builder import ACCOUNT, PLAN, START, TraceBuilder

DELETION: dict[str, Any] = {
    "eventVersion": "1.08",
    "eventID": "e-1",
    "eventTime": "2026-03-01T02:05:09Z",
    "eventSource": "rds.amazonaws.com",
    "eventName": "DeleteDBCluster",
    "awsRegion": "us-west-2",
    "requestParameters": {"dBClusterIdentifier": "staging-cluster", "skipFinalSnapshot": True},
    "responseElements": {
        "dBClusterIdentifier": "staging-cluster",
        "dbClusterResourceId": "cluster-OLD",
        "status": "available",
        "dBClusterMembers": [
            {"dBInstanceIdentifier": "staging-cluster-1", "isClusterWriter": True}
        ],
        "tagList": [{"key": "aurora-restore", "value": "dev/default"}],
        "somethingNew": 1,
    },
    "userIdentity": {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/aurora-restore-dev-delete-rds/a-session",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "userName": "aurora-restore-dev-delete-rds"}
        },
    },
}


def test_a_record_becomes_a_call_in_the_apis_own_names() -> None:
    """Names and the wrapping member come from botocore's model; what that does not know stays."""
    shown = {
        "DBClusterIdentifier": "staging-cluster",
        "DbClusterResourceId": "cluster-OLD",
        "Status": "available",
        "DBClusterMembers": [
            {"DBInstanceIdentifier": "staging-cluster-1", "IsClusterWriter": True}
        ],
        "TagList": [{"Key": "aurora-restore", "Value": "dev/default"}],
        "somethingNew": 1,
    }

    assert [
        Called(
            datetime(2026, 3, 1, 2, 5, 9, tzinfo=UTC),
            "delete-rds",
            "rds",
            "DeleteDBCluster",
            "us-west-2",
            {"DBClusterIdentifier": "staging-cluster", "SkipFinalSnapshot": True},
            None,
            {"DBCluster": shown},
        )
    ] == calls_of([DELETION], "dev")


def test_an_error_is_a_call_without_an_answer() -> None:
    """A record of an error becomes a call with AWS's code and no answer."""
    refused = {**DELETION, "errorCode": "DBClusterNotFoundFault", "responseElements": None}
    (call,) = calls_of([refused], "dev")

    assert ("DBClusterNotFoundFault", {}) == (call.error, call.answer)


def test_a_read_has_no_answer() -> None:
    """CloudTrail leaves it out; a call without parameters has null."""
    read = {
        **DELETION,
        "eventName": "DescribeDBClusters",
        "responseElements": None,
        "requestParameters": None,
    }
    (call,) = calls_of([read], "dev")

    assert ("DescribeDBClusters", {}, {}) == (call.action, call.parameters, call.answer)


def test_a_hidden_password_stays_hidden() -> None:
    """CloudTrail shows stars, in the request and in what is pending."""
    request = {
        "dBClusterIdentifier": "staging-cluster",
        "masterUserPassword": "****",
        "applyImmediately": True,
    }
    (call,) = calls_of(
        [{**DELETION, "eventName": "ModifyDBCluster", "requestParameters": request}], "dev"
    )

    assert "****" == call.parameters["MasterUserPassword"]


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{ACCOUNT}:user/dba",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/somebody",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/aurora-restore-prod-delete-rds/aurora-restore-prod-delete-rds",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/aurora-restore-dev-other/aurora-restore-dev-other",
    ],
)
def test_others_are_named_by_their_arn(arn: str) -> None:
    """People, other stages, and what only begins like a function of ours."""
    (call,) = calls_of([{**DELETION, "userIdentity": {"type": "AssumedRole", "arn": arn}}], "dev")

    assert arn == call.by


def test_a_service_of_another_name_is_left_out_and_a_double_counts_once() -> None:
    """Files of lookups overlap, and hold what else happened."""
    other = {**DELETION, "eventSource": "ec2.amazonaws.com", "eventID": "e-2"}

    assert 1 == len(calls_of([DELETION, other, DELETION], "dev"))


def test_an_action_that_the_model_does_not_know_keeps_its_names() -> None:
    """An action that is newer than botocore's model keeps its names."""
    (call,) = calls_of([{**DELETION, "eventName": "DreamDBCluster"}], "dev")

    assert {"dBClusterIdentifier": "staging-cluster", "skipFinalSnapshot": True} == call.parameters


def test_a_call_is_put_into_the_visit_of_its_step() -> None:
    """A call is dated to the second, so it is moved into the later matching visit of its step."""
    decided = Stay(
        "night-1", "night-1", "delete-rds", START, START + timedelta(seconds=300.5), PLAN
    )
    deleting = Stay(
        "night-1",
        "night-1",
        "delete-rds",
        decided.left + timedelta(seconds=9),
        START + timedelta(hours=1),
        PLAN,
    )
    (call,) = calls_of([DELETION], "dev", [decided, deleting])

    assert ("night-1", deleting.entered) == (call.operation_id, call.at)


def test_of_two_operations_the_one_whose_target_is_named_is_meant() -> None:
    """Plans run side by side; what fits neither, or both, belongs to none."""
    other = replace(PLAN, target=replace(PLAN.target, cluster_id="elsewhere"))
    stays = [
        Stay(name, name, "delete-rds", START, START + timedelta(hours=1), plan)
        for name, plan in [("theirs", other), ("mine", PLAN)]
    ]
    found = [
        calls_of([DELETION], "dev", stays)[0],
        calls_of([DELETION], "dev", [stays[1], _twin(stays[1])])[0],
    ]

    assert ["mine", None] == [call.operation_id for call in found]


def test_a_restore_is_known_by_its_tags() -> None:
    """The chain of reruns that it belongs to is in the request."""
    trace = TraceBuilder("mine").copy().go(State.TARGET_CLEAR).restore()
    restore = next(
        entry
        for entry in trace.entries
        if isinstance(entry, Called) and entry.action.startswith("Restore")
    )
    stays = [
        Stay(name, name, "restore-snapshot", restore.at, restore.at + timedelta(hours=1), PLAN)
        for name in ("theirs", "mine")
    ]
    (call,) = calls_of([record(restore)], "dev", stays)

    assert "mine" == call.operation_id


@pytest.mark.parametrize(
    "found",
    [
        {"Records": [DELETION]},
        [DELETION],
        DELETION,
        [json.dumps(DELETION)],
        {"Events": [{"EventId": "e-1", "CloudTrailEvent": json.dumps(DELETION)}]},
    ],
)
def test_a_file_may_have_any_shape_of_cloudtrails(tmp_path: Path, found: object) -> None:
    """CloudTrail's stored files, the output of `lookup-events` and lists of events can be read."""
    plain, packed = tmp_path / "trail.json", tmp_path / "trail.json.gz"
    plain.write_text(json.dumps(found))
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert [DELETION] == read_trail(plain) == read_trail(packed)


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    """A file without CloudTrail's records is refused."""
    path = tmp_path / "other.json"
    path.write_text('{"Items": []}')

    with pytest.raises(ValueError, match="no records of CloudTrail"):
        read_trail(path)


def _twin(stay: Stay) -> Stay:
    return Stay("twin", "twin", stay.step, stay.entered, stay.left, stay.settings)

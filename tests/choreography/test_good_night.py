"""One night on which nothing goes wrong, looked at from every side."""

import json
import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.flow.choreography import (
    CHOREOGRAPHY,
    NETWORK_TRIED,
    ROWS,
    TERMINAL,
    State,
    StateRow,
    is_allowed,
)
from chalicelib.flow.timestamps import iso_timestamp
from simulation.stage import APP, MASTER_PASSWORD, PRODUCTION_PASSWORD, TARGET_REGION
from tests.choreography.run_night import FaultyStage

PATH = [
    "ACCEPTED",
    "SNAPSHOT_FOUND",
    "COPYING",
    "SNAPSHOT_READY",
    "PREFLIGHT_PASSED",
    "NETWORK_REACHED",
    "TARGET_DELETING",
    "TARGET_CLEAR",
    "CLUSTER_RESTORING",
    "CLUSTER_RESTORED",
    "INSTANCES_CREATING",
    "RESTORED",
    "READERS_CREATING",
    "USERS_READY",
    "TARGET_OPEN",
    "ARCHIVED",
    "SUCCEEDED",
]
# the minute that the virtual clock has reached when night falls
SNAPSHOT = "rds:prod-cluster-2026-11-23-03-03"


def test_a_night_goes_through_the_table_and_keeps_its_promises(stage: FaultyStage) -> None:
    """Every state of the good path once, and nothing that is promised of every night is broken."""
    ended = stage.run_night()

    assert State.SUCCEEDED == ended.state
    assert PATH == stage.path()
    assert [] == stage.broken_promises()
    assert [] == stage.failures


def test_every_state_is_left_by_the_step_of_its_row(stage: FaultyStage) -> None:
    """The durations name the step that worked in each state, as the table has it."""
    worked = {duration.state: duration.step for duration in stage.run_night().durations}

    assert {State(state): ROWS[State(state)].step for state in PATH[:-1]} == worked


def test_every_state_is_announced_as_its_row_says(stage: FaultyStage) -> None:
    """Ours on the bus, in order: the table's detail-types, ends included."""
    stage.run_night()
    announced = [
        envelope["detail-type"]
        for envelope in stage.delivered
        if envelope["source"] == "aurora-restore.test"
    ]

    assert [ROWS[State(state)].event for state in PATH] == (
        [name for name in dict.fromkeys(announced) if name != NETWORK_TRIED]
    )


def test_the_table_knows_every_change_of_state_that_happened(stage: FaultyStage) -> None:
    """Audit rows tell from where to where; the table allows each."""
    ended = stage.run_night()
    rows = [
        row
        for row in stage.trail(ended.operation_id)
        if "from_state" in row and "#intent" not in row["metric_id"]
    ]

    assert [(before, after, True) for before, after in pairwise(PATH)] == [
        (
            row["from_state"],
            row["to_state"],
            is_allowed(State(row["from_state"]), State(row["to_state"])),
        )
        for row in rows
    ]


def test_an_audit_row_says_who_what_when_and_how_long(stage: FaultyStage) -> None:
    """An audit row, without its facts, equals the one that is expected."""
    ended = stage.run_night()
    row = next(
        row for row in stage.trail(ended.operation_id) if row["to_state"] == "SNAPSHOT_READY"
    )
    copied, entered = ended.durations[2], ended.durations[3].started_at

    assert {
        "metric_id": f"{ended.operation_id}#000004",
        "operation_id": ended.operation_id,
        "plan": "default",
        "at": iso_timestamp(entered),
        "step": "check-copy-status",
        "from_state": "COPYING",
        "to_state": "SNAPSHOT_READY",
        "took_seconds": copied.seconds,
        "who": f"the automated snapshot {SNAPSHOT}",
        "what": f"{ended.name_of_copy} is available in us-west-2",
        "expires_at": int((entered + timedelta(days=400)).timestamp()),
    } == {key: value for key, value in row.items() if key != "facts"}


def test_the_trail_of_a_night_with_one_of_each_counts_in_the_singular() -> None:
    """The audit rows of one instance and one login use the singular."""
    stage = FaultyStage({"INSTANCE_COUNT": "1"}, staging=False)
    stage.make_cluster(
        "staging-cluster", TARGET_REGION, tags={"aurora-restore": "test/default"}, members=1
    )
    told = [row["what"] for row in stage.trail(stage.run_night().operation_id)]

    assert "Aurora creates the writer, staging-cluster-1" in told
    assert any("with 1 instance will be deleted" in row for row in told)
    assert any("closed: 1 login of production" in row for row in told)
    assert [] == [row for row in told if re.search(r"(?<!-)\b1 \w+s\b", row)]


def test_the_end_frees_the_target_and_says_how_fresh_it_is(stage: FaultyStage) -> None:
    """The target's item has no holder, but the last success and its snapshot's age."""
    ended = stage.run_night()
    target = stage.target()

    assert target.locked_by is None
    assert ended.operation_id == target.last_success_operation
    assert ended.ended_at == target.last_success_at
    assert ended.facts.snapshot.created_at == target.last_success_snapshot_at


def test_the_end_is_sent_to_people_and_as_an_event(stage: FaultyStage) -> None:
    """The end is one notice that tells how to use the copy, and one event."""
    ended = stage.run_night()
    (notice,) = stage.notices()
    told = {
        key: notice[key]
        for key in ("outcome", "operation_id", "endpoint", "port", "production_logins_closed")
    }

    assert {
        "outcome": "SUCCEEDED",
        "operation_id": ended.operation_id,
        "endpoint": ended.facts.target.endpoint,
        "port": 5432,
        "production_logins_closed": True,
    } == told


def test_the_last_event_carries_what_users_hang_their_own_steps_on(stage: FaultyStage) -> None:
    """Endpoints, secrets, age of the data, durations; and no secret's value."""
    ended = stage.run_night()
    detail = next(
        envelope["detail"]
        for envelope in stage.delivered
        if envelope["detail-type"] == "RestoreSucceeded"
    )

    assert ended.facts.target.reader_endpoint == detail["reader_endpoint"]
    assert "aurora-restore/test/app-db-credentials" == detail["app_credentials_secret_id"]
    assert detail["notified"] is True
    assert 16 == len(detail["durations"])


def test_who_may_log_in_after_a_night(stage: FaultyStage) -> None:
    """The master with the secret's password and our two users; production's login is closed."""
    ended = stage.run_night()
    roles = stage.cluster_at(ended.facts.target.endpoint or "").roles

    assert {
        "master": MASTER_PASSWORD,
        APP["app_username"]: APP["app_password"],
        APP["readonly_username"]: APP["readonly_password"],
    } == {name: role.password for name, role in roles.items() if role.can_login and role.password}


def test_no_password_reaches_a_record_an_event_or_a_notice(stage: FaultyStage) -> None:
    """Looked for in everything that was written or sent."""
    stage.run_night()
    written = json.dumps(
        [
            stage.store.tables,
            stage.delivered,
            stage.topics.published(stage.environment["SNS_TOPIC_ARN"]),
        ]
    )
    secrets = [MASTER_PASSWORD, PRODUCTION_PASSWORD, APP["app_password"], APP["readonly_password"]]

    assert [] == [secret for secret in secrets if secret in written]


def test_everything_that_was_made_carries_our_tags(stage: FaultyStage) -> None:
    """Cluster, instances and copy: stage and plan, and the operation."""
    ended = stage.run_night()
    rds = stage.rds(TARGET_REGION)
    cluster = rds.describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"][0]
    instances = rds.describe_db_instances(
        Filters=[{"Name": "db-cluster-id", "Values": ["staging-cluster"]}]
    )
    copy = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=ended.name_of_copy)[
        "DBClusterSnapshots"
    ][0]
    resources = (cluster, *instances["DBInstances"], copy)
    tags = [_tags_at_restore(resource) for resource in resources]
    ours = {("aurora-restore", "test/default"), ("aurora-restore-operation", ended.operation_id)}

    assert [ours] * 4 == tags


def _tags_at_restore(resource: Any) -> set[tuple[str, str]]:
    """Give a resource's tags but that of its archiving."""
    return {
        (tag["Key"], tag["Value"]) for tag in resource["TagList"] if "archived" not in tag["Key"]
    }


def test_the_old_target_is_deleted_readers_first(stage: FaultyStage) -> None:
    """Instances before the cluster, the writer last of them, and the intent stands in the record
    before.
    """
    ended = stage.run_night()
    deleted = [
        call.parameters.get("DBInstanceIdentifier") or call.parameters["DBClusterIdentifier"]
        for call in stage.calls_of("delete_db_instance", "delete_db_cluster")
    ]
    members = ended.facts.target.old.members if ended.facts.target.old else ()

    assert ["staging-cluster-2", "staging-cluster-1"] == list(members)
    asked_first, *deleted = deleted  # AWS answers that the cluster still has instances

    assert "staging-cluster" == asked_first == deleted[-1]
    assert list(members) == deleted[:-1]


def test_a_second_night_replaces_what_the_first_made(stage: FaultyStage) -> None:
    """The same again some time later: the first night's cluster is the second's victim."""
    first = stage.run_night()
    stage.run(1800)
    second = stage.run_night()

    assert State.SUCCEEDED == second.state
    assert first.facts.target.cluster_resource_id == (
        second.facts.target.old.resource_id if second.facts.target.old else None
    )
    assert [] == stage.broken_promises()


@pytest.mark.parametrize("row", CHOREOGRAPHY, ids=lambda row: row.state)
def test_the_table_leads_from_every_state_to_an_end(row: StateRow) -> None:
    """Following any way through the table long enough ends; only the failed copy leads back."""
    seen: set[State] = set()
    waiting = [row.state]
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            waiting += [
                *ROWS[state].leads_to,
                *([ROWS[state].on_giving_up] if ROWS[state].step else []),
            ]

    assert seen & TERMINAL

"""Production's logins are disabled before there are readers, and the record says for how long they
worked on the copy.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.database.restored_database import DatabaseBusyError
from chalicelib.flow import exposure
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.facts import Facts, UserFacts
from chalicelib.flow.operation import Operation
from tests.choreography.fault_injection import raised, refused
from tests.choreography.requests import again
from tests.choreography.run_night import REHEARSING, FaultyStage, target_of

READER_ARN = target_of("x").replace("cluster:x", "db:staging-cluster-2")
CREATE = "rds.create_db_instance"
FOREVER = 10**6


def users_of(stage: FaultyStage) -> set[str]:
    """Name the roles that may log in to the copy."""
    roles = stage.cluster_at(stage.only().facts.target.endpoint or "").roles
    return {name for name, role in roles.items() if role.can_login and role.password}


def test_the_readers_are_made_when_production_is_locked_out_and_beside_the_users(
    stage: FaultyStage,
) -> None:
    """The writer is created first, the readers between lock-out and users, each once."""
    stage.run_night()
    told = [
        "revoke_production_logins",
        "create_db_instance",
        "quiesce",
        "ensure_users",
        "verify_users",
    ]
    made = [
        call
        for call in stage.made
        if call.method in told and call.state not in REHEARSING  # where it was only tried
    ]

    assert [("restore-snapshot", "staging-cluster-1"), ("setup-db-users", "staging-cluster-2")] == [
        (call.step, call.parameters["DBInstanceIdentifier"])
        for call in made
        if call.method == "create_db_instance"
    ]
    assert ["create_db_instance", *told] == [call.method for call in made]


def test_a_cluster_of_one_instance_waits_for_no_reader() -> None:
    """The users of a cluster with one instance are ready once they are verified."""
    stage = FaultyStage({"INSTANCE_COUNT": "1"})
    stage.run_night()

    assert "READERS_CREATING" not in stage.path()


@pytest.mark.parametrize(
    ("code", "ends"),
    [("InsufficientDBInstanceCapacity", State.SUCCEEDED), ("AccessDenied", State.FAILED)],
)
def test_a_failing_reader_does_not_delay_the_users(
    stage: FaultyStage, code: str, ends: State
) -> None:
    """Production is out and the users are in before a reader's error is retried or fails it."""
    stage.inject(refused(code), state="RESTORED", call=CREATE)
    stage.night()
    stage.reach(State.RESTORED)
    stage.deliver()
    stage.run(20)
    users = users_of(stage)
    ended = stage.run_to_the_end()

    assert ({"master", "app_user", "readonly_user"}, ends) == (users, ended.state)
    assert (code in str(ended.reason)) == (ends is State.FAILED)
    assert ended.facts.users.production_logins_closed is True


def test_a_failing_reader_is_reported_while_the_users_wait(stage: FaultyStage) -> None:
    """A failed reader is reported at once, even while the users are still delayed."""
    stage.inject(
        raised(DatabaseBusyError("The database is busy.")),
        call="postgresql.verify_users",
        times=FOREVER,
    )
    stage.night()
    stage.reach(State.RESTORED)
    stage.deliver()
    stage.run(120)
    stage.aurora.set_status(READER_ARN, "incompatible-network")
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert State.RESTORED == ended.stopped_at
    assert "staging-cluster-2 is incompatible-network" in str(ended.reason)


def test_refused_users_are_reported_while_readers_are_created(stage: FaultyStage) -> None:
    """Nobody waits for a reader of an operation that fails."""
    stage.inject(
        raised(RefusedError("No such right.", "Grant it.")), call="postgresql.verify_users"
    )
    ended = stage.run_night()

    assert State.FAILED == ended.state
    assert State.RESTORED == ended.stopped_at
    assert "No such right." == ended.reason
    assert ("staging-cluster-1", "staging-cluster-2") == ended.facts.target.instances


@pytest.mark.parametrize("status", ["incompatible-network", "failed"])
def test_a_reader_that_fails_ends_the_operation(stage: FaultyStage, status: str) -> None:
    """A failed reader fails the operation by the same step as a failed writer."""
    stage.night()
    stage.reach(State.READERS_CREATING)
    stage.aurora.set_status(READER_ARN, status)
    ended = stage.run_to_the_end()

    assert State.FAILED == ended.state
    assert "check-restore-status" == ended.failed_step
    assert "delete-rds" == ended.rerun_from
    assert f"staging-cluster-2 is {status}" in str(ended.reason)


def with_all_instances(stage: FaultyStage) -> Operation:
    """Make the record one of the version before, which asked for all instances at once and noted no
    times.
    """
    stage.night()
    before = stage.reach(State.INSTANCES_CREATING)
    tags = stage.rds().describe_db_instances(DBInstanceIdentifier="staging-cluster-1")[
        "DBInstances"
    ][0]["TagList"]
    stage.rds().create_db_instance(
        DBInstanceIdentifier="staging-cluster-2",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="staging-cluster",
        Tags=tags,
        PubliclyAccessible=False,
    )
    facts = replace(
        before.facts,
        users=replace(before.facts.users, exposed_from=None),
        target=replace(before.facts.target, instances=before.instance_ids),
    )
    facts = replace(before, facts=facts).to_item()["facts"]
    stage.edit(before.operation_id, facts=facts)
    return stage.run_to_the_end()


def test_a_record_of_the_version_before_goes_on(stage: FaultyStage) -> None:
    """A record whose instances exist already goes on and claims no exposure time."""
    ended = with_all_instances(stage)

    assert State.SUCCEEDED == ended.state
    assert 1 == len(stage.created_instances())
    assert stage.notices()[-1]["exposure_seconds_max"] is None
    assert "passwords worked on the copy" not in stage.notices()[-1]["text"]


def test_the_exposure_is_in_the_record_notification_event_and_audit_trail(
    stage: FaultyStage,
) -> None:
    """People and machines read the same time."""
    ended = stage.run_night()
    notice, text = stage.notices()[-1], exposure.sentence(ended.facts)
    event = next(
        envelope["detail"]
        for envelope in stage.delivered
        if envelope["detail-type"] == "RestoreSucceeded"
    )
    trail = [row["to_state"] for row in stage.trail(ended.operation_id) if text in row["what"]]

    assert (["READERS_CREATING"], True) == (trail, f"P{text[1:]}." in notice["text"])
    assert [exposure.seconds_max(ended.facts)] * 2 == [
        message["exposure_seconds_max"] for message in (event, notice)
    ]


def test_the_time_counts_from_the_last_look_at_which_the_writer_was_being_created() -> None:
    """The exposure runs from the writer's last creating status until the logins are closed."""
    stage = FaultyStage({"RESTORE_CHECK_INTERVAL": "10"})
    ended = stage.run_night()
    began = {lasted.state: lasted.started_at for lasted in ended.durations}
    since, until = (
        ended.facts.users.exposed_from or ended.created_at,
        ended.facts.users.exposed_until or ended.created_at,
    )

    assert began[State.INSTANCES_CREATING] + timedelta(seconds=20) < since < began[State.RESTORED]
    assert began[State.RESTORED] < until <= began[State.READERS_CREATING]


def test_a_rerun_on_the_same_cluster_counts_from_the_first_runs_look(stage: FaultyStage) -> None:
    """The copy was open all the time in between; what is made anew begins anew."""
    stage.inject(
        refused("AccessDenied", 403), state="RESTORED", call="rds.modify_db_cluster", times=2
    )
    first = stage.run_night()
    stage.run(3600)
    again(stage, first.operation_id, from_step="delete-rds")
    anew = stage.all_operations()[-1]
    stage.run(3600)
    again(stage, anew.operation_id)
    ended = stage.all_operations()[-1]

    assert exposure.seconds_max(first.facts) is None
    assert exposure.seconds_max(anew.facts) is None
    assert State.SUCCEEDED == ended.state
    assert (
        first.facts.users.exposed_from
        != anew.facts.users.exposed_from
        == ended.facts.users.exposed_from
    )
    assert 3600 < (exposure.seconds_max(ended.facts) or 0)


def test_users_that_are_set_up_again_were_exposed_to_nobody(stage: FaultyStage) -> None:
    """The logins stayed closed, so only the restore has a time for which they were open."""
    first = stage.run_night()
    stage.run(3600)
    again(stage, "last", from_step="setup-db-users")
    ended = stage.all_operations()[-1]

    assert exposure.seconds_max(first.facts)
    assert exposure.seconds_max(ended.facts) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (0.4, "1 second"),
        (60, "1 minute"),
        (61.2, "1 minute 2 seconds"),
        (4210, "70 minutes 10 seconds"),
    ],
)
def test_a_duration_is_written_in_minutes_and_seconds(seconds: float, text: str) -> None:
    """Rounded up: it is the longest that it can have been."""
    began = datetime(2026, 3, 1, tzinfo=UTC)
    facts = Facts(
        users=UserFacts(exposed_from=began, exposed_until=began + timedelta(seconds=seconds))
    )
    found = exposure.sentence(facts)

    assert f"production's passwords worked on the copy for at most {text}" == found

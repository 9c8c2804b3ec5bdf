"""Every refusal of what people ask for; each with what its remedy says, asked for in its place."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jmespath  # type: ignore[import-untyped]

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from simulation.stage import APP, APP_SECRET, SOURCE_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.refusals.remedies import (
    TAKEN_NOW,
    Deed,
    Tried,
    both,
    go_on,
    newest_restore,
    next_snapshot,
    nothing,
    secret,
    setting,
    take_snapshot_now,
)
from tests.simulation.exports import marshalled


@dataclass(frozen=True, eq=False)
class RefusedRequest:
    """A request that is refused: what comes before, the request, and what is asked for in its
    place.
    """

    name: str
    before: Deed
    ask: Deed
    again: Deed
    environment: Mapping[str, str] = field(default_factory=dict)


@cache
def refused_request(request: RefusedRequest) -> Tried:
    """Ask, and then ask as the remedy says; tells how the newest operation ended."""
    stage = FaultyStage(dict(request.environment))
    request.before(stage)
    request.ask(stage)
    notification = next(notice for notice in reversed(stage.notices()) if notice["remedy"])
    assert [] == stage.failures
    request.again(stage)
    stage.run_to_the_end()
    ended = newest_restore(stage)
    return Tried(notification["reason"], notification["remedy"], ended.state, str(ended.reason))


def asking(**detail: Any) -> Deed:
    """Ask for a restore."""
    return lambda stage: stage.request(REQUESTED, **detail)


def ask_of_long_ago(stage: FaultyStage) -> None:
    """Have an event delivered that is of the year before."""
    stage.put(REQUESTED)
    stage.deliver_one(stage.queue.pop() | {"time": "2025-11-22T03:00:00Z"})


def a_failed_night(stage: FaultyStage) -> None:
    """Let a night fail while it copies."""
    stage.inject(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    stage.run_night()


def a_good_night(stage: FaultyStage) -> None:
    """Let a night succeed."""
    stage.run_night()


def a_night_that_copies(stage: FaultyStage) -> None:
    """Let an operation be under way."""
    stage.night()
    stage.reach(State.COPYING)


def a_night_at_its_end(stage: FaultyStage) -> None:
    """Let an operation only have to be told of."""
    stage.night()
    stage.reach(State.ARCHIVED)


WEEKLY = "/aurora-restore/test/plans/weekly/target-cluster-id"


def plan_weekly(stage: FaultyStage) -> None:
    """Give the stage a second plan, with a target of its own."""
    stage.parameters.put_parameter(Name=WEEKLY, Value="weekly-cluster")


def weekly_failed(stage: FaultyStage) -> None:
    """Let a restore by the second plan fail while it copies."""
    plan_weekly(stage)
    stage.request(REQUESTED, plan="weekly")
    stage.inject(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    stage.run_to_the_end()


def without_weekly(stage: FaultyStage) -> None:
    """Take the second plan away."""
    stage.parameters.delete_parameter(Name=WEEKLY)


def rerun(**detail: Any) -> Deed:
    """Ask for the newest operation again."""
    return lambda stage: stage.request(
        REQUESTED, rerun_of=stage.all_operations()[-1].operation_id, **detail
    )


def cancel(stage: FaultyStage) -> None:
    """Ask for the end of the newest operation, and wait for it."""
    stage.request(CANCEL_REQUESTED, operation_id=stage.all_operations()[-1].operation_id)
    stage.run_to_the_end()


def snapshot_of_the_remedy(stage: FaultyStage) -> None:
    """Ask for the snapshot that the last notice names."""
    (arn,) = re.findall(r"snapshot_identifier (\S+)\.", stage.notices()[-1]["remedy"])
    stage.request(REQUESTED, snapshot_identifier=arn)


def anothers_snapshot(stage: FaultyStage) -> None:
    """Take a snapshot of another cluster."""
    stage.make_cluster("other-cluster", SOURCE_REGION)
    stage.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="other-cluster", DBClusterSnapshotIdentifier="of-another"
    )
    stage.settle()


def look_the_id_up(stage: FaultyStage) -> None:
    """List the newest operations by the remedy's command, and ask for the last of them again."""
    (command,) = re.findall(r"`(aws dynamodb scan .+)`", stage.notices()[-1]["remedy"])
    typed = shlex.split(command)[3:]
    options = dict(zip(typed[::2], typed[1::2], strict=True))
    assert options["--table-name"] == stage.ports().settings.state_table_name
    items = [marshalled(item) for item in stage.store.tables["state"].values()]
    listed = jmespath.search(options["--query"], {"Items": items})
    stage.request(REQUESTED, rerun_of=listed[-1][0])


def only_known_fields(stage: FaultyStage) -> None:
    """Ask with one of the fields that the remedy lists."""
    (fields,) = re.findall(r"these fields only: (.+)\.$", stage.notices()[-1]["remedy"])
    assert "reason" in fields.split(", ")
    stage.request(REQUESTED, reason="as it should be")


def of_nobody(stage: FaultyStage) -> None:
    """Have an event delivered that has no id."""
    stage.put(REQUESTED)
    stage.deliver_one(stage.queue.pop() | {"id": ""})


def unreadable(stage: FaultyStage) -> None:
    """Let a night fail, and spoil its record."""
    a_failed_night(stage)
    stage.edit(stage.all_operations()[-1].operation_id, created_at="never")


def ask_for_the_unreadable(stage: FaultyStage) -> None:
    """Ask for its operation again."""
    stage.request(REQUESTED, rerun_of=operation_ids(stage)[0])


def repaired(stage: FaultyStage) -> None:
    """Repair the record, and ask again."""
    (operation_id,) = operation_ids(stage)
    stage.edit(operation_id, created_at=stage.store.tables["state"][operation_id]["entered_at"])
    stage.request(REQUESTED, rerun_of=operation_id)


def operation_ids(stage: FaultyStage) -> list[str]:
    """List the ids of all records."""
    return [key for key in stage.store.tables["state"] if not key.startswith("target#")]


def throttled(stage: FaultyStage) -> None:
    """Have AWS throttle the look for parameters, and ask."""
    stage.inject(refused("Throttling"), call="ssm.get_parameters_by_path")
    stage.request(REQUESTED)


def two_nights(stage: FaultyStage) -> None:
    """Let a night fail, and the next one succeed."""
    a_failed_night(stage)
    stage.run(3600)
    stage.run_night()


def older_rerun(stage: FaultyStage) -> None:
    """Ask for the first night's operation again."""
    stage.request(REQUESTED, rerun_of=stage.all_operations()[0].operation_id)


def command_of_the_remedy(stage: FaultyStage) -> None:
    """Put the command that the remedy ends with."""
    go_on(stage, stage.notices()[-1]["remedy"])


def another_snapshot(stage: FaultyStage) -> None:
    """Have a second snapshot come while the first is restored."""
    stage.clock.advance(60)
    stage.night()
    stage.run(400)


def half_a_day(stage: FaultyStage) -> None:
    """Let the heartbeat see that the target is free."""
    stage.run(12 * 3600)


def cancel_nothing(stage: FaultyStage) -> None:
    """Ask for the end of an operation without naming one."""
    stage.request(CANCEL_REQUESTED, operation_id="")


def to_the_end(stage: FaultyStage) -> None:
    """Wait for everything to end."""
    stage.run_to_the_end()


ONCE = asking(request_id="once")
LATER = asking(request_id="later")
NEWEST = both(next_snapshot, asking())
TAKEN = both(take_snapshot_now, asking(snapshot_identifier=TAKEN_NOW))
USERS_AGAIN = asking(rerun_of="last", from_step="setup-db-users")
REQUESTS = (
    RefusedRequest("of long ago", next_snapshot, ask_of_long_ago, asking()),
    RefusedRequest("no such snapshot", nothing, asking(snapshot_identifier="nowhere"), TAKEN),
    RefusedRequest(
        "another cluster's snapshot",
        anothers_snapshot,
        asking(snapshot_identifier="of-another"),
        TAKEN,
    ),
    RefusedRequest("no such plan", nothing, asking(plan="weekly"), NEWEST),
    RefusedRequest(
        "a plan that is gone",
        both(next_snapshot, weekly_failed),
        both(without_weekly, rerun()),
        both(plan_weekly, rerun()),
    ),
    RefusedRequest(
        "no such operation", a_failed_night, asking(rerun_of="never-was"), look_the_id_up
    ),
    RefusedRequest("too late to cancel", a_night_at_its_end, cancel, nothing),
    RefusedRequest("ended, so not to cancel", a_good_night, cancel, nothing),
    RefusedRequest("malformed", next_snapshot, asking(snapshot="one"), only_known_fields),
    RefusedRequest(
        "other clusters",
        both(a_failed_night, setting(TARGET_CLUSTER_ID="staging-two")),
        rerun(),
        snapshot_of_the_remedy,
    ),
    RefusedRequest("not ended", a_night_that_copies, rerun(), both(cancel, rerun())),
    RefusedRequest("succeeded", a_good_night, rerun(), snapshot_of_the_remedy),
    RefusedRequest("succeeded, for its users", a_good_night, rerun(), USERS_AGAIN),
    RefusedRequest("no success yet", next_snapshot, USERS_AGAIN, asking()),
    RefusedRequest("for older data", two_nights, older_rerun, command_of_the_remedy),
    RefusedRequest("made before", both(next_snapshot, ONCE, to_the_end), ONCE, LATER),
    RefusedRequest("being made", both(next_snapshot, ONCE), ONCE, both(to_the_end, LATER)),
    RefusedRequest("busy", a_night_that_copies, both(ONCE, to_the_end), ONCE),
    RefusedRequest("busy, for a snapshot", a_night_that_copies, another_snapshot, half_a_day),
    RefusedRequest("no operation to cancel", a_good_night, cancel_nothing, nothing),
    RefusedRequest(
        "a cancellation without a name", a_night_that_copies, cancel_nothing, both(cancel, rerun())
    ),
    RefusedRequest("without an id", next_snapshot, of_nobody, asking(request_id="mine")),
    RefusedRequest("of a record that is spoilt", unreadable, ask_for_the_unreadable, repaired),
    RefusedRequest("throttled", next_snapshot, throttled, asking()),
    RefusedRequest(
        "with settings that are none",
        both(next_snapshot, setting(INSTANCE_COUNT="abc")),
        asking(),
        both(setting(INSTANCE_COUNT="1"), asking()),
    ),
    RefusedRequest(
        "a user that may be production's",
        both(a_good_night, secret(APP_SECRET, app_username="shop_app")),
        both(asking(rerun_of="last", from_step="setup-db-users", request_id="rotated"), to_the_end),
        both(secret(APP_SECRET, **APP), USERS_AGAIN),
    ),
    RefusedRequest("a step too far", a_failed_night, rerun(from_step="setup-db-users"), rerun()),
)

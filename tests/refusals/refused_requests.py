"""Every refusal of what people ask for; each with what its remedy says, asked for in its place."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, State
from simulation.stage import APP, APP_SECRET, SOURCE_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import Night
from tests.refusals.following import (
    TAKEN_NOW,
    Deed,
    Tried,
    both,
    go_on,
    next_snapshot,
    nothing,
    secret,
    setting,
    take_snapshot_now,
)


@dataclass(frozen=True, eq=False)
class Request:
    """A request that is refused: what comes before, the request, and what is asked for in its
    place.
    """

    name: str
    before: Deed
    ask: Deed
    again: Deed


@cache
def refused_request(request: Request) -> Tried:
    """Ask, and then ask as the remedy says; tells how the newest operation ended."""
    night = Night()
    request.before(night)
    request.ask(night)
    told = next(notice for notice in reversed(night.notices()) if notice["remedy"])
    assert [] == night.failures
    request.again(night)
    ended = night.run_to_the_end()
    return Tried(told["reason"], told["remedy"], ended.state, str(ended.reason))


def asking(**detail: Any) -> Deed:
    """Ask for a restore."""
    return lambda night: night.request(REQUESTED, **detail)


def ask_of_long_ago(night: Night) -> None:
    """Have an event delivered that is of the year before."""
    night.put(REQUESTED)
    night.deliver_one(night.queue.pop() | {"time": "2025-11-22T03:00:00Z"})


def a_failed_night(night: Night) -> None:
    """Let a night fail while it copies."""
    night.hurt(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    night.dream()


def a_good_night(night: Night) -> None:
    """Let a night succeed."""
    night.dream()


def a_night_that_copies(night: Night) -> None:
    """Let an operation be under way."""
    night.night()
    night.reach(State.COPYING)


def a_night_at_its_end(night: Night) -> None:
    """Let an operation only have to be told of."""
    night.night()
    night.reach(State.ARCHIVED)


WEEKLY = "/aurora-restore/test/plans/weekly/target-cluster-id"


def plan_weekly(night: Night) -> None:
    """Give the stage a second plan, with a target of its own."""
    night.parameters.put_parameter(Name=WEEKLY, Value="weekly-cluster")


def weekly_failed(night: Night) -> None:
    """Let a restore by the second plan fail while it copies."""
    plan_weekly(night)
    night.request(REQUESTED, plan="weekly")
    night.hurt(refused("AccessDenied", 403), call="rds.copy_db_cluster_snapshot")
    night.run_to_the_end()


def without_weekly(night: Night) -> None:
    """Take the second plan away."""
    night.parameters.delete_parameter(Name=WEEKLY)


def rerun(**detail: Any) -> Deed:
    """Ask for the newest operation again."""
    return lambda night: night.request(
        REQUESTED, rerun_of=night.all_operations()[-1].operation_id, **detail
    )


def cancel(night: Night) -> None:
    """Ask for the end of the newest operation, and wait for it."""
    night.request(CANCEL_REQUESTED, operation_id=night.all_operations()[-1].operation_id)
    night.run_to_the_end()


def snapshot_of_the_remedy(night: Night) -> None:
    """Ask for the snapshot that the last notice names."""
    (arn,) = re.findall(r"snapshot_identifier (\S+)\.", night.notices()[-1]["remedy"])
    night.request(REQUESTED, snapshot_identifier=arn)


def anothers_snapshot(night: Night) -> None:
    """Take a snapshot of another cluster."""
    night.make_cluster("other-cluster", SOURCE_REGION)
    night.rds(SOURCE_REGION).create_db_cluster_snapshot(
        DBClusterIdentifier="other-cluster", DBClusterSnapshotIdentifier="of-another"
    )
    night.settle()


def look_the_id_up(night: Night) -> None:
    """Find the operation in the table that the remedy names, and ask for it again."""
    (table,) = re.findall(r"in the table (\S+)\.", night.notices()[-1]["remedy"])
    assert table == night.ports().settings.state_table_name
    night.request(REQUESTED, rerun_of=operation_ids(night)[0])


def only_known_fields(night: Night) -> None:
    """Ask with one of the fields that the remedy lists."""
    (fields,) = re.findall(r"these fields only: (.+)\.$", night.notices()[-1]["remedy"])
    assert "reason" in fields.split(", ")
    night.request(REQUESTED, reason="as it should be")


def of_nobody(night: Night) -> None:
    """Have an event delivered that has no id."""
    night.put(REQUESTED)
    night.deliver_one(night.queue.pop() | {"id": ""})


def unreadable(night: Night) -> None:
    """Let a night fail, and spoil its record."""
    a_failed_night(night)
    night.edit(night.all_operations()[-1].operation_id, created_at="never")


def ask_for_the_unreadable(night: Night) -> None:
    """Ask for its operation again."""
    night.request(REQUESTED, rerun_of=operation_ids(night)[0])


def repaired(night: Night) -> None:
    """Repair the record, and ask again."""
    (operation_id,) = operation_ids(night)
    night.edit(operation_id, created_at=night.store.tables["state"][operation_id]["entered_at"])
    night.request(REQUESTED, rerun_of=operation_id)


def operation_ids(night: Night) -> list[str]:
    """List the ids of all records."""
    return [key for key in night.store.tables["state"] if not key.startswith("target#")]


def throttled(night: Night) -> None:
    """Have AWS throttle the look for parameters, and ask."""
    night.hurt(refused("Throttling"), call="ssm.get_parameters_by_path")
    night.request(REQUESTED)


def two_nights(night: Night) -> None:
    """Let a night fail, and the next one succeed."""
    a_failed_night(night)
    night.run(3600)
    night.dream()


def older_rerun(night: Night) -> None:
    """Ask for the first night's operation again."""
    night.request(REQUESTED, rerun_of=night.all_operations()[0].operation_id)


def command_of_the_remedy(night: Night) -> None:
    """Put the command that the remedy ends with."""
    go_on(night, night.notices()[-1]["remedy"])


def to_the_end(night: Night) -> None:
    """Wait for everything to end."""
    night.run_to_the_end()


ONCE = asking(request_id="once")
LATER = asking(request_id="later")
NEWEST = both(next_snapshot, asking())
TAKEN = both(take_snapshot_now, asking(snapshot_identifier=TAKEN_NOW))
USERS_AGAIN = asking(rerun_of="last", from_step="setup-db-users")
REQUESTS = (
    Request("of long ago", next_snapshot, ask_of_long_ago, asking()),
    Request("no such snapshot", nothing, asking(snapshot_identifier="nowhere"), TAKEN),
    Request(
        "another cluster's snapshot",
        anothers_snapshot,
        asking(snapshot_identifier="of-another"),
        TAKEN,
    ),
    Request("no such plan", nothing, asking(plan="weekly"), NEWEST),
    Request(
        "a plan that is gone",
        both(next_snapshot, weekly_failed),
        both(without_weekly, rerun()),
        both(plan_weekly, rerun()),
    ),
    Request("no such operation", a_failed_night, asking(rerun_of="never-was"), look_the_id_up),
    Request("too late to cancel", a_night_at_its_end, cancel, nothing),
    Request("ended, so not to cancel", a_good_night, cancel, nothing),
    Request("malformed", next_snapshot, asking(snapshot="one"), only_known_fields),
    Request(
        "other clusters",
        both(a_failed_night, setting(TARGET_CLUSTER_ID="staging-two")),
        rerun(),
        snapshot_of_the_remedy,
    ),
    Request("not ended", a_night_that_copies, rerun(), both(cancel, rerun())),
    Request("succeeded", a_good_night, rerun(), snapshot_of_the_remedy),
    Request("succeeded, for its users", a_good_night, rerun(), USERS_AGAIN),
    Request("no success yet", next_snapshot, USERS_AGAIN, asking()),
    Request("for older data", two_nights, older_rerun, command_of_the_remedy),
    Request("made before", both(next_snapshot, ONCE, to_the_end), ONCE, LATER),
    Request("being made", both(next_snapshot, ONCE), ONCE, both(to_the_end, LATER)),
    Request("busy", a_night_that_copies, both(ONCE, to_the_end), ONCE),
    Request("without an id", next_snapshot, of_nobody, asking(request_id="mine")),
    Request("of a record that is spoilt", unreadable, ask_for_the_unreadable, repaired),
    Request("throttled", next_snapshot, throttled, asking()),
    Request(
        "with settings that are none",
        both(next_snapshot, setting(INSTANCE_COUNT="abc")),
        asking(),
        both(setting(INSTANCE_COUNT="1"), asking()),
    ),
    Request(
        "a user that may be production's",
        both(a_good_night, secret(APP_SECRET, app_username="shop_app")),
        both(asking(rerun_of="last", from_step="setup-db-users", request_id="rotated"), to_the_end),
        both(secret(APP_SECRET, **APP), USERS_AGAIN),
    ),
    Request("a step too far", a_failed_night, rerun(from_step="setup-db-users"), rerun()),
)

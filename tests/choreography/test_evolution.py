"""Records outlive deployments: what another version wrote is read, continued and kept.

The scenes `older-record@…` and `newer-record@…` try it in every state.
"""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.older_records import OLDER_FACTS, RENAMED, outdated
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import SETTINGS
from tests.choreography.run_night import Night

STATES = [
    State.ACCEPTED,
    State.COPYING,
    State.TARGET_DELETING,
    State.CLUSTER_RESTORING,
    State.RESTORED,
    State.USERS_READY,
]
OPTIONAL = (
    "attempts",
    "announcements",
    "unexpected_errors",
    "warnings",
    "durations",
    "active_seconds",
    "waiting_for",
    "automatic",
    "written_by",
    "request_reason",
    "skipped_because_locked",
    "rerun_of",
    "expected_durations",
)


def test_a_record_of_a_newer_version_is_continued(night: Night) -> None:
    """It has attributes that this version does not know; those of the record itself stay."""
    night.night()
    operation = night.reach(State.SNAPSHOT_READY)
    item = night.store.tables["state"][operation.operation_id]
    night.edit(
        operation.operation_id,
        colour="blue",
        facts=item["facts"] | {"weather": {"rain": True}},
        settings=item["settings"] | {"masking_rules": ["none"]},
    )
    ended = night.run_to_the_end()
    item = night.store.tables["state"][operation.operation_id]

    assert (State.SUCCEEDED, "blue", ["none"], []) == (
        ended.state,
        item["colour"],
        item["settings"]["masking_rules"],
        night.broken_promises(),
    )


def test_a_record_of_an_older_version_is_continued(night: Night) -> None:
    """It lacks whatever has a default."""
    night.night()
    operation = night.reach(State.SNAPSHOT_READY)
    night.edit(operation.operation_id, **dict.fromkeys(OPTIONAL))
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, []) == (ended.state, night.broken_promises())


@pytest.mark.parametrize("state", STATES)
def test_an_operation_of_the_version_before_goes_on_after_an_update(
    night: Night, state: State
) -> None:
    """An operation that the version before began succeeds after an update in its middle.

    Its record has then nothing of the older form.
    """
    night.night()
    operation = night.reach(state)
    night.edit(operation.operation_id, **older_form(operation))
    ended = night.run_to_the_end()
    item = night.store.tables["state"][operation.operation_id]

    assert (State.SUCCEEDED, []) == (ended.state, night.broken_promises())
    assert () == outdated(item)


def older_form(operation: Operation) -> dict[str, Any]:
    """Give the attributes of a record as the version before wrote them; None removes one."""
    item = operation.to_item()
    plan, facts = item["settings"], item["facts"]
    flat = {
        name: facts[phase][fact]
        for name, (phase, fact) in OLDER_FACTS.items()
        if fact in facts[phase]
    }
    settings = {
        name: (plan[group] if group else plan).get(field)
        for name, (group, field) in SETTINGS.items()
    }
    whole = {name: plan[name] for name in ("name", "stage", "account", "partition")}
    renamed = {old: item.get(new) for old, new in RENAMED.items()}
    gone = dict.fromkeys(RENAMED.values())
    return gone | renamed | {"settings": whole | settings, "facts": flat}


def test_settings_that_change_do_not_alter_what_is_under_way(night: Night) -> None:
    """The plan is frozen when the operation starts."""
    night.night()
    night.reach(State.COPYING)
    night.environment["INSTANCE_COUNT"] = "3"
    night.environment["ARCHIVE_SNAPSHOT"] = "false"
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, 2, True) == (
        ended.state,
        len(ended.facts.target.instances),
        ended.facts.copies.archived,
    )


def test_a_record_that_cannot_be_read_fails_the_invocation(night: Night) -> None:
    """It is retried and alarms.

    The record stays as it is, and the lock with it, until a person repairs it.
    """
    night.night()
    operation = night.reach(State.COPYING)
    settings = night.store.tables["state"][operation.operation_id]["settings"]
    spoilt = settings | {"target": settings["target"] | {"port": "many"}}
    night.edit(operation.operation_id, settings=spoilt)
    night.run(600)
    names = {type(error).__name__ for error in night.failures}
    night.edit(operation.operation_id, settings=settings)

    assert ({"UnreadableRecordError"}, State.SUCCEEDED, []) == (
        names,
        night.run_to_the_end().state,
        night.broken_promises(),
    )

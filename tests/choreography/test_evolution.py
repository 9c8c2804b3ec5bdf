"""Records outlive deployments: what another version wrote is read, continued and kept.

The scenes `older-record@…` and `newer-record@…` try it in every state.
"""

from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.older_records import OLDER_FACTS, RENAMED, outdated
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import SETTINGS
from chalicelib.flow.setting_definitions import EXTENDED_SUPPORT
from tests.choreography.run_night import FaultyStage

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


def test_a_record_of_a_newer_version_is_continued(stage: FaultyStage) -> None:
    """A newer version's record keeps its unknown top-level attributes."""
    stage.night()
    operation = stage.reach(State.SNAPSHOT_READY)
    item = stage.store.tables["state"][operation.operation_id]
    stage.edit(
        operation.operation_id,
        colour="blue",
        facts=item["facts"] | {"weather": {"rain": True}},
        settings=item["settings"] | {"masking_rules": ["none"]},
    )
    ended = stage.run_to_the_end()
    item = stage.store.tables["state"][operation.operation_id]

    assert State.SUCCEEDED == ended.state
    assert "blue" == item["colour"]
    assert ["none"] == item["settings"]["masking_rules"]
    assert [] == stage.broken_promises()


def test_a_record_of_an_older_version_is_continued(stage: FaultyStage) -> None:
    """An older version's record may lack every attribute that has a default."""
    stage.night()
    operation = stage.reach(State.SNAPSHOT_READY)
    stage.edit(operation.operation_id, **dict.fromkeys(OPTIONAL))
    ended = stage.run_to_the_end()

    assert (State.SUCCEEDED, []) == (ended.state, stage.broken_promises())


@pytest.mark.parametrize("state", STATES)
def test_an_operation_of_the_version_before_goes_on_after_an_update(
    stage: FaultyStage, state: State
) -> None:
    """An operation that the version before began succeeds after an update in its middle.

    Its record has then nothing of the older form. That version exported PostgreSQL's log unless
    told otherwise, and enrolled clusters in Extended Support, because it sent no choice.
    """
    stage.environment |= {
        "LOG_EXPORTS": "postgresql",
        "ENGINE_LIFECYCLE_SUPPORT": EXTENDED_SUPPORT,
    }
    stage.night()
    operation = stage.reach(state)
    stage.edit(operation.operation_id, **older_form(operation))
    ended = stage.run_to_the_end()
    item = stage.store.tables["state"][operation.operation_id]

    assert (State.SUCCEEDED, []) == (ended.state, stage.broken_promises())
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


def test_settings_that_change_do_not_alter_what_is_under_way(stage: FaultyStage) -> None:
    """The plan is frozen when the operation starts."""
    stage.night()
    stage.reach(State.COPYING)
    stage.environment["INSTANCE_COUNT"] = "3"
    stage.environment["ARCHIVE_SNAPSHOT"] = "false"
    ended = stage.run_to_the_end()

    assert State.SUCCEEDED == ended.state
    assert 2 == len(ended.facts.target.instances)
    assert ended.facts.copies.archived is True


def test_a_record_that_cannot_be_read_fails_the_invocation(stage: FaultyStage) -> None:
    """An unreadable record is retried and alarms; it and its lock stay until it is repaired."""
    stage.night()
    operation = stage.reach(State.COPYING)
    settings = stage.store.tables["state"][operation.operation_id]["settings"]
    spoilt = settings | {"target": settings["target"] | {"port": "many"}}
    stage.edit(operation.operation_id, settings=spoilt)
    stage.run(600)
    names = {type(error).__name__ for error in stage.failures}
    stage.edit(operation.operation_id, settings=settings)

    assert {"UnreadableRecordError"} == names
    assert State.SUCCEEDED == stage.run_to_the_end().state
    assert [] == stage.broken_promises()

"""Records outlive deployments: what another version wrote is read, continued and kept.

The scenes `older-record@…` and `newer-record@…` try it in every state.
"""

from chalicelib.flow.choreography import State
from tests.choreography.run_night import Night

OPTIONAL = (
    "attempts",
    "announcements",
    "bugs",
    "warnings",
    "durations",
    "worked_seconds",
    "waiting_for",
    "by_itself",
    "written_by",
    "request_reason",
    "skipped_busy",
    "rerun_of",
    "lasted_before",
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


def test_settings_that_change_do_not_alter_what_is_under_way(night: Night) -> None:
    """The plan is frozen when the operation starts."""
    night.night()
    night.reach(State.COPYING)
    night.environment["INSTANCE_COUNT"] = "3"
    night.environment["ARCHIVE_SNAPSHOT"] = "false"
    ended = night.run_to_the_end()

    assert (State.SUCCEEDED, 2, True) == (
        ended.state,
        len(ended.facts.instances),
        ended.facts.archived,
    )


def test_a_record_that_cannot_be_read_fails_the_invocation(night: Night) -> None:
    """It is retried and alarms.

    The record stays as it is, and the lock with it, until a person repairs it.
    """
    night.night()
    operation = night.reach(State.COPYING)
    settings = night.store.tables["state"][operation.operation_id]["settings"]
    night.edit(operation.operation_id, settings=settings | {"port": "many"})
    night.run(600)
    names = {type(error).__name__ for error in night.failures}
    night.edit(operation.operation_id, settings=settings)

    assert ({"UnreadableRecordError"}, State.SUCCEEDED, []) == (
        names,
        night.run_to_the_end().state,
        night.broken_promises(),
    )

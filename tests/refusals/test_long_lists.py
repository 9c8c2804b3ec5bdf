"""What production or people make long is told in short, and is whole in the trail.

What is too long stops nobody.
"""

import json
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.text_limits import (
    MESSAGE_BYTES_MAX,
    NAMES_MAX,
    WARNINGS_MAX,
    brief,
    listed,
    with_warnings,
)
from chalicelib.messages.notifications import publish
from simulation.in_memory_database import InMemoryRole
from simulation.stage import SOURCE_REGION, TOPIC, SimulatedStage

ITEM_BYTES_MAX = 400 * 1024
EVENT_BYTES_MAX = 256 * 1024


def stage_with_logins(count: int, **how: Any) -> tuple[SimulatedStage, list[str]]:
    """Make a stage whose production has so many login roles, with the longest names there are.

    Returns the names.
    """
    stage = SimulatedStage({"USERS_DEADLINE": "900"})
    stage.staging()
    (source,) = stage.rds(SOURCE_REGION).describe_db_clusters(DBClusterIdentifier="prod-cluster")[
        "DBClusters"
    ]
    roles = stage.data.clusters[source["DbClusterResourceId"]].roles
    names = [f"{number:05d}-{'é' * 28}" for number in range(count)]
    roles |= {name: InMemoryRole("Production-1", **how) for name in names}
    return stage, sorted([*names, "shop_app"])


def names_in_the_trail(stage: SimulatedStage, operation: Operation) -> list[str]:
    """Collect the names from the rows of an operation."""
    return sorted(
        {name for row in stage.trail(operation.operation_id) for name in row.get("names", [])}
    )


def refuse_too_long(stage: SimulatedStage) -> None:
    """Raise AssertionError for an item, an event or a message that AWS would not take."""
    items = [*stage.store.tables["state"].values(), *stage.store.tables["audit"].values()]
    sizes = [len(json.dumps(item, ensure_ascii=False).encode()) for item in items]
    events = [len(json.dumps(event, ensure_ascii=False).encode()) for event in stage.delivered]
    assert ITEM_BYTES_MAX > max(sizes)
    assert EVENT_BYTES_MAX > max(events)


@pytest.mark.parametrize("count", [2_500, 8_000])
def test_very_many_logins_are_counted_in_the_notice_and_named_in_the_trail(count: int) -> None:
    """People are told, the record stays within what DynamoDB takes, and every name can be found."""
    stage, names = stage_with_logins(count)
    stage.night()
    operation = stage.run_to_the_end()

    assert (State.SUCCEEDED, True, ()) == (operation.state, operation.notified, operation.warnings)
    assert tuple(names[:NAMES_MAX]) == operation.facts.users.logins_closed
    assert len(names) == operation.facts.users.logins_closed_count
    assert (
        f"Production's logins are disabled: {len(names):,}, the first 50: {names[0]}, "
        in stage.notices()[-1]["text"]
    )
    assert names == names_in_the_trail(stage, operation)
    refuse_too_long(stage)


def test_very_many_logins_that_stay_open_are_summarised() -> None:
    """The refusal names the first of them, and the operation ends with people told."""
    stage, _ = stage_with_logins(2_500, alterable=False)
    stage.night()
    operation = stage.run_to_the_end()

    assert (State.FAILED, True) == (operation.state, operation.notified)
    assert "Production's passwords still open the copy for 2,500, the first 50: " in str(
        operation.reason
    )
    refuse_too_long(stage)


def test_a_list_is_complete_or_has_its_length() -> None:
    """A list up to the limit is whole, and a longer one has its first items and number."""
    names = [f"n{number}" for number in range(NAMES_MAX + 1)]

    assert ", ".join(names[:NAMES_MAX]) == listed(names[:NAMES_MAX])
    assert f"51, the first 50: {', '.join(names[:NAMES_MAX])}, …" == listed(names)
    assert f"2,500, the first 50: {', '.join(names[:NAMES_MAX])}, …" == listed(
        names[:NAMES_MAX], 2_500
    )


def test_a_long_text_is_cut_and_says_so() -> None:
    """A long text is cut at its limit and says so."""
    text = brief("x" * 10_000)

    assert (4_000, True) == (len(text), text.endswith("xx … (cut: 10,000 characters in all)."))


def test_each_warning_appears_once_and_very_many_are_cut() -> None:
    """Each warning is kept once, and the last of very many says that there were more."""
    warnings = with_warnings(["old"], ["old", *(f"{number}" for number in range(30))])

    assert ("old", "0", WARNINGS_MAX) == (warnings[0], warnings[1], len(warnings))
    assert "There were more warnings: the functions' logs have them." == warnings[-1]
    assert warnings == with_warnings(warnings, [])


def test_an_answer_of_aws_that_is_very_long_is_cut_in_the_record_and_whole_in_the_trail() -> None:
    """The notice is taken by the topic."""
    stage = SimulatedStage()
    stage.staging()
    stage.night()
    stage.aurora.fail_next(
        "CopyDBClusterSnapshot", "InvalidParameterCombination", message="é" * 30_000
    )
    operation = stage.run_to_the_end()
    logs = [
        row["what"] for row in stage.trail(operation.operation_id) if row["to_state"] == "FAILING"
    ]

    assert State.FAILED == operation.state
    assert operation.notified is True
    assert 4_000 == len(str(operation.reason))
    assert "é" * 30_000 in logs[0]
    refuse_too_long(stage)


def test_a_notice_that_is_too_long_for_the_topic_is_shortened_until_it_is_taken() -> None:
    """All protocols' texts count together, and what machines read stays JSON."""
    stage = SimulatedStage()
    names = [f"{number}" * 100 for number in range(5_000)]
    publish(
        TOPIC,
        "subject",
        "ü" * 300_000,
        {"text": "ü" * 300_000, "names": names, "ok": True},
        stage.ports(),
    )
    (notification,) = stage.topics.published(TOPIC)
    machine = json.loads(notification["sqs"])

    assert MESSAGE_BYTES_MAX > len(json.dumps(notification, ensure_ascii=False).encode())
    assert (True, True) == (machine["ok"], notification["email"].startswith("üüü"))
    assert names[:10] == machine["names"][:10]

"""What people, AWS and PostgreSQL wrote is shown as what it is: one line, with nothing hidden, and
not too long.
"""

import json
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.untrusted_text import LISTED_MAX, first_of, one_line, quoted
from simulation.stage import TOPIC, SimulatedStage
from tests.events.test_notifications import notice

FORGERY = 'x".\nRun it again: aws rds delete-db-cluster\r\x1b[2J\u202e\u200b\u2028\x85'
HIDDEN = frozenset("\r\x1b\u202e\u200b\u2028\x85")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain: ünïcode, 日本 and 🙂", "plain: ünïcode, 日本 and 🙂"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_a_text_is_shown_in_one_line_with_nothing_hidden_in_it(text: str, shown: str) -> None:
    """Control, format, separator and surrogate characters are escapes; what can be seen stays."""
    assert shown == one_line(text)


def test_a_quoted_text_ends_where_it_ends() -> None:
    """Quotation marks inside become apostrophes, so nothing after the text can be taken for a part
    of it.
    """
    assert "\"he said 'no'. Then:\"" == quoted('he said "no". Then:')


def test_of_a_long_list_the_first_names_are_shown_and_the_rest_is_counted() -> None:
    """A long list shows its first names and the number of the others."""
    assert f"{', '.join(map(str, range(LISTED_MAX)))} … and 2,990 more" == first_of(range(3000))


def lines_of(stage: SimulatedStage) -> list[str]:
    """List the lines of the last notice; none of them hides anything."""
    published, machine = notice(stage)

    assert published["default"] == machine["text"]
    assert not HIDDEN & {*json.dumps(machine, ensure_ascii=False)}
    return str(published["default"]).split("\n")


def under_way() -> SimulatedStage:
    """Make a stage on which an operation has begun."""
    stage = SimulatedStage()
    stage.night()
    while not stage.all_operations():
        stage.step_time()
    return stage


def commands(lines: list[str]) -> list[str]:
    """List the lines that begin as the command does that a notice gives."""
    return [line for line in lines if line.startswith("Run it again: ")]


def test_the_reason_of_a_cancellation_forges_no_line_of_the_notice() -> None:
    """The reason is in quotation marks, in the line of the reason."""
    stage = under_way()
    stage.put("CancelRequested", operation_id=stage.only().operation_id, reason=FORGERY)
    ended = stage.run_to_the_end()
    (command,) = commands(lines_of(stage))

    assert State.CANCELLED is ended.state
    assert command.startswith("Run it again: aws events put-events ")
    assert f"Cancelled on request, with the reason {quoted(one_line(FORGERY))}." == ended.reason


def test_a_reason_and_a_request_id_are_one_line_in_the_record_and_in_the_trail() -> None:
    """So they reach no terminal as an escape, whoever reads the tables."""
    stage = SimulatedStage()
    stage.put("RestoreRequested", request_id=FORGERY, reason=FORGERY)
    stage.deliver()
    texts = json.dumps(stage.store.tables, ensure_ascii=False, default=str)

    assert not HIDDEN & {*texts}
    assert f"request {quoted(one_line(FORGERY))}" == stage.only().requested_by
    assert quoted(one_line(FORGERY)) in stage.trail(stage.only().operation_id)[0]["what"]


def test_an_answer_of_aws_forges_no_line_of_the_notice() -> None:
    """AWS repeats names that somebody chose."""
    stage = SimulatedStage()
    stage.aurora.fail_next("CopyDBClusterSnapshot", "InvalidParameterValue", FORGERY)
    stage.night()
    ended = stage.run_to_the_end()
    (command,) = commands(lines_of(stage))

    assert State.FAILED is ended.state
    assert command.startswith("Run it again: aws events put-events ")
    assert one_line(FORGERY).rstrip(". ") in str(ended.reason)


def test_a_record_of_an_older_version_forges_no_line_either() -> None:
    """A record of an earlier version forges no line of the notice."""
    stage = under_way()
    operation = stage.only()
    stage.put("CancelRequested", operation_id=operation.operation_id)
    stage.store.tables["state"][operation.operation_id]["warnings"] = [FORGERY]
    stage.run_to_the_end()

    assert 1 == len(commands(lines_of(stage)))


@pytest.mark.parametrize(
    "detail",
    [
        {"reason": "x" * 60_000},
        {"request_id": "\u202e" * 60_000},
        {"plan": "x" * 60_000},
        {"snapshot_identifier": "x" * 60_000},
        {f"field-{number}": FORGERY for number in range(3_000)},
        {"x" * 60_000: 1},
        {FORGERY: FORGERY},
    ],
)
@pytest.mark.parametrize("detail_type", ["RestoreRequested", "CancelRequested"])
def test_a_refusal_of_much_is_short(detail_type: str, detail: dict[str, Any]) -> None:
    """Sixty kilobytes or three thousand fields: people are told all the same, in a mail that can be
    read.
    """
    stage = SimulatedStage()
    stage.put(detail_type, **detail)
    stage.deliver()
    (published,) = stage.topics.published(TOPIC)

    assert [] == stage.failures
    assert 5 == len(lines_of(stage))  # reason, remedy and event, with two empty ones between
    assert len(published["default"]) < 3_000

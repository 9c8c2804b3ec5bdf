"""The command: a real account's nights judged from files, as a person runs it."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.flow.choreography import State
from simulation.checker.__main__ import main
from simulation.checker.report import WIDTH
from simulation.history import Called
from tests.simulation.exports import export, record
from tests.simulation.trace_builder import ACCOUNT, SOURCE, START, VICTIM, TraceBuilder, without

ROOT = Path(__file__).parents[2]
NOT_JUDGED = {
    "notified",
    "secret",
    "logins-revoked",
    "target-kept",
}  # in full: neither CloudTrail nor a table holds events, texts and logins


def test_a_good_night_is_judged_kept(tmp_path: Path) -> None:
    """Run as it is documented; what cannot be judged is said, and does not count as broken."""
    arguments = export(tmp_path, TraceBuilder().succeed())
    command = [sys.executable, "-m", "simulation.checker", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    verdicts = _verdicts(done.stdout)
    expected = "1 operations with 15 rows of their trail, and 8 calls of the stage dev, of 8 in all"

    assert (0, "") == (done.returncode, done.stderr)
    assert expected in done.stdout
    assert {"kept", "not judged in full"} == {*verdicts.values()}
    assert NOT_JUDGED == {name for name, verdict in verdicts.items() if verdict != "kept"}


def test_several_nights_and_strangers_are_kept_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure, a success after it, and somebody who deletes production by hand."""
    failed = TraceBuilder("first").fail()
    by_hand = record(
        Called(
            START,
            "x",
            "rds",
            "DeleteDBCluster",
            "us-east-1",
            {"DBClusterIdentifier": "prod-cluster"},
        )
    )
    by_hand["userIdentity"] = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/dba"}
    arguments = export(
        tmp_path, failed, TraceBuilder("second", at=failed.now).succeed(), foreign=(by_hand,)
    )

    assert 0 == main(arguments)
    assert "8 calls of the stage dev, of 9 in all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trace", "promise", "sentence"),
    [
        (
            TraceBuilder()
            .copy()
            .go(State.TARGET_DELETING, facts={"target": {"old": VICTIM}})
            .delete_cluster("cluster-X")
            .fail(),
            "only-owned",
            "night-1 deleted the cluster cluster-X, and its victim was cluster-OLD.",
        ),
        (
            TraceBuilder().call("ModifyDBCluster", DBClusterIdentifier=SOURCE).fail(),
            "source",
            "night-1 called ModifyDBCluster on the source's cluster prod-cluster in us-east-1.",
        ),
        (
            without(TraceBuilder().succeed(), lambda entry: isinstance(entry, Called)),
            "expected-resources",
            (
                "night-1 succeeded, and no restore of the cluster staging-cluster in us-west-2 is "
                "known that still stands."
            ),
        ),
        (
            TraceBuilder().fail(remedy=None),
            "explains-failure",
            "night-1 is FAILED without a remedy.",
        ),
        (TraceBuilder(), "no-leaked-locks", "night-1 is ACCEPTED, and still open."),
    ],
)
def test_what_is_broken_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    trace: TraceBuilder,
    promise: str,
    sentence: str,
) -> None:
    """The promise, the sentence, and 1 at the end."""
    code = main(export(tmp_path, trace))
    shown = capsys.readouterr().out

    assert (1, "broken") == (code, _verdicts(shown)[promise])
    assert f"{'':<{WIDTH}}{sentence}" in shown.splitlines()


def test_what_is_under_way_is_not_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within its deadline it is said to be under way."""
    code = main(
        export(
            tmp_path,
            TraceBuilder(at=datetime.now(UTC) - timedelta(minutes=5)).go(State.SNAPSHOT_FOUND),
        )
    )
    expected = "not judged: night-1 is SNAPSHOT_FOUND, within its deadline, and under way."

    assert 0 == code
    assert expected in capsys.readouterr().out


def test_the_sources_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sources that the records do not know can be named on the command line."""
    arguments = export(
        tmp_path, TraceBuilder().call("AddTagsToResource", ResourceName=SOURCE).fail()
    )

    assert 1 == main([*arguments, "--source", SOURCE.upper()])
    assert f"the source: {SOURCE}." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("state", None, "state.json cannot be read: No such file or directory.\n"),
        ("state", "no JSON", "state.json cannot be read: Expecting value"),
        ("state", "[1]", "state.json cannot be read: it holds no items of DynamoDB.\n"),
        (
            "state",
            '{"Items": [{"operation_id": "x"}]}',
            "its attributes are not in DynamoDB's JSON.\n",
        ),
        (
            "audit",
            '{"Items": [{"x": {"S": "x"}}]}',
            "an item has no metric_id, so it is not of the audit table.\n",
        ),
        (
            "audit",
            '{"Items": [{"metric_id": {"S": "x#1"}}]}',
            "the item x#1 has None as its at, which is no moment.\n",
        ),
        ("trail", '{"x": 1}', "trail.json cannot be read: it holds no records of CloudTrail.\n"),
        (
            "trail",
            '[{"eventName": "x", "eventSource": "rds.amazonaws.com"}]',
            "cannot be put together: 'eventTime'.\n",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str | None,
    sentence: str,
) -> None:
    """An unreadable file gives one sentence with its name and the cause, and exit code 2."""
    arguments = export(tmp_path, TraceBuilder().fail())
    path = tmp_path / f"{name}.json"
    path.unlink() if content is None else path.write_text(content)
    code, shown = main(arguments), capsys.readouterr()

    assert (2, "", 1) == (code, shown.out, shown.err.count("\n"))
    assert sentence in shown.err


def test_a_stage_that_has_no_record_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A good night of nobody's would say nothing."""
    arguments = [
        "prod" if part == "dev" else part for part in export(tmp_path, TraceBuilder().fail())
    ]

    assert 2 == main(arguments)
    assert "has no record of the stage prod, only of dev." in capsys.readouterr().err


def test_an_export_may_have_one_item_a_line(tmp_path: Path) -> None:
    """An export may have one item a line, as DynamoDB's own exports do."""
    arguments = export(tmp_path, TraceBuilder().succeed())
    for name in ("state", "audit"):
        path = tmp_path / f"{name}.json"
        items = json.loads(path.read_text())["Items"]
        path.write_text("\n".join(json.dumps({"Item": item}) for item in items))

    assert 0 == main(arguments)


def _verdicts(shown: str) -> dict[str, str]:
    lines = [line for line in shown.splitlines()[1:] if not line.startswith(" ")]
    return {line[:WIDTH].strip(): line[WIDTH:] for line in lines}

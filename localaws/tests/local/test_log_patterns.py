"""Filter patterns of CloudWatch Logs find what AWS's unstructured patterns find."""

import time

import pytest
from localaws.clients import EndpointClients

GROUP = "/aws/lambda/of-a-test-of-patterns"
LINES = ["ERROR no snapshot", "WARNING late snapshot", "INFO on time"]


@pytest.fixture(scope="module")
def group(clients: EndpointClients) -> str:
    """Give a log group with three lines."""
    logs = clients("logs", "us-west-2")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + place, "message": line} for place, line in enumerate(LINES)]
    logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)
    return GROUP


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", LINES),
        ("snapshot", LINES[:2]),
        ("late snapshot", LINES[1:2]),
        ('"no snapshot"', LINES[:1]),
        ("snapshot -ERROR", LINES[1:2]),
        ("?ERROR ?INFO", [LINES[0], LINES[2]]),
        ("?ERROR late", LINES[1:2]),
    ],
)
def test_lines_are_found_by_terms(
    clients: EndpointClients, group: str, pattern: str, found: list[str]
) -> None:
    """Plain terms all stand there, excluded ones do not, and of optional ones alone one does."""
    answer = clients("logs", "us-west-2").filter_log_events(
        logGroupName=group, filterPattern=pattern
    )

    assert found == [event["message"] for event in answer["events"]]

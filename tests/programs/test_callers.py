"""Whoever asks AWS first whose credentials these are is told what answers in its place, and what to
do.
"""

from functools import partial

import boto3
import pytest

from aurora_restore.account.identity import NotSignedInError
from aurora_restore.account.reading_clients import reading_clients
from aurora_restore.deployment import preflight
from aurora_restore.doctor import caller
from aurora_restore.findings import Finding
from aurora_restore.stages import Stage
from tests.programs.recording_server import recording

EXPIRED = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>ExpiredToken</Code><Message>The security token is expired</Message></Error>"
    "</ErrorResponse>"
)
STAGE = Stage("dev", {"stages": {"dev": {"environment_variables": {"TARGET_REGION": "us-west-2"}}}})
LOCAL = Stage("local", {"stages": {"local": STAGE.config["stages"]["dev"]}})
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_MAX_ATTEMPTS": "1"}
LOOK_AT_THE_WAY = "See that the network and its proxy lead to AWS"


def told(monkeypatch: pytest.MonkeyPatch, endpoint: str, stage: Stage = STAGE) -> list[str]:
    """Give what the deployment and the doctor say, with this endpoint in the shell."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NotSignedInError) as error:
        preflight.sign_in(stage)
    seen = caller.sign_in(reading_clients(partial(boto3.Session, region_name="us-west-2")), stage)
    assert isinstance(seen, Finding)
    return [str(error.value), f"{seen.what} {seen.do}"]


@pytest.mark.parametrize(
    ("status", "body", "sentence", "advice"),
    [
        (
            200,
            "Sign in to the guest network",
            "What answers in us-west-2 is not AWS, but perhaps",
            LOOK_AT_THE_WAY,
        ),
        (
            200,
            "<html>Sign in</html>",
            "What answers in us-west-2 is not AWS, but perhaps",
            LOOK_AT_THE_WAY,
        ),
        (
            502,
            "<html>Bad Gateway</html>",
            "AWS, or a proxy before it, does not answer in us-west-2",
            LOOK_AT_THE_WAY,
        ),
        (
            403,
            EXPIRED,
            "No valid AWS credentials: An error occurred (ExpiredToken)",
            "Sign in (`aws configure`",
        ),
    ],
    ids=["a text", "a page", "a proxy's 502", "an expired token"],
)
def test_an_answer_that_is_not_from_aws_is_reported(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, sentence: str, advice: str
) -> None:
    """Both programs report what answers in place of AWS in the same words; signing in does not
    correct that.
    """
    with recording(status, body) as recorder:
        output = told(monkeypatch, recorder.endpoint)

    found = [(text.startswith(sentence), advice in text) for text in output]

    assert [(True, True)] * 2 == found, output


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (
            "nonsense",
            (
                "The endpoint of AWS is not a URL: Invalid endpoint: nonsense. Correct or unset "
                "AWS_ENDPOINT_URL."
            ),
        ),
        (
            "http://127.0.0.1:99999",
            "The endpoint of AWS is not a URL: Port out of range 0-65535. Correct or unset",
        ),
    ],
)
def test_an_endpoint_that_is_no_url_is_reported(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, sentence: str
) -> None:
    """The sentence names the variable that has the endpoint."""
    assert [True, True] == [output.startswith(sentence) for output in told(monkeypatch, endpoint)]


@pytest.mark.parametrize(("status", "body"), [(403, EXPIRED), (502, "<html>Bad Gateway</html>")])
def test_the_stage_of_make_up_needs_its_export_lines(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str
) -> None:
    """Nobody signs in to it, whatever the shell reaches without them."""
    with recording(status, body) as recorder:
        output = told(monkeypatch, recorder.endpoint, LOCAL)

    assert [True, True] == ["paste the export lines that it prints" in text for text in output]
    assert [False, False] == ["Sign in" in text for text in output]

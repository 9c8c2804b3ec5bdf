"""What people and machines are told at each end: a short subject, a message to act on, and the same
as JSON.
"""

import json
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.messages.commands import request_id_of, rerun_command
from simulation.stage import TOPIC, SimulatedStage
from tests.choreography.run_night import FaultyStage
from tests.events.test_announcements import announced, end_one, ended

PROTOCOLS = {"Subject", "default", "email", "sqs", "lambda", "https"}


def notice(stage: SimulatedStage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the last notice: what was published, and its JSON for machines."""
    published = stage.topics.published(TOPIC)[-1]
    return published, json.loads(published["sqs"])


@pytest.mark.parametrize("end", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED])
def test_every_end_is_notified_in_words_and_as_json(end: State) -> None:
    """E-mail and default get the words.

    Queues, functions and web hooks the JSON, with the words in it.
    """
    stage = ended(how=end)
    operation = stage.all_operations()[-1]
    told = [json.loads(notice["sqs"]) for notice in stage.topics.published(TOPIC)]
    (machine,) = [notice for notice in told if notice["operation_id"] == operation.operation_id]
    published = stage.topics.published(TOPIC)[told.index(machine)]

    assert PROTOCOLS == set(published)
    assert machine["text"] == published["default"] == published["email"]
    assert published["sqs"] == published["lambda"] == published["https"]
    assert ("end", str(end), "default", "test") == (
        machine["kind"],
        machine["outcome"],
        machine["plan"],
        machine["stage"],
    )
    assert f"aurora-restore test: staging-cluster {end}" == published["Subject"]
    assert operation.reason is None or operation.reason in machine["text"]
    assert ("Time: " in machine["text"]) is (end is not State.SKIPPED)


def test_a_success_says_where_how_old_and_how_long() -> None:
    """The notice of a success tells the endpoint, the data's age, durations and closed logins."""
    published, machine = notice(ended(how=State.SUCCEEDED))
    text = published["default"]

    assert text.startswith(
        "arn:aws:rds:us-west-2:123456789012:cluster:staging-cluster is fresh: it was restored from "
    )
    assert (
        f"Endpoint: {machine['endpoint']}, port {machine['port']}; reader: "
        f"{machine['reader_endpoint']}" in text
    )
    assert "2026-11-23T03:19:00.000Z" in text
    assert machine["age_of_data_seconds"] > 0
    assert "aurora-restore/test/app-db-credentials" in text
    assert "Production's logins are disabled: shop_app." in text
    assert re.search(r"^Time: [\d.]+ s in all, [\d.]+ s of them our own\.$", text, re.MULTILINE)
    assert "What to do" not in text


@pytest.mark.parametrize("keeps_last_state", [False, True])
def test_a_success_that_deleted_the_old_target_says_why_there_is_no_way_back(
    *, keeps_last_state: bool
) -> None:
    """Where the last state of the old target was kept, the notice names the snapshot."""
    skip = str(not keeps_last_state).lower()
    stage = FaultyStage({"REPLACEMENT": "delete-first", "SKIP_FINAL_SNAPSHOT": skip})
    ended = stage.run_night()
    text = stage.notices()[-1]["text"]
    said = (
        "\nThere is no previous target to go back to: REPLACEMENT=delete-first deleted the old "
        "target before this one was made."
    )
    last = f" Its last state is the snapshot {ended.name_of_final_snapshot}."

    assert f"{said}{last if keeps_last_state else ''}\n" in text


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_a_success_without_an_old_target_says_nothing_of_a_way_back(replacement: str) -> None:
    """There was nothing to go back to before."""
    stage = FaultyStage({"REPLACEMENT": replacement}, staging=False)
    stage.run_night()

    assert "go back" not in stage.notices()[-1]["text"]


def test_a_failure_says_step_reason_remedy_and_rerun_command() -> None:
    """The command is taken as it stands, put on the bus, and works once the cause is gone."""
    stage = end_one(how=State.FAILED)
    published, machine = notice(stage)
    text = published["default"]
    (command,) = re.findall(r"^Run it again: (.+)$", text, re.MULTILINE)
    program, service, verb, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    (entry,) = json.loads(given["--entries"])
    secret = json.dumps(
        {
            "app_username": "app_user",
            "app_password": "Another-0-app-password",
            "readonly_username": "readonly_user",
            "readonly_password": "Another-0-read",
        }
    )
    stage.secrets.put_secret_value(
        SecretId="aurora-restore/test/app-db-credentials", SecretString=secret
    )
    stage.put_event(entry["Source"], entry["DetailType"], json.loads(entry["Detail"]))
    found = [
        program,
        service,
        verb,
        given["--region"],
    ]

    assert ["aws", "events", "put-events", "us-west-2"] == found
    assert f"failed at delete-rds: {machine['reason']}" in text
    assert f"What to do: {machine['remedy']}" in text
    assert State.SUCCEEDED is stage.run_to_the_end().state


def test_the_command_that_runs_it_again_is_one_request_however_often_it_is_pasted() -> None:
    """Its request id follows from the operation, so the second time replaces no target."""
    stage = end_one(how=State.FAILED)
    (command,) = re.findall(r"^Run it again: (.+)$", notice(stage)[0]["default"], re.MULTILINE)
    (entry,) = json.loads(shlex.split(command)[-1])
    for _ in range(2):
        stage.put_event(entry["Source"], entry["DetailType"], json.loads(entry["Detail"]))
        stage.run_to_the_end()

    assert 2 == len(stage.all_operations())


def test_a_cancellation_says_who_requested_it_and_where_it_stopped() -> None:
    """The notice of a cancellation tells who asked, where it stopped, and how to continue."""
    published, machine = notice(ended(how=State.CANCELLED))
    expected = 'was stopped in COPYING. Cancelled on request, with the reason "not tonight".'

    assert expected in published["default"]
    assert "COPYING" == machine["stopped_in"]
    assert "Run it again: aws events put-events" in published["default"]


def test_logins_kept_on_purpose_are_in_the_notification_and_in_the_event() -> None:
    """KEEP_LOGIN_ROLES; one that production does not have is not spoken of."""
    stage = SimulatedStage({"KEEP_LOGIN_ROLES": "shop_app,monitoring"})
    stage.night()
    operation = stage.run_to_the_end()
    published, machine = notice(stage)
    found = (
        operation.facts.users.logins_closed,
        operation.facts.users.logins_kept,
    )

    assert ((), ("shop_app",)) == found
    assert "Kept open on purpose (KEEP_LOGIN_ROLES): shop_app." in published["default"]
    assert ["shop_app"] == machine["production_logins_kept"]
    assert ["shop_app"] == announced(stage)[-1][1]["production_logins_kept"]


def test_the_rerun_command_has_the_apps_region_and_the_right_step() -> None:
    """The bus may stand in another region than the target.

    And the step that failed would only fail again.
    """
    stage = SimulatedStage()
    stage.aurora.fail_creation(
        "arn:aws:rds:us-west-2:123456789012:cluster:staging-cluster", "failed", "By a test."
    )
    stage.night()
    operation = replace(stage.run_to_the_end(), region="eu-central-1")
    command = shlex.split(rerun_command(operation))
    (entry,) = json.loads(command[-1])

    assert ["--region", "eu-central-1"] == command[3:5]
    detail = json.loads(entry["Detail"])
    assert detail.pop("request_id").startswith("again-rerun-of-default-")
    assert {"rerun_of": operation.operation_id, "from_step": "delete-rds"} == detail


@pytest.mark.parametrize(
    "other",
    [
        {"instead of": "one"},
        {"rerun_of": "one", "from_step": "delete-rds"},
        {"rerun_of": "one", "older": True},
    ],
)
def test_a_different_request_has_another_id(other: dict[str, object]) -> None:
    """The fields are told apart, and not only what they say; one that is left out says nothing."""
    rerun = {"rerun_of": "one", "from_step": None}

    assert request_id_of({"rerun_of": "one"}) == request_id_of(rerun)
    assert request_id_of(other) != request_id_of(rerun)


def test_warnings_of_a_success_are_in_the_notification() -> None:
    """The notice of a success tells its warnings."""
    stage = SimulatedStage()
    stage.night()
    stage.aurora.fail_next("AddTagsToResource", "AccessDenied", status=403)
    stage.run_to_the_end()
    published, machine = notice(stage)
    found = re.findall(r"^Warning: .+$", published["default"], re.MULTILINE)

    assert [f"Warning: {machine['warnings'][0]}"] == found


def test_a_subject_stays_within_what_sns_takes_at_the_longest_names() -> None:
    """A subject with the longest names has at most a hundred characters of ASCII."""
    stage = SimulatedStage({"TARGET_CLUSTER_ID": "t" + "x" * 56})
    stage.night()
    stage.run_to_the_end()
    (published,) = stage.topics.published(TOPIC)

    assert published["Subject"].isascii()
    assert len(published["Subject"]) <= 100
    assert published["Subject"].endswith("SUCCEEDED")


def test_a_topic_in_another_region_is_called_there() -> None:
    """The region is the topic's own, whatever the target's is."""
    topic = "arn:aws:sns:eu-central-1:123456789012:people"
    regions: list[tuple[str, str]] = []

    class ListeningStage(SimulatedStage):
        def client(self, service: str, region: str) -> Any:
            regions.append((service, region))
            return super().client(service, region)

    stage = ListeningStage({"SNS_TOPIC_ARN": topic})
    stage.topics.create_topic(topic)
    stage.night()
    stage.run_to_the_end()

    assert {"eu-central-1"} == {region for service, region in regions if service == "sns"}
    assert 1 == len(stage.topics.published(topic))

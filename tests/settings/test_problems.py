"""What is wrong with settings is told whole: every problem in one message, with variable, value and
what is right.
"""

import pytest

from chalicelib.flow.errors import SettingsError
from chalicelib.flow.setting_problems import EXPECTED
from chalicelib.settings import Settings
from tests.settings.test_variables import COMPLETE, STAGE, plan

REQUIRED = (
    "SOURCE_REGION",
    "SOURCE_CLUSTER_ID",
    "TARGET_REGION",
    "TARGET_CLUSTER_ID",
    "SNS_TOPIC_ARN",
    "MASTER_CREDENTIALS_SECRET_ID",
    "APP_CREDENTIALS_SECRET_ID",
)


def problems(**changes: str) -> str:
    """Resolve a plan that cannot be made; returns what is said."""
    with pytest.raises(SettingsError) as caught:
        plan({**COMPLETE, **changes})
    return str(caught.value)


@pytest.mark.parametrize("variable", REQUIRED)
def test_what_names_something_has_no_default(variable: str) -> None:
    """Settings that name a cluster, region, secret or topic have no default, and the message says
    where to set them.
    """
    missing = (
        f"{variable} is not set in the environment or in SSM below /aurora-restore/dev/: it should "
        "be "
    )

    assert f"{missing}{EXPECTED[variable.lower()]}." in problems(**{variable: ""})


def test_everything_that_is_missing_is_reported_at_once() -> None:
    """One message names all settings that are missing."""
    with pytest.raises(SettingsError) as caught:
        plan(STAGE)

    assert set(REQUIRED) == {
        variable for variable in REQUIRED if f"{variable} is not set" in str(caught.value)
    }
    assert str(caught.value).startswith("The settings of plan default cannot be used:\n- ")
    assert len(REQUIRED) == len(caught.value.problems) == str(caught.value).count("\n")


@pytest.mark.parametrize(
    ("variable", "value", "right"),
    [
        ("PORT", "80", "greater than or equal to 1150"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("PORT", "five", "a whole number"),
        ("INSTANCE_COUNT", "0", "greater than or equal to 1"),
        ("INSTANCE_COUNT", "17", "less than or equal to 16"),
        ("INSTANCE_CLASS", "r6g.large", "an instance class, such as db.r6g.large"),
        ("SKIP_FINAL_SNAPSHOT", "maybe", "true or false"),
        ("DELETION_PROTECTION", "2", "true or false"),
        ("ARCHIVE_SNAPSHOT", "glacier", "true or false"),
        ("DB_CONNECTION_TIMEOUT", "0", "greater than or equal to 1"),
        ("COPY_CHECK_INTERVAL", "0", "greater than or equal to 1"),
        ("MAX_COPY_ATTEMPTS", "-1", "greater than or equal to 1"),
        ("DB_TLS", "maybe", "'verify-full' or 'off'"),
        ("SNS_TOPIC_ARN", "notifications", "the ARN of an SNS topic, such as arn:aws:sns:"),
        ("SOURCE_CLUSTER_ID", "prod--cluster", "an RDS identifier"),
        ("SOURCE_CLUSTER_ID", "1prod", "an RDS identifier"),
        ("SOURCE_CLUSTER_ID", "prod-", "an RDS identifier"),
        ("TARGET_CLUSTER_ID", "prod_cluster", "an RDS identifier"),
        ("TARGET_CLUSTER_ID", "clüster", "an RDS identifier"),
        ("TARGET_CLUSTER_ID", "t" * 58, "at most 57 characters"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_would_be_right(
    variable: str, value: str, right: str
) -> None:
    """A bad value is named with its variable, place and rule on one line."""
    (line,) = problems(**{variable: value}).splitlines()[1:]

    assert line.startswith(f"- {variable} is '{value}' in the environment: it should ")
    assert right in line


def test_a_value_of_ssm_is_said_to_stand_there() -> None:
    """A bad value of SSM is named by its parameter, and a list as people wrote it."""
    path = "/aurora-restore/dev/plans/weekly/"
    with pytest.raises(SettingsError) as caught:
        plan(
            COMPLETE,
            {"plans/weekly/port": "1", "plans/weekly/vpc-security-group-ids": " , "},
            "weekly",
        )

    port, groups = sorted(caught.value.problems)

    assert (
        f"PORT is '1' in the SSM parameter {path}port: it should be greater than or equal to 1150."
        == port
    )
    assert groups.startswith(
        f"VPC_SECURITY_GROUP_IDS is '' in the SSM parameter {path}vpc-security-group-ids: it "
        "should be security groups"
    )


def test_invalid_and_contradictory_settings_are_reported_together() -> None:
    """Fields, missing ones, and settings that do not go together."""
    told = problems(PORT="80", INSTANCE_COUNT="0", SNS_TOPIC_ARN="", SERVERLESS_MIN_CAPACITY="0.5")

    assert "PORT is '80'" in told
    assert "INSTANCE_COUNT is '0'" in told
    assert "SNS_TOPIC_ARN is not set" in told
    assert "SERVERLESS_MIN_CAPACITY" in told
    assert 5 == len(told.splitlines())


def test_contradictions_are_one_per_line_too() -> None:
    """Settings that contradict each other are named one contradiction a line."""
    told = problems(
        TARGET_CLUSTER_ID="my-source-cluster",
        TARGET_REGION="us-east-1",
        SERVERLESS_MAX_CAPACITY="4",
    )
    found = [line[:23] for line in told.splitlines()[1:]]

    assert ["- SOURCE_CLUSTER_ID, TA", "- SERVERLESS_MIN_CAPACI"] == found


@pytest.mark.parametrize("name", ["my-source-cluster", "MY-Source-Cluster"])
def test_a_target_that_is_the_source_is_no_plan(name: str) -> None:
    """A target with the source's name in its region is refused, whatever the case of letters."""
    told = problems(TARGET_CLUSTER_ID=name, TARGET_REGION="us-east-1")

    assert "TARGET_CLUSTER_ID" in told
    assert "the target is the source cluster itself" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"INSTANCE_CLASS": "db.serverless", "SERVERLESS_MIN_CAPACITY": "4"},
            "set both or neither",
        ),
        (
            {"SERVERLESS_MIN_CAPACITY": "4", "SERVERLESS_MAX_CAPACITY": "8"},
            "neither with another INSTANCE_CLASS than db.serverless",
        ),
        (
            {
                "INSTANCE_CLASS": "db.serverless",
                "SERVERLESS_MIN_CAPACITY": "8",
                "SERVERLESS_MAX_CAPACITY": "4",
            },
            "should be at least SERVERLESS_MIN_CAPACITY",
        ),
    ],
)
def test_a_serverless_range_goes_with_the_serverless_class(
    changes: dict[str, str], told: str
) -> None:
    """A serverless range needs both ends, in order, and the serverless class."""
    assert told in problems(**changes)


def test_a_serverless_plan_can_be_made() -> None:
    """A serverless plan accepts the smallest and the largest capacity."""
    changes = {
        "INSTANCE_CLASS": "db.serverless",
        "SERVERLESS_MIN_CAPACITY": "0",
        "SERVERLESS_MAX_CAPACITY": "256",
    }

    assert 256 == plan({**COMPLETE, **changes}).target.serverless_max_capacity


def test_all_problems_of_the_stages_settings_are_reported_too() -> None:
    """Problems of the stage's own settings are all named before there is any plan."""
    with pytest.raises(SettingsError) as caught:
        Settings.of_environment(
            {"ENVIRONMENT": "Dev Two", "LOG_LEVEL": "LOUD", "HEARTBEAT_INTERVAL": "0"}
        )
    told = str(caught.value)

    assert told.startswith("The stage's settings cannot be used:\n")
    assert all(
        part in told
        for part in (
            "ENVIRONMENT is 'Dev Two'",
            "LOG_LEVEL is 'LOUD'",
            "HEARTBEAT_INTERVAL is '0'",
            "STATE_TABLE_NAME is not set",
            "AUDIT_TABLE_NAME is not set",
        )
    )


@pytest.mark.parametrize(
    ("days", "right"),
    [
        ("xyz", "'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'"),
        (",", "days of the week, such as mon,tue,wed"),
    ],
)
def test_a_list_with_a_wrong_item_is_told_once(days: str, right: str) -> None:
    """That it has no item left is no problem of its own; a list without any says what goes in."""
    told = problems(REFRESH_DAYS=days)

    assert 1 == told.count("REFRESH_DAYS is ")
    assert f"it should be {right}." in told
    assert "at least 1 item" not in told

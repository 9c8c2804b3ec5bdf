"""Every variable of the deployment guide means what it means there.

SSM comes before the environment.
"""

from typing import Any

import pytest

from chalicelib.flow.plan import SETTINGS, Plan, default_of
from chalicelib.settings import Settings, plan_names, resolve_plan

STAGE = {
    "ENVIRONMENT": "dev",
    "STATE_TABLE_NAME": "aurora-restore-state",
    "AUDIT_TABLE_NAME": "aurora-restore-audit",
}
TOPIC = "arn:aws:sns:us-west-2:123456789012:aurora-restore-notifications"
COMPLETE = {
    **STAGE,
    "SOURCE_REGION": "us-east-1",
    "SOURCE_CLUSTER_ID": "my-source-cluster",
    "TARGET_REGION": "us-west-2",
    "TARGET_CLUSTER_ID": "my-target-cluster",
    "DB_SUBNET_GROUP_NAME": "my-db-subnet-group",
    "VPC_SECURITY_GROUP_IDS": "sg-12345678,sg-87654321",
    "INSTANCE_CLASS": "db.r6g.large",
    "SNS_TOPIC_ARN": TOPIC,
    "MASTER_CREDENTIALS_SECRET_ID": "aurora-restore/master-db-credentials",
    "APP_CREDENTIALS_SECRET_ID": "aurora-restore/app-db-credentials",
}


def plan(
    environment: dict[str, str], parameters: dict[str, str] | None = None, name: str = "default"
) -> Plan:
    """Resolve a plan."""
    settings = Settings.of_environment(environment)
    return resolve_plan(settings, name, parameters or {}, account="123456789012", partition="aws")


GUIDE: tuple[tuple[str, str, Any], ...] = (
    ("SOURCE_REGION", "eu-west-1", "eu-west-1"),
    ("SOURCE_CLUSTER_ID", "Production", "production"),
    ("SNAPSHOT_PREFIX", "aurora-snapshot", "aurora-snapshot"),
    ("TARGET_REGION", "eu-west-2", "eu-west-2"),
    (
        "KMS_KEY_ID",
        "arn:aws:kms:us-west-2:123456789012:key/abcd",
        "arn:aws:kms:us-west-2:123456789012:key/abcd",
    ),
    ("MAX_COPY_ATTEMPTS", "60", 60),
    ("COPY_CHECK_INTERVAL", "45", 45),
    ("TARGET_CLUSTER_ID", "Staging-2", "staging-2"),
    ("SKIP_FINAL_SNAPSHOT", "false", False),
    ("DB_SUBNET_GROUP_NAME", "my-subnets", "my-subnets"),
    ("VPC_SECURITY_GROUP_IDS", "sg-12345678, sg-87654321", ("sg-12345678", "sg-87654321")),
    ("PORT", "5433", 5433),
    ("DELETION_PROTECTION", "true", True),
    ("MAX_RESTORE_ATTEMPTS", "61", 61),
    ("RESTORE_CHECK_INTERVAL", "31", 31),
    ("MASTER_CREDENTIALS_SECRET_ID", "mine/master", "mine/master"),
    ("APP_CREDENTIALS_SECRET_ID", "mine/app", "mine/app"),
    ("DB_CONNECTION_TIMEOUT", "10", 10),
    ("ARCHIVE_SNAPSHOT", "false", False),
    ("SNS_TOPIC_ARN", f"{TOPIC}-2", f"{TOPIC}-2"),
)


@pytest.mark.parametrize(
    ("variable", "text", "value"), GUIDE, ids=[variable for variable, *_ in GUIDE]
)
def test_a_variable_of_the_guide_sets_what_it_names(variable: str, text: str, value: Any) -> None:
    """Under the same name, from the environment; or from SSM, where the name has dashes."""
    from_environment = plan({**COMPLETE, variable: text})
    from_ssm = plan(COMPLETE, {variable.lower().replace("_", "-"): text})

    assert value == from_environment.setting(variable.lower())
    assert value == from_ssm.setting(variable.lower())


def test_the_stages_own_variables_are_the_guides_too() -> None:
    """Tables, stage and log level come from the environment alone."""
    settings = Settings.of_environment({**STAGE, "LOG_LEVEL": "WARNING"})
    found = (
        settings.stage,
        settings.state_table_name,
        settings.audit_table_name,
        settings.log_level,
    )

    assert ("dev", "aurora-restore-state", "aurora-restore-audit", "WARNING") == found


def test_of_four_places_the_plans_own_parameter_comes_first() -> None:
    """The plan's own parameter comes before the stage's, the environment's, the default."""
    environment = {**COMPLETE, "PORT": "5433"}
    stage = {"port": "5434"}
    own = {**stage, "plans/weekly/port": "5435"}
    found = [
        plan(COMPLETE).target.port,
        plan(environment).target.port,
        plan(environment, stage).target.port,
        plan(environment, own).target.port,
        plan(environment, own, "weekly").target.port,
    ]

    assert [None, 5433, 5434, 5434, 5435] == found


def test_what_is_empty_is_not_set() -> None:
    """An empty variable counts as not set, because Chalice cannot leave one out."""
    found = (
        plan({**COMPLETE, "PORT": "", "KMS_KEY_ID": ""}).target.port,
        plan({**COMPLETE, "KMS_KEY_ID": ""}).copies.kms_key_id,
    )

    assert (None, None) == found
    assert "my-target-cluster" == plan(COMPLETE, {"target-cluster-id": ""}).target.cluster_id


def test_a_named_plan_takes_from_the_stage_what_it_does_not_say() -> None:
    """A named plan is recognised by its tag and by its parameters' path."""
    weekly = plan(COMPLETE, {"plans/weekly/target-cluster-id": "weekly-cluster"}, "weekly")
    found = (
        weekly.name,
        weekly.owner,
        weekly.target.cluster_id,
        weekly.source.cluster_id,
    )

    assert ("weekly", "dev/weekly", "weekly-cluster", "my-source-cluster") == found


def test_the_plans_of_a_stage_are_its_own_and_those_with_parameters() -> None:
    """Names that no tag may have, and paths that are no parameter of a plan, are ignored."""
    parameters = dict.fromkeys(
        [
            "port",
            "plans/weekly/port",
            "plans/weekly/kms-key-id",
            "plans/eu/port",
            "plans/Bad/port",
            "plans/x/y/z",
            "plans/a",
        ],
        "5432",
    )

    assert ("default", "eu", "weekly") == plan_names(parameters)


@pytest.mark.parametrize(
    ("stage", "path"), [("prod", "/aurora-restore/"), ("dev", "/aurora-restore/dev/")]
)
def test_prods_parameters_have_no_stage_in_their_path(stage: str, path: str) -> None:
    """The path of prod's parameters has no stage in it, as in the guide."""
    assert path == Settings.of_environment({**STAGE, "ENVIRONMENT": stage}).parameter_path


@pytest.mark.parametrize(
    ("changes", "budgets"),
    [
        ({}, (12 * 3600, 3 * 3600, 2 * 3600)),
        ({"MAX_COPY_ATTEMPTS": "60", "COPY_CHECK_INTERVAL": "30"}, (1800, 3 * 3600, 2 * 3600)),
        ({"MAX_COPY_ATTEMPTS": "60"}, (1800, 3 * 3600, 2 * 3600)),
        ({"COPY_CHECK_INTERVAL": "60"}, (12 * 3600, 3 * 3600, 2 * 3600)),
        ({"MAX_RESTORE_ATTEMPTS": "60", "RESTORE_CHECK_INTERVAL": "60"}, (12 * 3600, 3600, 3600)),
        (
            {"COPY_DEADLINE": "100", "RESTORE_DEADLINE": "200", "INSTANCE_DEADLINE": "300"},
            (100, 200, 300),
        ),
        ({"COPY_DEADLINE": "100", "MAX_COPY_ATTEMPTS": "2"}, (60, 3 * 3600, 2 * 3600)),
    ],
)
def test_attempts_times_interval_is_the_budget_when_attempts_are_set(
    changes: dict[str, str], budgets: tuple[int, int, int]
) -> None:
    """The budget of a wait is attempts times interval where attempts are set, else the deadline."""
    resolved = plan({**COMPLETE, **changes})
    found = tuple(
        resolved.seconds(name)
        for name in ("copy_deadline", "restore_deadline", "instance_deadline")
    )

    assert budgets == found


@pytest.mark.parametrize("meaning", [True, False])
@pytest.mark.parametrize("pair", ["true/false", "yes/no", "on/off", "1/0", "True/FALSE"])
def test_a_boolean_may_be_written_in_these_ways(pair: str, meaning: bool) -> None:
    """As docs/configuration.md says, for every boolean of a plan."""
    value = pair.split("/")[0 if meaning else 1]
    names = [name for name in SETTINGS if isinstance(default_of(name), bool)]
    known = plan({**COMPLETE, **{name.upper(): value for name in names}})

    assert {"paused", "archive_snapshot", "stop_previous"} <= {*names}
    assert dict.fromkeys(names, meaning) == {name: known.setting(name) for name in names}

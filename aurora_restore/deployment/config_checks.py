"""Checks of a stage's configuration that need no AWS: it is complete and consistent."""

import json
import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Final

from aurora_restore.account.reading_clients import new_session
from aurora_restore.findings import Finding, failed
from aurora_restore.setting_bounds import ACCOUNT_ID, BOOLEANS, EMAIL, FRESHNESS_HOURS, TOPIC_ARN
from aurora_restore.stages import (
    BUCKET_CHARACTERS_MAX,
    CONFIG,
    DEPLOYMENT_ONLY,
    Stage,
    variables_place,
)
from chalicelib.flow import setting_problems
from chalicelib.flow.choreography import IN_VPC
from chalicelib.flow.errors import SettingsError
from chalicelib.flow.plan import SETTINGS, Plan
from chalicelib.settings import DEFAULT_PLAN, STAGE_SETTINGS, Settings, resolve_plan

NOBODY: Final = "000000000000"  # stands for the account while nobody has signed in
NETWORK_SETTINGS: Final = {"subnet_ids": "subnet-12345678", "security_group_ids": "sg-12345678"}
KNOWN_VARIABLES: Final = frozenset(map(str.upper, SETTINGS.keys() | STAGE_SETTINGS)) | {
    *DEPLOYMENT_ONLY
}
FOREIGN_VARIABLES: Final = (  # of Lambda, of Powertools and of programs that layers bring
    "AWS_",
    "_X_AMZN_",
    "LAMBDA_",
    "POWERTOOLS_",
    "PYTHON",
    "LD_",
    "OTEL_",
    "OPENTELEMETRY_",
    "DD_",
    "NEW_RELIC_",
    "SENTRY_",
    "DATADOG_",
    "SSL_",
    "TZ",
    "LANG",
    "LC_",
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


def findings(stage: Stage) -> Iterator[Finding]:
    """Find what is wrong with the stage's configuration, and with the shell that deploys it."""
    yield from of_the_stage(stage)
    yield from _region(stage)


def of_the_stage(stage: Stage) -> Iterator[Finding]:
    """Give everything that is wrong with the stage's configuration alone."""
    yield from account_given(stage)
    yield from _plan(stage)
    yield from of_variables(stage)
    yield from _roles(stage)
    yield from _network_settings(stage)


def account_given(stage: Stage) -> Iterator[Finding]:
    """Require the account: policies name it, and no other may be changed by mistake."""
    account = stage.variables.get("ACCOUNT_ID", "")
    if not ACCOUNT_ID.fullmatch(account):
        yield failed(
            f"ACCOUNT_ID is {account!r}, not twelve digits."
            if account
            else "ACCOUNT_ID is not set.",
            "Set the account that the stage belongs to under "
            f"stages.{stage.name}.environment_variables of {CONFIG}.",
            name="account",
        )


def _plan(stage: Stage) -> Iterator[Finding]:
    """Validate the settings as the functions will, with the deployment's names filled in."""
    variables = stage.variables
    account = variables.get("ACCOUNT_ID", "")
    account = (
        account if ACCOUNT_ID.fullmatch(account) else NOBODY
    )  # the check of the account tells it
    try:
        topic = f"arn:aws:sns:{stage.region or 'us-east-1'}:{account}:{stage.topic}"
        settings = Settings.of_environment(
            {"SNS_TOPIC_ARN": topic} | variables, variables_place(stage)
        )
        resolve_plan(settings, DEFAULT_PLAN, {}, account=account, partition="aws")
    except SettingsError as error:
        for problem in error.problems:
            yield failed(problem, name="settings")


def plan_problems(resolved: Mapping[str, Plan | SettingsError]) -> list[str]:
    """Output what keeps plans from being made; what a plan inherits from the stage is said once."""
    said: dict[str, str] = {}
    for name, plan in resolved.items():
        if isinstance(plan, SettingsError):
            named = name == DEFAULT_PLAN or plan.problems == (plan.heading,)
            for problem in plan.problems:
                said.setdefault(problem, problem if named else f"Plan {name}: {problem}")
    return [*said.values()]


def of_variables(stage: Stage) -> Iterator[Finding]:
    """Judge each variable of the stage by itself, also those that only the deployment reads."""
    variables = stage.variables
    where = f"Set it under stages.{stage.name}.environment_variables of {CONFIG}."
    yield from _unknown(stage)
    for name, derived in (
        ("ENVIRONMENT", stage.name),
        ("STATE_TABLE_NAME", stage.state_table),
        ("AUDIT_TABLE_NAME", stage.audit_table),
    ):
        if variables[name] != derived:
            yield failed(
                f"{name} is {variables[name]}, and the stage's is {derived}.",
                "Leave it out.",
                name="settings",
            )
    for name in ("SOURCE_REGION", "TARGET_REGION"):
        region = variables.get(name, "")
        if region and region not in known_regions():
            near = (
                " or ".join(get_close_matches(region, known_regions(), 2)) or "one that RDS is in"
            )
            unknown = f"{name} is {region!r}, and this boto3 knows no such region."
            yield failed(unknown, f"Was {near} meant? {where}", name="settings")
    yield from _of_the_deployment(stage, where)
    key_region = _region_of(variables.get("KMS_KEY_ID", ""))
    if key_region not in ("", stage.region):
        yield failed(
            f"KMS_KEY_ID is a key of {key_region}, the target is in {stage.region}.",
            where,
            name="settings",
        )
    yield from _other_accounts(variables, where)


def _unknown(stage: Stage) -> Iterator[Finding]:
    """Find variables that nothing reads: a misspelt one leaves its setting at a default."""
    for place, variables in stage.variables_by_place.items():
        for name in sorted(variables):
            if not (name.upper() in KNOWN_VARIABLES or name.startswith(FOREIGN_VARIABLES)):
                unknown = setting_problems.unknown_name(name, KNOWN_VARIABLES)
                yield failed(
                    f"{name} in {place} of {CONFIG} {unknown}",
                    "Rename or remove it.",
                    name="settings",
                )


@cache
def known_regions() -> list[str]:
    """List the regions that RDS is in, as far as this botocore knows; nobody is asked."""
    session = new_session()
    return [
        region
        for part in session.get_available_partitions()
        for region in session.get_available_regions("rds", part)
    ]


def _of_the_deployment(stage: Stage, where: str) -> Iterator[Finding]:
    """Judge what only the deployment reads, as the templates would half-way."""
    variables = stage.variables
    mail = variables.get("NOTIFICATION_EMAIL", "")
    if stage.freshness_hours is None:
        yield failed(
            f"FRESHNESS_HOURS is {variables['FRESHNESS_HOURS']!r}, not "
            f"{FRESHNESS_HOURS.minimum} to {FRESHNESS_HOURS.maximum} hours.",
            where,
            name="settings",
        )
    if mail and not EMAIL.fullmatch(mail):
        yield failed(
            f"NOTIFICATION_EMAIL is {mail!r}, which is no address.", where, name="settings"
        )
    protected = variables.get("PROTECT_TABLES", "false")
    if protected not in BOOLEANS:
        yield failed(
            f"PROTECT_TABLES is {protected!r}, and neither true nor false.", where, name="settings"
        )
    topic = variables.get("FORWARDING_ALARM_TOPIC_ARN", "")
    if topic and not TOPIC_ARN.fullmatch(topic):
        yield failed(
            f"FORWARDING_ALARM_TOPIC_ARN is {topic!r}, and not the ARN of a topic.",
            where,
            name="settings",
        )
    elif topic and _region_of(topic) == stage.region:
        yield failed(
            f"FORWARDING_ALARM_TOPIC_ARN is a topic of {stage.region}, where the stage has its "
            "own.",
            "Name one of the source's region, where the alarm is.",
            name="settings",
        )
    bucket = stage.bucket(variables.get("ACCOUNT_ID", NOBODY))
    if len(bucket) > BUCKET_CHARACTERS_MAX:
        yield failed(
            f"The name of the stage is too long: its bucket would be {bucket}, and S3 takes "
            f"{BUCKET_CHARACTERS_MAX} characters.",
            f"Give the stage a name that is {len(bucket) - BUCKET_CHARACTERS_MAX} characters "
            "shorter.",
            name="settings",
        )


def _roles(stage: Stage) -> Iterator[Finding]:
    """Refuse a role of people's own: each function has one, whose policy the deployment makes."""
    places = [stage.config, stage.config["stages"][stage.name]]
    places += [each for place in places for each in place.get("lambda_functions", {}).values()]
    for setting in sorted(
        {name for place in places for name in ("manage_iam_role", "iam_role_arn") if name in place}
    ):
        yield failed(
            f"{setting} is set, and every function here has a role of its own.",
            f"Take it from {CONFIG}.",
            name="roles",
        )


def _other_accounts(variables: dict[str, str], where: str) -> Iterator[Finding]:
    source, role = (
        variables.get("SOURCE_ACCOUNT_ID", ""),
        variables.get("CROSS_ACCOUNT_ROLE_ARN", ""),
    )
    if source and source != variables.get("ACCOUNT_ID", "") and not role:
        yield failed(
            f"SOURCE_ACCOUNT_ID is {source}, another account, and CROSS_ACCOUNT_ROLE_ARN is not "
            "set.",
            f"infra/cross-account-role.yaml makes that role in {source}. {where}",
            name="settings",
        )
    elif source and source != variables.get("ACCOUNT_ID", ""):
        yield failed(
            f"SOURCE_ACCOUNT_ID is {source}, another account: restores between accounts are not "
            "built yet.",
            "Leave it out, or share a manual snapshot by hand.",
            name="settings",
        )


def _network_settings(stage: Stage) -> Iterator[Finding]:
    for setting, example in NETWORK_SETTINGS.items():
        value = stage.function_setting(IN_VPC, setting)
        where = f"stages.{stage.name}.lambda_functions.{IN_VPC}.{setting} of {CONFIG}"
        if not value:
            yield failed(
                f"{IN_VPC} has no {setting}, so it would run outside the VPC and never reach the "
                "target.",
                f"Set {where}: private subnets of the target's VPC, and a group that the target's "
                "lets in.",
                name="network",
            )
        elif not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            yield failed(
                f"{setting} of {IN_VPC} is {json.dumps(value)}: it should be a list of ids.",
                f'Write {where} as a list, such as ["{example}"].',
                name="network",
            )


def _region(stage: Stage) -> Iterator[Finding]:
    for name in REGION_VARIABLES:
        if stage.region and os.environ.get(name) not in (None, "", stage.region):
            yield failed(
                f"{name} says {os.environ[name]}, and stage {stage.name} lives where its target "
                f"is: {stage.region}.",
                f"Unset {name}, or correct TARGET_REGION in {CONFIG}.",
                name="region",
            )


def _region_of(reference: str) -> str:
    return reference.split(":")[3] if reference.startswith("arn:") else ""

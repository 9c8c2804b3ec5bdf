"""Problems of settings as sentences: each names the setting as people write it, and where it is."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from chalicelib.flow.plan import setting_name

EXPECTED: Mapping[str, str] = {
    "environment": "the name of the stage: lower case letters and digits, such as dev",
    "state_table_name": "the DynamoDB table of operations, such as aurora-restore-state",
    "audit_table_name": "the DynamoDB table of the audit trail, such as aurora-restore-audit",
    "log_level": "DEBUG, INFO, WARNING or ERROR",
    "source_region": "the region of the source cluster, such as us-east-1",
    "source_cluster_id": "the identifier of the source cluster, such as prod-cluster",
    "target_region": "the region of the target cluster, such as us-west-2",
    "target_cluster_id": "the identifier of the cluster to restore to, such as staging-cluster",
    "db_subnet_group_name": "the name of a DB subnet group in the target's region",
    "vpc_security_group_ids": (
        "security groups of the subnet group's VPC, such as sg-12345678,sg-87654321"
    ),
    "engine_version": "a minor version, such as 16.11",
    "instance_class": "an instance class, such as db.r6g.large",
    "monitoring_role_arn": "the ARN of a role, such as arn:aws:iam::123456789012:role/monitoring",
    "refresh_days": "days of the week, such as mon,tue,wed",
    "sns_topic_arn": "the ARN of an SNS topic, such as arn:aws:sns:us-west-2:123456789012:restores",
    "master_credentials_secret_id": (
        "the name or ARN of the secret with database, username, password"
    ),
    "app_credentials_secret_id": (
        "the name or ARN of the secret with the application's and reader's users"
    ),
}
"""What would be right, for settings that have no default or only one form."""
_KINDS = {
    "bool_parsing": "true or false",
    "int_parsing": "a whole number",
    "float_parsing": "a number",
}
_SIMILARITY_MIN = 0.75  # from 0 to 1: from here on one name counts as the other's misspelling


def of_validation(error: ValidationError, places: Mapping[str, str], default: str) -> list[str]:
    """Give one sentence for each problem.

    `places` are where settings are set, by field name; `default` is where a missing one may be set.
    """
    found = error.errors()
    lists = {problem["loc"][:-1] for problem in found}  # whose items are told; they seem too short
    told = (each for each in found if each["type"] != "too_short" or each["loc"] not in lists)
    sentences = (_sentence(problem, places, default) for problem in told)
    return [line for sentence in sentences for line in sentence.splitlines()]


def _sentence(problem: Mapping[str, Any], places: Mapping[str, str], default: str) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    if not problem["loc"]:
        return f"{message}."
    field = setting_name(problem["loc"])
    expected = EXPECTED.get(field, "")
    if problem["type"] == "missing":
        return f"{field.upper()} is not set in {default}: it should be {expected}."
    value = given(problem["input"])
    place = places.get(field, default)
    rule = _rule(problem, message, expected)
    return f"{field.upper()} is {value!r} in {place}: it should {rule}."


def given(value: Any) -> str:
    """Write a value as people did: lists with commas."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _rule(problem: Mapping[str, Any], message: str, expected: str) -> str:
    """Say what would be right; pydantic's own sentences begin with their subject."""
    if expected and problem["type"] in ("string_pattern_mismatch", "too_short"):
        return f"be {expected}"
    if problem["type"] in _KINDS:
        return f"be {_KINDS[problem['type']]}"
    _, should, rule = message.partition("should ")
    return rule if should else f"be otherwise: {message[0].lower()}{message[1:]}"


def unknown_name(name: str, known: Collection[str]) -> str:
    """Say that a name is not known, with the nearest known one."""
    near = nearest(name, known)
    return f"is not a known setting; did you mean {near}?" if near else "is not a known setting."


def nearest(name: str, known: Collection[str]) -> str | None:
    """Find the known name that is most similar."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=_SIMILARITY_MIN)), None)


def unknown_parameters(path: str, names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Say which SSM parameters directly below a path nothing reads."""
    for name in sorted({*names} - {*known}):
        yield f"The SSM parameter {path}{name} {unknown_name(name, known)}"

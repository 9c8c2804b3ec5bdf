"""The stacks of a stage, and what each is given."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from aurora_restore.account.stack import ACCOUNT_PARAMETER
from aurora_restore.account.state import AccountState
from aurora_restore.deployment.stacks import StackSpec
from aurora_restore.setting_bounds import FRESHNESS_HOURS
from aurora_restore.stages import PROJECT, Stage

TEMPLATES: Final = "infra"
SECRETS: Final[Mapping[str, Callable[[Stage], str]]] = {
    "MASTER_CREDENTIALS_SECRET_ID": lambda stage: stage.master_secret,
    "APP_CREDENTIALS_SECRET_ID": lambda stage: stage.app_secret,
}
"""The stage's own secrets, by the setting that may name another."""

CREATE_SECRET_PARAMETERS: Final = {
    "MakeMasterSecret": "MASTER_CREDENTIALS_SECRET_ID",
    "MakeAppSecret": "APP_CREDENTIALS_SECRET_ID",
}
"""The parameters that have the stack of records create a secret, by the setting of each."""


def records_spec(state: AccountState, checkout: Path) -> StackSpec:
    """Give the stack of what outlives a deployment: tables, and secrets that are not there yet."""
    parameters = records_parameters(state.stage)
    for parameter, variable in CREATE_SECRET_PARAMETERS.items():
        secret = SECRETS[variable](state.stage)
        if parameters[parameter] == "true" and _is_foreign_secret(state, secret):
            parameters[parameter] = "false"
    return _spec(state, state.stage.records_stack, checkout, "records", parameters)


def records_parameters(stage: Stage) -> dict[str, str]:
    """Give the parameters of the stack of records, as far as the stage's settings tell them."""
    given = {"Stage": stage.name, "ProtectTables": stage.variables.get("PROTECT_TABLES", "false")}
    return given | {
        parameter: "true" if stage.variables[variable] == SECRETS[variable](stage) else "false"
        for parameter, variable in CREATE_SECRET_PARAMETERS.items()
    }


def foundation_spec(state: AccountState, checkout: Path) -> StackSpec:
    """Give the stack of everything else that Chalice does not make."""
    parameters = foundation_parameters(state.stage)
    return _spec(state, state.stage.foundation_stack, checkout, "foundation", parameters)


def foundation_parameters(stage: Stage) -> dict[str, str]:
    """Give the parameters of the foundation's stack."""
    variables = stage.variables
    return {
        "Stage": stage.name,
        "NotificationEmail": variables.get("NOTIFICATION_EMAIL", ""),
        "FreshnessHours": variables.get("FRESHNESS_HOURS", str(FRESHNESS_HOURS.default)),
        "SourceRegion": variables["SOURCE_REGION"],
        "SourceClusterId": variables["SOURCE_CLUSTER_ID"],
        "TargetRegion": variables["TARGET_REGION"],
        "TargetClusterId": variables["TARGET_CLUSTER_ID"],
        "KmsKeyId": variables.get("KMS_KEY_ID", ""),
        "SourceAccount": variables.get("SOURCE_ACCOUNT_ID", ""),
    }


def forwarding_spec(state: AccountState, checkout: Path, region: str) -> StackSpec:
    """Give the stack that forwards a source region's events to where the app lives."""
    parameters = forwarding_parameters(state.stage, region)
    name = state.stage.forwarding_stack
    return replace(_spec(state, name, checkout, "forwarding", parameters), region=region)


def forwarding_parameters(stage: Stage, region: str) -> dict[str, str]:
    """Give the parameters of the stack that forwards from a region."""
    return {
        "Stage": stage.name,
        "TargetRegion": stage.region,
        ACCOUNT_PARAMETER: "",
        "AlarmTopicArn": _alarm_topic(stage, region),
    }


def _alarm_topic(stage: Stage, region: str) -> str:
    """Give the topic that the alarm of a region may write to: one of its own region."""
    topic = stage.variables.get("FORWARDING_ALARM_TOPIC_ARN", "")
    return topic if topic.split(":")[3:4] == [region] else ""


def _spec(
    state: AccountState,
    name: str,
    checkout: Path,
    template: str,
    parameters: Mapping[str, str],
) -> StackSpec:
    file = checkout / TEMPLATES / f"{template}.yaml"
    guide = {"Environment": state.stage.environment_tag, "Project": PROJECT}
    tags = guide | state.stage.home_tags(state.account.number)
    return StackSpec(name, state.stage.region, file, parameters, tags)


def _is_foreign_secret(state: AccountState, secret: str) -> bool:
    """Tell whether a secret exists that the stack did not create; its value is left alone."""
    found = state.find("secretsmanager", "describe_secret", SecretId=secret)
    records = state.stack(state.stage.records_stack)
    if found is None:
        return False
    return records is None or found["ARN"] not in records.physical_ids.values()

"""The stacks of a stage: what each is given, in the order in which they are made."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from aurora_restore.deployment import stacks
from aurora_restore.deployment.account import Account, error_code
from aurora_restore.deployment.stacks import Stack, StackSpec
from aurora_restore.stages import FRESHNESS_HOURS, PROJECT, Stage

TEMPLATES: Final = "infra"
PARAMETERS: Final = {  # SSM parameters that the foundation makes, by the setting that each holds
    "source-cluster-id": "SOURCE_CLUSTER_ID",
    "source-region": "SOURCE_REGION",
    "target-cluster-id": "TARGET_CLUSTER_ID",
    "target-region": "TARGET_REGION",
    "kms-key-id": "KMS_KEY_ID",
}

SECRETS: Final[
    dict[str, Callable[[Stage], str]]
] = {  # by the setting that may name another, the stage's own
    "MASTER_CREDENTIALS_SECRET_ID": lambda stage: stage.master_secret,
    "APP_CREDENTIALS_SECRET_ID": lambda stage: stage.app_secret,
}

CREATE_SECRET_PARAMETERS: Final = {
    "MakeMasterSecret": "MASTER_CREDENTIALS_SECRET_ID",
    "MakeAppSecret": "APP_CREDENTIALS_SECRET_ID",
}
"""The parameters that have the stack of records make a secret, by the setting of each."""


def deploy_records(account: Account, stage: Stage, checkout: Path) -> Stack:
    """Make what outlives a deployment: tables, and secrets where there are none of their names yet."""
    existing = stacks.find(account, stage.records_stack, stage.region)
    given = records_parameters(stage)
    protected = given["ProtectTables"]
    parameters = {
        **given,
        "ProtectTables": protected
        if existing
        else "false",  # a creation that fails takes its tables back
    }
    for parameter, variable in CREATE_SECRET_PARAMETERS.items():
        if given[parameter] == "true" and _is_foreign_secret(
            account, stage, existing, SECRETS[variable](stage)
        ):
            parameters[parameter] = "false"
    wanted = _spec(
        stage, stage.records_stack, stage.region, checkout / TEMPLATES / "records.yaml", parameters
    )
    made = stacks.deploy(account, wanted)
    if parameters["ProtectTables"] == protected:
        return made
    return stacks.deploy(
        account, replace(wanted, parameters={**parameters, "ProtectTables": protected})
    )


def records_parameters(stage: Stage) -> dict[str, str]:
    """Give the parameters of the stack of records, as far as the stage's settings tell them."""
    given = {"Stage": stage.name, "ProtectTables": stage.variables.get("PROTECT_TABLES", "false")}
    return given | {
        parameter: "true" if stage.variables[variable] == SECRETS[variable](stage) else "false"
        for parameter, variable in CREATE_SECRET_PARAMETERS.items()
    }


def deploy_foundation(account: Account, stage: Stage, checkout: Path) -> Stack:
    """Make everything else that Chalice does not."""
    parameters = foundation_parameters(stage)
    return stacks.deploy(
        account,
        _spec(
            stage,
            stage.foundation_stack,
            stage.region,
            checkout / TEMPLATES / "foundation.yaml",
            parameters,
        ),
    )


def foundation_parameters(stage: Stage) -> dict[str, str]:
    """Give the parameters of the foundation's stack."""
    variables = stage.variables
    return {
        "Stage": stage.name,
        "NotificationEmail": variables.get("NOTIFICATION_EMAIL", ""),
        "FreshnessHours": variables.get("FRESHNESS_HOURS", str(FRESHNESS_HOURS)),
        "SourceRegion": variables["SOURCE_REGION"],
        "SourceClusterId": variables["SOURCE_CLUSTER_ID"],
        "TargetRegion": variables["TARGET_REGION"],
        "TargetClusterId": variables["TARGET_CLUSTER_ID"],
        "KmsKeyId": variables.get("KMS_KEY_ID", ""),
        "SourceAccount": variables.get("SOURCE_ACCOUNT_ID", ""),
    }


def planned_parameters(stage: Stage, parameters: Mapping[str, str]) -> dict[str, str]:
    """Give the stage's SSM parameters as they will be, by those that it has: the foundation's are made anew."""
    variables = stage.variables
    of_the_foundation = {
        name: variables[setting] for name, setting in PARAMETERS.items() if setting in variables
    }
    return {
        name: value for name, value in parameters.items() if name not in PARAMETERS
    } | of_the_foundation


def source_regions(stage: Stage, parameters: Mapping[str, str]) -> list[str]:
    """List the other regions that some plan has its source in, by the stage's SSM parameters (below its path)."""
    named = {
        value
        for name, value in parameters.items()
        if re.fullmatch(r"(plans/[^/]+/)?source-region", name)
    }
    return sorted(named - {stage.region})


def deploy_forwarding(account: Account, stage: Stage, checkout: Path, region: str) -> Stack:
    """Make what forwards a source region's events to where the app lives."""
    template = checkout / TEMPLATES / "forwarding.yaml"
    parameters = forwarding_parameters(stage, region)
    return stacks.deploy(
        account, _spec(stage, stage.forwarding_stack, region, template, parameters)
    )


def forwarding_parameters(stage: Stage, region: str) -> dict[str, str]:
    """Give the parameters of the stack that forwards from a region."""
    return {
        "Stage": stage.name,
        "TargetRegion": stage.region,
        stacks.ACCOUNT_PARAMETER: "",
        "AlarmTopicArn": _alarm_topic(stage, region),
    }


def _alarm_topic(stage: Stage, region: str) -> str:
    """Give the topic that the alarm of a region may write to: one of its own region."""
    topic = stage.variables.get("FORWARDING_ALARM_TOPIC_ARN", "")
    return topic if topic.split(":")[3:4] == [region] else ""


def _spec(
    stage: Stage, name: str, region: str, template: Path, parameters: dict[str, str]
) -> StackSpec:
    tags = {"Environment": stage.environment_tag, "Project": PROJECT}
    return StackSpec(name, region, template, parameters, tags)


def _is_foreign_secret(account: Account, stage: Stage, existing: Stack | None, secret: str) -> bool:
    """Tell whether a secret is there that the stack did not make: its value is whoever's who did."""
    try:
        arn = account.clients("secretsmanager", stage.region).describe_secret(SecretId=secret)[
            "ARN"
        ]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return False
        raise
    return existing is None or arn not in existing.resources.values()

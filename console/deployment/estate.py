"""The three stacks of a stage: what each is given, in the order in which they are made."""

from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from console.deployment import stacks
from console.deployment.account import Account, error_code
from console.deployment.stacks import Stack, Wanted
from console.stages import FRESHNESS_HOURS, Stage

TEMPLATES: Final = "infra"


def put_records(account: Account, stage: Stage, checkout: Path) -> Stack:
    """Make what outlives a deployment: tables, and secrets where there are none of their names yet."""
    existing = stacks.find(account, stage.records_stack, stage.region)
    parameters = {
        "Stage": stage.name,
        "MakeMasterSecret": _made_here(account, stage, stage.master_secret, existing, "MASTER_CREDENTIALS_SECRET_ID"),
        "MakeAppSecret": _made_here(account, stage, stage.app_secret, existing, "APP_CREDENTIALS_SECRET_ID"),
    }
    return stacks.put(
        account, _wanted(stage, stage.records_stack, stage.region, checkout / TEMPLATES / "records.yaml", parameters)
    )


def put_foundation(account: Account, stage: Stage, checkout: Path) -> Stack:
    """Make everything else that Chalice does not."""
    variables = stage.variables
    parameters = {
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
    return stacks.put(
        account,
        _wanted(stage, stage.foundation_stack, stage.region, checkout / TEMPLATES / "foundation.yaml", parameters),
    )


def put_forwarding(account: Account, stage: Stage, checkout: Path) -> Stack | None:
    """Make what forwards the source's events to where the app lives; None where they arrive there anyway."""
    if not stage.is_forwarded:
        return None
    parameters = {"Stage": stage.name, "TargetRegion": stage.region}
    wanted = _wanted(
        stage, stage.forwarding_stack, stage.source_region, checkout / TEMPLATES / "forwarding.yaml", parameters
    )
    return stacks.put(account, wanted)


def _wanted(stage: Stage, name: str, region: str, template: Path, parameters: dict[str, str]) -> Wanted:
    tags = {"Environment": stage.environment_tag, "Project": "AuroraRestore"}
    return Wanted(name, region, template, parameters, tags)


def _made_here(account: Account, stage: Stage, secret: str, existing: Stack | None, variable: str) -> str:
    """Say whether the stack makes a secret: not one that somebody made before, whose value is theirs."""
    if stage.variables[variable] != secret:
        return "false"
    try:
        arn = account.clients("secretsmanager", stage.region).describe_secret(SecretId=secret)["ARN"]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return "true"
        raise
    return "true" if existing and arn in existing.resources.values() else "false"

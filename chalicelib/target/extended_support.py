"""RDS Extended Support: a version past its standard support is billed, or upgraded by Aurora."""

from datetime import datetime, timedelta

from chalicelib.aws.client import Service
from chalicelib.aws.rds import ENGINE
from chalicelib.flow.errors import RefusedError
from chalicelib.flow.plan import Plan
from chalicelib.flow.setting_definitions import EXTENDED_SUPPORT

STANDARD = "open-source-rds-standard-support"
WARNED_BEFORE = timedelta(days=60)


def warning_of_support(rds: Service, plan: Plan, major: str, now: datetime) -> str | None:
    """Warn of the end of standard support, where it is near; raises RefusedError after it.

    Without Extended Support Aurora then upgrades what it restores to another major version (API
    reference, EngineLifecycleSupport), so the target would no longer be like production.
    """
    if plan.target.engine_lifecycle_support == EXTENDED_SUPPORT:
        return None
    end = _end_of_standard_support(rds, major)
    if end is None or now < end - WARNED_BEFORE:
        return None
    version, last = f"{ENGINE} {major}", f"{end:%Y-%m-%d}"
    remedy = (
        f"Set ENGINE_LIFECYCLE_SUPPORT={EXTENDED_SUPPORT}, for which AWS charges, or upgrade "
        "production."
    )
    if now < end:
        return f"Standard support of {version} ends on {last}. {remedy}"
    raise RefusedError(
        f"Standard support of {version} ended on {last}. Without Extended Support Aurora would "
        "upgrade the new cluster to another major version.",
        remedy,
    )


def _end_of_standard_support(rds: Service, major: str) -> datetime | None:
    found = rds.pages(
        "describe_db_major_engine_versions",
        "DBMajorEngineVersions",
        Engine=ENGINE,
        MajorEngineVersion=major,
    )
    ends: list[datetime] = [
        lifecycle["LifecycleSupportEndDate"]
        for version in found
        for lifecycle in version.get("SupportedEngineLifecycles", ())
        if lifecycle["LifecycleSupportName"] == STANDARD
    ]
    return next(iter(ends), None)

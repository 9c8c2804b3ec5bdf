"""A plan: what is restored to where, and how.

Resolved once when an operation starts, then frozen in its record.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.quiesce_kinds import ALL, KINDS, chosen

HOUR = 3600
SIDES = ("source", "target")
OWNER_TAG = "aurora-restore"  # value: <stage>/<plan>, on everything that is ours
OPERATION_TAG = (
    "aurora-restore-operation"  # value: the first operation of the chain of reruns that made it
)
ARCHIVED_TAG = "aurora-restore-archived"  # value: when the copy was put away


class Plan(BaseModel):
    """Every setting of one kind of restore. Durations are whole seconds.

    Identifiers are lower case, as RDS keeps them.

    Constructing a plan whose target is its source is an error: identifiers are compared as whole
    ARNs.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    stage: str
    account: str = Field(pattern=r"^\d{12}$")
    partition: str = "aws"

    source_region: str
    source_cluster_id: str
    snapshot_prefix: str | None = None
    snapshot_age_max_hours: int = Field(default=36, ge=1)
    target_region: str
    target_cluster_id: str = Field(
        max_length=57
    )  # an instance's name adds a dash and up to five digits, of 63 in all
    kms_key_id: str | None = None

    db_subnet_group_name: str
    vpc_security_group_ids: tuple[str, ...] = Field(min_length=1)
    port: int = Field(default=5432, ge=1150, le=65535)
    deletion_protection: bool = False
    db_cluster_parameter_group_name: str | None = None
    db_parameter_group_name: str | None = None
    log_exports: tuple[str, ...] = ("postgresql",)
    backup_retention_days: int = Field(default=1, ge=1, le=35)
    instance_class: str = Field(pattern=r"^db\.")
    instance_count: int = Field(default=1, ge=1, le=16)
    serverless_min_capacity: float | None = Field(default=None, ge=0, le=256, multiple_of=0.5)
    serverless_max_capacity: float | None = Field(default=None, ge=1, le=256, multiple_of=0.5)
    skip_final_snapshot: bool = True
    archive_snapshot: bool = True
    audit_retention_days: int = Field(default=400, ge=1)

    master_credentials_secret_id: str
    app_credentials_secret_id: str
    db_connection_timeout: int = Field(default=30, ge=1, le=120)
    db_tls: Literal["verify-full", "off"] = "verify-full"
    keep_login_roles: tuple[str, ...] = ()
    trust_definer_functions: tuple[str, ...] = ()
    quiesce: tuple[str, ...] = (ALL,)
    sns_topic_arn: str = Field(pattern=r"^arn:[^:]+:sns:[^:]+:\d{12}:.+$")

    copy_check_interval: int = Field(default=30, ge=1)
    restore_check_interval: int = Field(default=30, ge=1)
    max_copy_attempts: int | None = Field(default=None, ge=1)
    max_restore_attempts: int | None = Field(default=None, ge=1)
    step_deadline: int = Field(default=HOUR, ge=1)
    snapshot_deadline: int = Field(default=6 * HOUR, ge=1)
    copy_queue_deadline: int = Field(default=24 * HOUR, ge=1)
    copy_deadline: int = Field(default=12 * HOUR, ge=1)
    network_deadline: int = Field(default=HOUR // 6, ge=1)
    delete_deadline: int = Field(default=2 * HOUR, ge=1)
    restore_deadline: int = Field(default=3 * HOUR, ge=1)
    instance_deadline: int = Field(default=2 * HOUR, ge=1)
    users_deadline: int = Field(default=HOUR, ge=1)
    archive_deadline: int = Field(default=HOUR // 2, ge=1)
    notification_deadline: int = Field(default=HOUR, ge=1)

    @field_validator("source_cluster_id", "target_cluster_id")
    @classmethod
    def _identifiers_are_rds_identifiers(cls, value: str) -> str:
        value = value.lower()
        letters = value.replace("-", "")
        if (
            not (letters.isalnum() and letters.isascii() and value[0].isalpha())
            or "--" in value
            or value[-1] == "-"
        ):
            raise ValueError(
                "should be an RDS identifier: letters, digits and single hyphens, beginning with a "
                "letter"
            )
        return value

    @field_validator("quiesce")
    @classmethod
    def _kinds_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        chosen(value)
        return value

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if wrong := contradictions(self.model_dump()):
            raise ValueError("\n".join(wrong))
        return self

    @property
    def source_cluster_arn(self) -> str:
        """The one cluster that is never touched."""
        return cluster_arn(self.partition, self.source_region, self.account, self.source_cluster_id)

    @property
    def target_cluster_arn(self) -> str:
        """The one cluster that is replaced."""
        return cluster_arn(self.partition, self.target_region, self.account, self.target_cluster_id)

    @property
    def owner(self) -> str:
        """The value of the ownership tag."""
        return f"{self.stage}/{self.name}"

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """The names of the target's instances, the same every night.

        The first becomes the writer.
        """
        return tuple(
            f"{self.target_cluster_id}-{number + 1}" for number in range(self.instance_count)
        )

    @property
    def quiet_kinds(self) -> tuple[str, ...]:
        """The kinds of `chalicelib.flow.quiesce_kinds` that are stopped on the copy, in the order in which they are."""
        return chosen(self.quiesce)

    @property
    def kinds_left(self) -> tuple[str, ...]:
        """The kinds of `chalicelib.flow.quiesce_kinds` that QUIESCE names off."""
        return tuple(kind for kind in KINDS if kind not in self.quiet_kinds)

    def seconds(self, deadline: str) -> int:
        """Give a budget by its field name.

        The guide's attempts x interval, when set, is the budget instead.
        """
        if deadline == "copy_deadline" and self.max_copy_attempts:
            return self.max_copy_attempts * self.copy_check_interval
        if deadline in ("restore_deadline", "instance_deadline") and self.max_restore_attempts:
            return self.max_restore_attempts * self.restore_check_interval
        return int(getattr(self, deadline))

    def setting_of(self, deadline: str) -> str:
        """Name the variable that makes a budget longer."""
        if deadline == "copy_deadline" and self.max_copy_attempts:
            return "MAX_COPY_ATTEMPTS"
        if deadline in ("restore_deadline", "instance_deadline") and self.max_restore_attempts:
            return "MAX_RESTORE_ATTEMPTS"
        return deadline.upper()

    def refuse_source(self, resource_id: str, source_resource_id: str | None) -> None:
        """Raise RefusedError when a cluster about to be replaced is the source under another name."""
        if resource_id == source_resource_id:
            raise RefusedError(
                f"The target {self.target_cluster_arn} is the source cluster itself: both have the "
                f"resource id {resource_id}.",
                "Set TARGET_CLUSTER_ID and TARGET_REGION to the cluster that is to be replaced.",
                retry=Retry.NEW_REQUEST,
            )


def cluster_arn(partition: str, region: str, account: str, cluster_id: str) -> str:
    """Spell a cluster's ARN, lower case as RDS does."""
    return f"arn:{partition}:rds:{region}:{account}:cluster:{cluster_id}".lower()


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """Say what settings that are fine by themselves do not fit each other, as sentences.

    Missing ones are skipped.
    """
    wrong = []
    sides = [
        [str(values.get(f"{side}_{part}", side)).lower() for part in ("region", "cluster_id")]
        for side in SIDES
    ]
    if sides[0] == sides[1]:
        wrong.append(
            "SOURCE_CLUSTER_ID, TARGET_CLUSTER_ID: the target is the source cluster itself; name "
            "another target, or another TARGET_REGION."
        )
    low, high = (values.get(f"serverless_{bound}_capacity") for bound in ("min", "max"))
    serverless = values.get("instance_class", "db.serverless" if low else "") == "db.serverless"
    if serverless != (low is not None) or serverless != (high is not None):
        wrong.append(
            "SERVERLESS_MIN_CAPACITY, SERVERLESS_MAX_CAPACITY: set both with INSTANCE_CLASS "
            "db.serverless, and neither with any other class."
        )
    if low is not None and high is not None and float(low) > float(high):
        wrong.append("SERVERLESS_MAX_CAPACITY: should be at least SERVERLESS_MIN_CAPACITY.")
    return wrong

"""Checks all that a restore needs before the old target is deleted, and reports all problems."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from chalicelib.aws import secrets
from chalicelib.aws.client import NotFoundError
from chalicelib.aws.kms import usable_key_arn
from chalicelib.aws.rds import ENGINE, Instance
from chalicelib.database.endpoint import Login
from chalicelib.database.names import check_users
from chalicelib.database.root_certificates import refuse_uncovered_region
from chalicelib.flow.errors import BeyondSettingsError, RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import refuse_others
from chalicelib.ports import Ports
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target.cluster import TargetCluster

OF_VERSION = frozenset(
    {"cluster parameter group", "parameter group", "engine version", "instance class"}
)
"""The checks that need the snapshot's engine version."""
LEFT = "The old target was left as it is, because the restore would fail"
MAJOR_MIN = 14  # of PostgreSQL: the statements for users need its syntax


class Preflight:
    """The checks of one operation: methods that raise RefusedError, or TransientError."""

    def __init__(
        self, operation: Operation, ports: Ports, *, keys: Mapping[str, str] | None = None
    ) -> None:
        """Prepare the checks; `keys` are the ARNs of further keys, with the remedy for each."""
        self._keys = keys or {}
        self._operation, self._facts, self._plan = operation, operation.facts, operation.plan
        self._ports = ports
        self._rds = ports.service("rds", self._plan.target.region)
        self._target = TargetCluster(self._rds, operation)
        self._vpc: str | None = None

    def refuse_unless_ready(self, old_instances: list[Instance], *, replaces: bool) -> None:
        """Run all checks; raises one RefusedError with every problem and its remedy."""
        self._refuse(self.checks(old_instances, replaces=replaces).values())

    def refuse_before_deletion(self, *, final_snapshot: bool) -> None:
        """Repeat the checks of the keys and, if it will be taken, of the final snapshot."""
        names = ("key", "final snapshot") if final_snapshot else ("key",)
        checks = self.checks([], replaces=final_snapshot)
        self._refuse([checks[name] for name in names])

    def _refuse(self, checks: Iterable[Callable[[], None]]) -> None:
        if problems := _problems(checks):
            raise in_one(LEFT, problems)

    def checks(
        self, old_instances: list[Instance], *, replaces: bool
    ) -> Mapping[str, Callable[[], None]]:
        """Give every check by its name, in order: security groups need the subnet group's VPC."""
        return {
            "subnet group": self._subnet_group,
            "security groups": self._security_groups,
            "certificate authority": self._certificate_authority,
            "cluster parameter group": self._cluster_parameter_group,
            "parameter group": self._parameter_group,
            "key": self._key,
            "engine version": self._engine_version,
            "instance class": self._instance_class,
            "secrets": self._secrets,
            "master secret": self._master_secret,
            "application secret": self._app_secret,
            "topic": self._topic,
            "instance names": lambda: self._instance_names(old_instances),
            "final snapshot": lambda: self._final_snapshot(replaces=replaces),
            "quotas": lambda: self._quotas(len(old_instances), replaces=replaces),
        }

    def _subnet_group(self) -> None:
        name = self._plan.target.db_subnet_group_name
        with self._named("DB subnet group", "DB_SUBNET_GROUP_NAME", name):
            found = self._rds.call("describe_db_subnet_groups", DBSubnetGroupName=name)
            self._vpc = found["DBSubnetGroups"][0].get("VpcId")

    def _security_groups(self) -> None:
        found = [self._security_group(group) for group in self._plan.target.vpc_security_group_ids]
        elsewhere = [group["GroupId"] for group in found if group.get("VpcId") != self._vpc]
        if self._vpc and elsewhere:
            raise RefusedError(
                f"The security groups {', '.join(elsewhere)} are not in {self._vpc}, where the "
                f"subnet group {self._plan.target.db_subnet_group_name} is.",
                "Name security groups of that VPC in VPC_SECURITY_GROUP_IDS.",
            )

    def _security_group(self, group: str) -> Mapping[str, Any]:
        ec2 = self._ports.service("ec2", self._plan.target.region)
        with self._named("security group", "VPC_SECURITY_GROUP_IDS", group):
            answer = ec2.call("describe_security_groups", GroupIds=[group])
            found: Mapping[str, Any] = answer["SecurityGroups"][0]
        return found

    def _certificate_authority(self) -> None:
        if self._plan.users.db_tls != "off":
            refuse_uncovered_region(self._plan.target.region)

    def _cluster_parameter_group(self) -> None:
        variable = "DB_CLUSTER_PARAMETER_GROUP_NAME"
        if name := self._plan.target.db_cluster_parameter_group_name:
            with self._named("DB cluster parameter group", variable, name):
                found = self._rds.call(
                    "describe_db_cluster_parameter_groups", DBClusterParameterGroupName=name
                )
            self._refuse_family(
                name, variable, found["DBClusterParameterGroups"][0]["DBParameterGroupFamily"]
            )

    def _parameter_group(self) -> None:
        variable = "DB_PARAMETER_GROUP_NAME"
        if name := self._plan.target.db_parameter_group_name:
            with self._named("DB parameter group", variable, name):
                found = self._rds.call("describe_db_parameter_groups", DBParameterGroupName=name)
            self._refuse_family(
                name, variable, found["DBParameterGroups"][0]["DBParameterGroupFamily"]
            )

    @contextmanager
    def _named(self, kind: str, variable: str, name: str) -> Iterator[None]:
        """Name the setting whose resource does not exist, instead of quoting AWS's answer."""
        try:
            yield
        except NotFoundError as error:
            raise RefusedError(
                f"There is no {kind} {name} in {self._plan.target.region}.",
                f"Create it, or correct {variable}, which names it.",
            ) from error

    def _refuse_family(self, name: str, variable: str, family: str) -> None:
        version = self._facts.snapshot.engine_version or ""
        needed = f"{ENGINE}{version.split('.')[0]}"
        if family != needed:
            raise RefusedError(
                f"The parameter group {name} is of the family {family}, the snapshot is of version "
                f"{version}.",
                f"Create a parameter group of the family {needed} and name it in {variable}.",
            )

    def _key(self) -> None:
        """Check the keys of the snapshot, the new cluster and the final snapshot."""
        kms = self._ports.service("kms", self._plan.target.region)
        planned = self._facts.copies.key_arn or self._plan.copies.kms_key_id
        for key, remedy in self._keys.items():
            if key != planned:
                usable_key_arn(kms, key, remedy=remedy)
        if planned:
            usable_key_arn(kms, planned)
            return
        same_region = self._plan.source.region == self._plan.target.region
        if self._facts.snapshot.encrypted and not same_region:
            raise RefusedError(
                "KMS_KEY_ID is not set, and the snapshot is encrypted.",
                f"Set KMS_KEY_ID to a key of {self._plan.target.region}.",
            )

    def _instance_names(self, old_instances: list[Instance]) -> None:
        """Check that no instance outside of the target has a planned name."""
        known = {instance.identifier for instance in old_instances}
        for name in sorted({*self._plan.target.instance_ids} - known):
            found = self._target.observe_instance(name)
            if found and found.cluster_id != self._plan.target.cluster_id:
                what = f"The instance {name}, whose name the target needs,"
                refuse_others(what, [found], self._plan)
                raise RefusedError(
                    f"The instance name {name} is taken by {found.arn}, which is not the target's.",
                    "Rename or delete that instance, or name another target in TARGET_CLUSTER_ID.",
                )

    def _final_snapshot(self, *, replaces: bool) -> None:
        """Check that no snapshot has the final snapshot's name."""
        name = self._operation.name_of_final_snapshot
        if self._plan.target.skip_final_snapshot or not replaces:
            return
        found = SourceCluster(self._rds, self._plan).observe_snapshot(name)
        if found:
            what = f"The snapshot {found.arn}, whose name the final snapshot needs,"
            refuse_others(what, [found], self._plan)
            raise BeyondSettingsError(
                f"The snapshot {found.arn} has the name that the old target's final snapshot "
                "needs.",
                "Delete it if it is not needed, or copy it under another name first: a snapshot "
                "cannot be renamed.",
            )

    @cached_property
    def _offered_versions(self) -> list[Mapping[str, Any]]:
        """The snapshot's version as the region offers it, even deprecated: it can be restored."""
        version = self._facts.snapshot.engine_version or ""
        return self._rds.pages(
            "describe_db_engine_versions",
            "DBEngineVersions",
            Engine=ENGINE,
            EngineVersion=version,
            IncludeAll=True,
        )

    @property
    def _is_too_old(self) -> bool:
        version = self._facts.snapshot.engine_version or ""
        return int(version.partition(".")[0] or 0) < MAJOR_MIN

    def _engine_version(self) -> None:
        version = self._facts.snapshot.engine_version
        if self._is_too_old:
            raise BeyondSettingsError(
                f"The snapshot is of PostgreSQL {version}; the users can be set up from version "
                f"{MAJOR_MIN} on.",
                f"Upgrade production to version {MAJOR_MIN} or later.",
                retry=Retry.LATER_SNAPSHOT,
            )
        if not self._offered_versions:
            raise BeyondSettingsError(
                f"{self._plan.target.region} does not offer {ENGINE} {version}, which the snapshot "
                "is of.",
                "Upgrade production to a version that is offered there, or restore into a region "
                "that offers this one.",
                retry=Retry.LATER_SNAPSHOT,
            )
        self._refuse_log_exports(
            self._offered_versions[0].get("ExportableLogTypes") or self._plan.target.log_exports
        )

    def _refuse_log_exports(self, offered: Collection[str]) -> None:
        if unknown := sorted({*self._plan.target.log_exports} - {*offered}):
            raise RefusedError(
                f"{ENGINE} {self._facts.snapshot.engine_version} has no log {', '.join(unknown)} "
                "to export.",
                f"Set LOG_EXPORTS to some of {','.join(sorted(offered))}.",
            )

    def _instance_class(self) -> None:
        """Check that the instance class can be ordered for the version, where that is offered."""
        if self._is_too_old or not self._offered_versions:
            return
        version = self._facts.snapshot.engine_version or ""
        found = self._rds.pages(
            "describe_orderable_db_instance_options",
            "OrderableDBInstanceOptions",
            Engine=ENGINE,
            DBInstanceClass=self._plan.target.instance_class,
        )
        majors = {str(option["EngineVersion"]).partition(".")[0] for option in found}
        if version.partition(".")[0] not in majors:  # deprecated minor versions are in no list
            where, name = self._plan.target.region, self._plan.target.instance_class
            raise RefusedError(
                f"{where} has no {name} for {ENGINE} {version}.",
                "Set INSTANCE_CLASS to one that can be ordered there.",
            )

    def refuse_unusable_secrets(self) -> None:
        """Raise RefusedError for secrets that are missing or malformed, or name invalid users."""
        problems = _problems((self._secrets, self._master_secret, self._app_secret))
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise in_one("The secrets cannot be used", problems)

    def _secrets(self) -> None:
        secrets.refuse_same(self._plan)

    def _master_secret(self) -> None:
        found = secrets.master_credentials(self._ports.service("secretsmanager"), self._plan)
        self._refuse_other_master(found.username)

    def _app_secret(self) -> None:
        users = secrets.app_credentials(self._ports.service("secretsmanager"), self._plan)
        application = Login(users.app_username, users.app_password)
        readonly = Login(users.readonly_username, users.readonly_password)
        check_users(self._facts.snapshot.master_username or "", application, readonly)

    def _refuse_other_master(self, username: str) -> None:
        of_snapshot = self._facts.snapshot.master_username
        if of_snapshot and username != of_snapshot:
            raise RefusedError(
                f"The secret {self._plan.users.master_credentials_secret_id} names the master user "
                f"{username}, the snapshot's is {of_snapshot}.",
                "A restored cluster keeps the snapshot's master user: put that name into the "
                "secret.",
            )

    def _topic(self) -> None:
        arn = self._plan.reports.sns_topic_arn
        try:
            self._ports.service("sns", arn.split(":")[3]).call("get_topic_attributes", TopicArn=arn)
        except NotFoundError as error:  # whose text does not say which topic
            raise RefusedError(
                f"There is no topic {arn}.", "Create it, or correct SNS_TOPIC_ARN."
            ) from error

    def _quotas(self, replaced_instances: int, *, replaces: bool) -> None:
        needed = {
            "DBInstances": self._plan.target.instance_count - replaced_instances,
            "DBClusters": 0 if replaces else 1,
        }
        if not self._plan.target.skip_final_snapshot and replaces:
            needed["ManualClusterSnapshots"] = 1
        answer = self._rds.call("describe_account_attributes")["AccountQuotas"]
        quotas = {quota["AccountQuotaName"]: quota for quota in answer}
        for name, more in needed.items():
            if name in quotas:
                self._refuse_excess(quotas[name], more)

    def _refuse_excess(self, quota: Mapping[str, Any], more: int) -> None:
        """Refuse what a quota has no room for.

        It is a problem of the settings only where not even an empty account would have room.
        """
        name, most, used = quota["AccountQuotaName"], quota["Max"], quota["Used"]
        if more <= 0 or used + more <= most:
            return
        what = (
            f"The quota {name} of {self._plan.target.region} is {most}, {used} are used and {more} "
            "more are needed."
        )
        room = self._plan.target.instance_count - (used + more - most)
        if name == "DBInstances" and self._plan.target.instance_count > most and room > 0:
            raise RefusedError(
                what, f"Set INSTANCE_COUNT to at most {room}, or have the quota raised."
            )
        raise BeyondSettingsError(what, "Delete what is not needed, or have the quota raised.")


def _problems(checks: Iterable[Callable[[], None]]) -> list[RefusedError]:
    """Run checks; give their refusals, each once."""
    refused: dict[str, RefusedError] = {}
    for check in checks:
        try:
            check()
        except RefusedError as problem:
            refused[str(problem)] = problem
    return [*refused.values()]


def in_one(what: str, problems: Sequence[RefusedError]) -> RefusedError:
    """Combine refusals into one, which lists several as its problems."""
    if len(problems) == 1:
        (problem,) = problems
        return RefusedError(f"{what}: {problem.reason}", problem.remedy, retry=problem.retry)
    return RefusedError(
        f"{what}, for {len(problems)} reasons.",
        "Correct each of them.",
        retry=max((problem.retry for problem in problems), key=list(Retry).index),
        problems=[f"{problem.reason} {problem.remedy}" for problem in problems],
    )

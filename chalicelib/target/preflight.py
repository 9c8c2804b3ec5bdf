"""Checks all that a restore needs before the old target is deleted, and reports all problems."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chalicelib.aws import secrets
from chalicelib.aws.client import NotFoundError
from chalicelib.aws.kms import usable_key_arn
from chalicelib.aws.rds import Instance
from chalicelib.database.names import check_users
from chalicelib.database.root_certificates import refuse_missing_authority
from chalicelib.flow.errors import BeyondSettingsError, RefusedError, Retry, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import refuse_others
from chalicelib.flow.target_spec import TargetSpec
from chalicelib.ports import Ports
from chalicelib.snapshots.source import SourceCluster
from chalicelib.target import quotas
from chalicelib.target.attachments import refuse_attached
from chalicelib.target.cluster import TargetCluster, observe_cluster
from chalicelib.target.engine_version import EngineVersion
from chalicelib.target.pointers import Pointers
from chalicelib.target.previous_name import refuse_kept_instance
from chalicelib.target.quotas import SNAPSHOTS, refuse_full
from chalicelib.target.user_logins import user_logins
from chalicelib.target.version_checks import VersionChecks

OF_VERSION = frozenset(
    {
        "cluster parameter group",
        "parameter group",
        "engine version",
        "extended support",
        "instance class",
    }
)
"""The checks that need the snapshot's engine version."""
LEFT = "The old target was left as it is, because the restore would fail"


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
        self._of_version = VersionChecks(operation, ports, self._rds)
        self._vpc: str | None = None
        self.zones = frozenset[str]()  # of the subnet group, once all checks passed

    @property
    def _spec(self) -> TargetSpec:
        """What the new cluster is to be like; raises RefusedError for a missing setting."""
        return self._operation.target_spec

    @property
    def version(self) -> EngineVersion:
        """The engine version of the new cluster; raises RefusedError where it cannot be had."""
        return self._of_version.version

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know of the version, once all checks passed."""
        return self._of_version.warnings

    def refuse_unless_ready(
        self, old_instances: list[Instance], *, replaces: bool, final_snapshot: bool
    ) -> None:
        """Run all checks; raises one RefusedError with every problem and its remedy.

        `replaces` says that a cluster is deleted before the new one is made, and `old_instances`
        are its instances; `final_snapshot`, that a last snapshot of it is taken.
        """
        checks = self.checks(old_instances, replaces=replaces, final_snapshot=final_snapshot)
        self._refuse(checks.values())

    def refuse_before_deletion(self, *, final_snapshot: bool) -> None:
        """Repeat the checks of the keys, of what hangs on the clusters, and of the final snapshot.

        The last one if it will be taken.
        """
        names = ("key", "attachments", *(("final snapshot",) if final_snapshot else ()))
        checks = self.checks([], replaces=final_snapshot, final_snapshot=final_snapshot)
        self._refuse([checks[name] for name in names])

    def refuse_final_snapshot(self, name: str) -> None:
        """Refuse what AWS would refuse of the last snapshot of a previous target."""
        kms = self._ports.service("kms", self._plan.target.region)
        for key, remedy in self._keys.items():
            usable_key_arn(kms, key, remedy=remedy)
        self._snapshot_name(name)
        refuse_full(self._operation, self._rds, {SNAPSHOTS: 1})

    def _refuse(self, checks: Iterable[Callable[[], None]]) -> None:
        if problems := _problems(checks):
            raise in_one(LEFT, problems)

    def checks(
        self, old_instances: list[Instance], *, replaces: bool, final_snapshot: bool
    ) -> Mapping[str, Callable[[], None]]:
        """Give every check by its name, in order: security groups need the subnet group's VPC."""
        return {
            "subnet group": self._subnet_group,
            "security groups": self._security_groups,
            "certificate authority": self._certificate_authority,
            "cluster parameter group": self._cluster_parameter_group,
            "parameter group": self._parameter_group,
            "key": self._key,
            "engine version": self._of_version.refuse_unknown_logs,
            "extended support": self._of_version.refuse_extended_support,
            "instance class": self._of_version.refuse_unorderable_classes,
            "secrets": self._secrets,
            "master secret": self._master_secret,
            "application secret": self._app_secret,
            "topic": self._topic,
            "attachments": self._attachments,
            "pointers": self._pointers,
            "instance names": lambda: self._instance_names(old_instances),
            "final snapshot": lambda: self._final_snapshot(is_taken=final_snapshot),
            "quotas": lambda: self._quotas(
                len(old_instances), replaces=replaces, final_snapshot=final_snapshot
            ),
        }

    def _subnet_group(self) -> None:
        name = self._spec.db_subnet_group_name
        with self._named("DB subnet group", "DB_SUBNET_GROUP_NAME", name):
            found = self._rds.call("describe_db_subnet_groups", DBSubnetGroupName=name)
        group = found["DBSubnetGroups"][0]
        self._vpc = group.get("VpcId")
        self.zones = frozenset(
            subnet["SubnetAvailabilityZone"]["Name"] for subnet in group.get("Subnets", ())
        )
        offered, wanted = group.get("SupportedNetworkTypes", ()), self._spec.network_type
        if offered and wanted and wanted not in offered:
            raise RefusedError(
                f"The subnet group {name} supports {', '.join(offered)}, and the old target has "
                f"the network type {wanted}.",
                "Give each of its subnets an IPv6 range, or name another subnet group in "
                "DB_SUBNET_GROUP_NAME.",
            )

    def _security_groups(self) -> None:
        found = [self._security_group(group) for group in self._spec.security_group_ids]
        elsewhere = [group["GroupId"] for group in found if group.get("VpcId") != self._vpc]
        if self._vpc and elsewhere:
            raise RefusedError(
                f"The security groups {', '.join(elsewhere)} are not in {self._vpc}, where the "
                f"subnet group {self._spec.db_subnet_group_name} is.",
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
            refuse_missing_authority(self._plan.target.region, self._plan.users.db_ca_file)

    def _cluster_parameter_group(self) -> None:
        variable = "DB_CLUSTER_PARAMETER_GROUP_NAME"
        if name := self._spec.parameter_group_name:
            with self._named("DB cluster parameter group", variable, name):
                found = self._rds.call(
                    "describe_db_cluster_parameter_groups", DBClusterParameterGroupName=name
                )
            self._of_version.refuse_family(
                name, variable, found["DBClusterParameterGroups"][0]["DBParameterGroupFamily"]
            )

    def _parameter_group(self) -> None:
        groups = (found.parameter_group_name for found in self._spec.instances)
        for name in dict.fromkeys(filter(None, groups)):
            self._parameter_group_of_instances(name, "DB_PARAMETER_GROUP_NAME")

    def _parameter_group_of_instances(self, name: str, variable: str) -> None:
        with self._named("DB parameter group", variable, name):
            found = self._rds.call("describe_db_parameter_groups", DBParameterGroupName=name)
        family = found["DBParameterGroups"][0]["DBParameterGroupFamily"]
        self._of_version.refuse_family(name, variable, family)

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

    def _attachments(self) -> None:
        """Check that AWS lets go of every cluster that is deleted or renamed."""
        plan = self._plan
        arns = plan.target_cluster_arns if plan.target.keeps_old else [plan.target_cluster_arn]
        refuse_attached(self._rds, arns)

    def _instance_names(self, old_instances: list[Instance]) -> None:
        """Check that no instance outside of the target has a planned name."""
        known = {instance.identifier for instance in old_instances}
        for name in sorted({*self._operation.instance_ids} - known):
            found = self._target.observe_instance(name)
            if found and found.cluster_id != self._target.identifier:
                what = f"The instance {name}, whose name the target needs,"
                refuse_others(what, [found], self._plan)
                refuse_kept_instance(self._operation, found, self._ports)
                raise RefusedError(
                    f"The instance name {name} is taken by {found.arn}, which is not the target's.",
                    "Rename or delete that instance, or name another target in TARGET_CLUSTER_ID.",
                )

    def _final_snapshot(self, *, is_taken: bool) -> None:
        """Check that no snapshot has the final snapshot's name."""
        if is_taken:
            self._snapshot_name(self._operation.name_of_final_snapshot)

    def _snapshot_name(self, name: str) -> None:
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
        application, readonly = user_logins(self._plan, self._ports)
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

    def _pointers(self) -> None:
        """Check that the pointers can be read, and that the record is a CNAME of the target's."""
        if not self._plan.target.points:
            return
        names = self._plan.target.cluster_ids
        standing = [found for name in names if (found := observe_cluster(self._rds, name))]
        operations = self._ports.operations
        last_id = operations.target(self._plan.target_cluster_arn).last_success_operation
        last = operations.read(last_id) if last_id else None
        host = last.facts.target.endpoint if last else None
        Pointers(self._plan, self._ports).refuse_unusable(standing, host and host.lower())

    def _quotas(self, replaced_instances: int, *, replaces: bool, final_snapshot: bool) -> None:
        needed = quotas.needed(
            self._operation, replaced_instances, replaces=replaces, final_snapshot=final_snapshot
        )
        refuse_full(self._operation, self._rds, needed)


def _problems(checks: Iterable[Callable[[], None]]) -> list[RefusedError]:
    """Run checks; give their refusals, each once.

    Transient trouble ends none of the others: each try is then made for all of them, not for one.
    """
    refused: dict[str, RefusedError] = {}
    trouble: list[TransientError] = []
    for check in checks:
        try:
            check()
        except RefusedError as problem:
            refused[str(problem)] = problem
        except TransientError as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]
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

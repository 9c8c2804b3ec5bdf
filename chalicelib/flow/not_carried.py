"""What the old target had and the new one has not, as phrases: people have to see to it."""

from collections.abc import Iterator

from chalicelib.flow.baseline import Baseline
from chalicelib.flow.engine_versions import is_lower
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.ownership import TAGS_MAX, tag_list

IPV4 = "IPV4"


def not_carried(operation: Operation) -> tuple[str, ...]:
    """List what could not be carried over from the old target; empty without one."""
    baseline = operation.facts.target.baseline
    if baseline is None or operation.keeps_cluster or operation.kind is not Kind.RESTORE:
        return ()
    return tuple(_phrases(operation, baseline))


def _phrases(operation: Operation, baseline: Baseline) -> Iterator[str]:
    if baseline.iam_authentication:
        new_id = operation.facts.target.cluster_resource_id or "the new cluster's resource id"
        yield (
            f"rights to log in by IAM: rds-db:connect policies that name {baseline.resource_id} "
            f"have to name {new_id}"
        )
    if baseline.proxies:
        yield f"the registration with RDS Proxy: {', '.join(baseline.proxies)}"
    if public := [found.identifier for found in baseline.instances if found.public]:
        yield f"public access to {', '.join(public)}: the new instances have no public address"
    if baseline.managed_secret:
        yield (
            f"the management of the master password by RDS, in {baseline.managed_secret}: the new "
            "one is in the secret that MASTER_CREDENTIALS_SECRET_ID names"
        )
    yield from _of_snapshot(operation, baseline)
    if baseline.scaled and operation.plan.target.points:
        yield (
            f"the scaling of readers ({', '.join(baseline.scaled)}): its policy belongs to the "
            f"cluster's name, and the new one is {operation.facts.target.cluster_id}"
        )
    yield from _monitoring(operation, baseline)
    yield from _of_directory_and_network(operation, baseline)
    if not operation.plan.target.keep_associated_roles:
        for role in baseline.roles:
            purpose = f" for {role.feature}" if role.feature else ""
            yield f"the IAM role {role.arn}{purpose} (KEEP_ASSOCIATED_ROLES)"
    kept = {tag["Key"] for tag in tag_list(operation, baseline.tags)}
    if left := sorted({*baseline.tags} - kept):
        yield f"tags beyond {TAGS_MAX}: {', '.join(left)}"


def _of_snapshot(operation: Operation, baseline: Baseline) -> Iterator[str]:
    """List what the new cluster has of the snapshot's, because no setting says otherwise."""
    version = operation.engine_version
    if baseline.engine_version and is_lower(version, baseline.engine_version):
        yield (
            f"the engine version {baseline.engine_version}: the new cluster has the snapshot's, "
            f"{version} (ENGINE_VERSION)"
        )
    key = operation.facts.copies.key_arn or operation.facts.snapshot.kms_key_id
    if operation.plan.copies.kms_key_id is None and baseline.kms_key_arn not in (None, key):
        new = key or "none"
        yield f"the KMS key {baseline.kms_key_arn}: the new cluster has {new} (KMS_KEY_ID)"


def _of_directory_and_network(operation: Operation, baseline: Baseline) -> Iterator[str]:
    """List what belongs to the old target alone: AWS gives it to a cluster that exists."""
    for joined in baseline.domains:
        role = f", with the IAM role {joined.role}" if joined.role else ""
        yield f"logins by Kerberos: the membership in the Active Directory {joined.domain}{role}"
    if baseline.activity_stream is not None:
        mode = f" ({baseline.activity_stream})" if baseline.activity_stream else ""
        yield f"the database activity stream{mode}: start one of the new cluster"
    if baseline.write_forwarding:
        yield "local write forwarding"
    planned = operation.plan.target.db_subnet_group_name
    is_elsewhere = planned not in (None, baseline.db_subnet_group_name)
    if is_elsewhere and baseline.network_type not in (None, IPV4):
        yield f"the network type {baseline.network_type} (DB_SUBNET_GROUP_NAME)"


def _monitoring(operation: Operation, baseline: Baseline) -> Iterator[str]:
    planned = operation.plan.target.monitoring_role_arn
    for instance in baseline.instances:
        role = instance.monitoring_role_arn
        if not instance.monitoring_interval or role == planned:
            continue
        if planned is None:
            what = f"every {instance.monitoring_interval} s with the role {role}"
            yield f"enhanced monitoring of {instance.identifier}, {what} (MONITORING_ROLE_ARN)"
        else:
            yield f"the monitoring role of {instance.identifier}, {role} (MONITORING_ROLE_ARN)"

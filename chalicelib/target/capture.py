"""Captures what the old target is like, before an operation has any effect."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from chalicelib.aws.client import Service
from chalicelib.aws.rds import Cluster, CustomEndpoint, Instance
from chalicelib.flow.baseline import Baseline, EndpointBaseline, InstanceBaseline
from chalicelib.flow.operation import Operation
from chalicelib.flow.ownership import ADOPTED_TAG, OPERATION_TAG, is_ours
from chalicelib.flow.plan import Plan
from chalicelib.flow.target_spec import ADVANCED_INSIGHTS
from chalicelib.ports import Ports
from chalicelib.records.targets import ClusterNote, TargetRecord
from chalicelib.target.carried_tags import Tag, own_tags, tags_of_plan
from chalicelib.target.endpoint_plan import custom_endpoints, described_endpoints, with_tags
from chalicelib.target.proxies import observe_proxies
from chalicelib.target.readers import SCALED_TAG


def baseline_for(
    operation: Operation, cluster: Cluster | None, instances: Sequence[Instance], ports: Ports
) -> Baseline | None:
    """Give what the new cluster is to be like; None where there never was a target.

    A cluster that an operation of ours restored and did not open is half-made, and one whose
    deletion stopped is half-deleted: what was there before counts then, as it does when there is
    none. A protection that such a deletion lifted counts, and what AWS refused to give the cluster;
    what people removed does not.
    """
    record = ports.operations.target(operation.plan.target_cluster_arn)
    known = record.baseline or operation.facts.target.baseline
    if cluster is None or (known and not _is_whole(cluster, known, record)):
        return known
    rds = ports.service("rds", operation.plan.target.region)
    put = tags_of_plan(cluster.tags, record, ports)
    found = _as_wanted(captured(cluster, instances, operation.plan, put=put), record)
    return replace(
        found,
        proxies=observe_proxies(rds, cluster.identifier),
        endpoints=_endpoints(operation, cluster, record, ports),
    )


def _as_wanted(found: Baseline, record: TargetRecord) -> Baseline:
    """Add what a cluster was to have, and lacks by no decision of people's."""
    noted = partial(record.is_noted, resource_id=found.resource_id)
    lacks_insights = noted(ClusterNote.WITHOUT_INSIGHTS)
    if record.baseline and noted(ClusterNote.WITHOUT_MONITORING):
        found = found.monitored_like(record.baseline)
    return replace(
        found,
        deletion_protection=found.deletion_protection or noted(ClusterNote.UNPROTECTED),
        data_api=found.data_api or noted(ClusterNote.WITHOUT_DATA_API),
        insights_mode=ADVANCED_INSIGHTS if lacks_insights else found.insights_mode,
    )


def _endpoints(
    operation: Operation, cluster: Cluster, record: TargetRecord, ports: Ports
) -> tuple[EndpointBaseline, ...]:
    """Give a target's custom endpoints; with their tags where they are deleted with the cluster.

    Beside a target that stays, each is asked for its tags right before it is moved.
    """
    rds = ports.service("rds", operation.plan.target.region)
    found = custom_endpoints(rds, cluster.identifier, record.missing_endpoints)
    if operation.plan.target.keeps_old:
        return found
    there = described_endpoints(rds, DBClusterIdentifier=cluster.identifier)
    tags = {one.identifier: endpoint_tags(rds, one, record, ports) for one in there}
    return tuple(replace(one, tags=tags.get(one.identifier, one.tags)) for one in found)


def endpoint_tags(
    rds: Service, found: CustomEndpoint, record: TargetRecord, ports: Ports
) -> dict[str, str]:
    """Ask for the tags of a custom endpoint that are people's; raises what `with_tags` does."""
    tags = with_tags(rds, found).tags
    return own_tags(tags, tags_of_plan(tags, record, ports))


def _is_whole(cluster: Cluster, known: Baseline, record: TargetRecord) -> bool:
    """Tell whether people had a cluster as it is: it was opened, and lost nothing since."""
    if record.is_noted(ClusterNote.HALF_DELETED, cluster.resource_id):
        return False
    seen = (record.opened_id, known.resource_id)
    return OPERATION_TAG not in cluster.tags or cluster.resource_id in seen


def captured(
    cluster: Cluster,
    instances: Sequence[Instance],
    plan: Plan,
    *,
    put: Collection[Tag] = frozenset(),
) -> Baseline:
    """Note what a cluster and its instances are like, without those that others made.

    They lack our tag, or got it only to be deleted. `put` are tags by the setting at that time.
    """
    settings, capacity = cluster.settings, cluster.settings.capacity
    ours = [
        found
        for found in instances
        if is_ours(found, plan) and not _is_of_others(found) and found.status != "deleting"
    ]
    return Baseline(
        resource_id=cluster.resource_id,
        engine_version=cluster.engine_version or None,
        kms_key_arn=settings.kms_key_arn,
        db_subnet_group_name=settings.subnet_group or None,
        security_group_ids=tuple(sorted(settings.security_group_ids)),
        port=cluster.port,
        parameter_group_name=settings.parameter_group or None,
        deletion_protection=settings.deletion_protection,
        log_exports=tuple(sorted(settings.log_exports)),
        backup_retention_days=settings.backup_retention_days or None,
        backup_window=settings.backup_window,
        maintenance_window=settings.maintenance_window,
        capacity_min=capacity.get("MinCapacity"),
        capacity_max=capacity.get("MaxCapacity"),
        capacity_pause_seconds=int(capacity.get("SecondsUntilAutoPause", 0)) or None,
        iam_authentication=settings.iam_authentication,
        storage_type=settings.storage_type,
        copy_tags_to_snapshot=settings.copy_tags_to_snapshot,
        data_api=settings.data_api,
        insights_mode=settings.insights_mode,
        network_type=settings.network_type,
        write_forwarding=settings.write_forwarding,
        managed_secret=cluster.managed_secret,
        activity_stream=cluster.activity_stream,
        domains=cluster.domains,
        tags=own_tags(cluster.tags, put),
        roles=cluster.roles,
        instances=tuple(_instance(found, put) for found in _writer_first(cluster, ours)),
        scaled=tuple(sorted(found.identifier for found in instances if SCALED_TAG in found.tags)),
    )


def _is_of_others(instance: Instance) -> bool:
    return not {SCALED_TAG, ADOPTED_TAG}.isdisjoint(instance.tags)


def _writer_first(cluster: Cluster, instances: Sequence[Instance]) -> list[Instance]:
    """Order by number, such as `-2` before `-10`, behind the writer."""
    writer = cluster.members[-1] if cluster.members else None
    return sorted(
        instances,
        key=lambda found: (found.identifier != writer, len(found.identifier), found.identifier),
    )


def _instance(found: Instance, put: Collection[Tag]) -> InstanceBaseline:
    return InstanceBaseline(
        identifier=found.identifier,
        instance_class=found.instance_class,
        promotion_tier=found.promotion_tier,
        availability_zone=found.availability_zone,
        parameter_group_name=next(iter(found.parameter_groups), None),
        auto_minor_version_upgrade=found.auto_minor_version_upgrade,
        certificate_authority=found.certificate_authority,
        maintenance_window=found.maintenance_window,
        monitoring_interval=found.monitoring_interval,
        monitoring_role_arn=found.monitoring_role_arn,
        insights=found.insights,
        insights_key_arn=found.insights_key_arn,
        insights_retention_days=found.insights_retention_days,
        public=found.public,
        tags=own_tags(found.tags, put),
    )

"""Readers of a target that others made, such as auto scaling: which are deleted with it."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.aws.rds import Cluster, Instance
from chalicelib.flow.facts import OldTarget
from chalicelib.flow.ownership import OWNER_TAG, is_ours
from chalicelib.flow.plan import Plan

SCALED_TAG = "application-autoscaling:resourceId"
"""Aurora Auto Scaling tags its readers with `cluster:` and the cluster's name (user guide)."""
SETTING = "ADOPT_READERS=true"


def is_adoptable(instance: Instance, cluster: Cluster, plan: Plan) -> bool:
    """Tell whether an instance is a reader without an owner that may count as a member.

    The writer never may, nor any instance while none is known to be the writer. In the source's own
    region only readers of auto scaling may, because tags alone keep the source's instances apart.
    """
    if OWNER_TAG in instance.tags or cluster.writer in (None, instance.identifier):
        return False
    elsewhere = plan.source.region != plan.target.region
    scaled = {f"cluster:{name}" for name in plan.target.cluster_ids}
    return elsewhere or instance.tags.get(SCALED_TAG) in scaled


def adopted(cluster: Cluster, instances: Sequence[Instance], plan: Plan) -> list[Instance]:
    """List the readers without an owner that count as members, by ADOPT_READERS."""
    known = instances if plan.target.adopt_readers else ()
    return [instance for instance in known if is_adoptable(instance, cluster, plan)]


def added_since(old: OldTarget, instances: Sequence[Instance]) -> list[str]:
    """Name the instances that a cluster got after its deletion was decided."""
    return [found.identifier for found in instances if found.identifier not in old.members]


def with_added(old: OldTarget, instances: Sequence[Instance], plan: Plan) -> OldTarget:
    """Count the instances that a cluster got since then as members, if they are ours by now."""
    ours = [found for found in instances if is_ours(found, plan)]
    return replace(old, members=(*added_since(old, ours), *old.members))


def warnings_of_strangers(
    cluster: Cluster, instances: Sequence[Instance], plan: Plan
) -> tuple[str, ...]:
    """Name the instances of a cluster that is replaced which others made, and what becomes of them.

    Without ADOPT_READERS they are never deleted.
    """
    members = adopted(cluster, instances, plan)
    strangers = [found for found in instances if not is_ours(found, plan)]
    others = [found for found in strangers if found not in members]
    warnings = []
    if members:
        warnings.append(
            f"Others made readers of {cluster.identifier}: {_names(members)}. They are deleted "
            f"together with it ({SETTING})."
        )
    if others:
        setting = f", or set {SETTING}" if _all_adoptable(others, cluster, plan) else ""
        warnings.append(
            f"The target has instances that lack our tag: {_names(others)}. They stay with the "
            "previous target, which is not deleted while it has them, and the new one has none "
            f"like them: delete them, or tag them{setting}."
        )
    return tuple(warnings)


def hint_for(unowned: Sequence[Cluster | Instance], cluster: Cluster, plan: Plan) -> str:
    """Give a sentence about the setting, where it would let all that lack our tag be deleted."""
    instances = [thing for thing in unowned if isinstance(thing, Instance)]
    if len(instances) < len(unowned) or not _all_adoptable(instances, cluster, plan):
        return ""
    return f"With {SETTING}, readers that others make are deleted together with the target. "


def _all_adoptable(instances: Sequence[Instance], cluster: Cluster, plan: Plan) -> bool:
    return all(is_adoptable(instance, cluster, plan) for instance in instances)


def _names(instances: Sequence[Instance]) -> str:
    return ", ".join(instance.identifier for instance in instances)

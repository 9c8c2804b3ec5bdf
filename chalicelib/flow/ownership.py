"""The owner of a resource by its tag: this plan, another stage or plan, or nobody.

A resource of another owner is refused, and the refusal never says how to take it over.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import Plan

OWNER_TAG = "aurora-restore"  # value: <stage>/<plan>, on everything that the plan makes
OPERATION_TAG = "aurora-restore-operation"  # value: the first operation of a chain of reruns
ADOPTED_TAG = "aurora-restore-adopted"  # value: the operation; on readers that others made
TAGS_MAX = 50  # on a resource (RDS user guide)
ARCHIVED_TAG = "aurora-restore-archived"  # value: when the copy was archived


class UnownedError(RefusedError):
    """The target has no ownership tag: it can be adopted, by the command in the remedy."""


class Tagged(Protocol):
    """A cluster, an instance or a snapshot as it was described."""

    @property
    def arn(self) -> str:
        """Its ARN."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags."""


def is_ours(thing: Tagged, plan: Plan) -> bool:
    """Tell whether a resource has the plan's own tag."""
    return thing.tags.get(OWNER_TAG) == plan.owner


def other_owner(thing: Tagged, plan: Plan) -> str | None:
    """Name the other stage and plan that a resource belongs to (`<stage>/<plan>`).

    None if it belongs to this plan, or to nobody.
    """
    owner = thing.tags.get(OWNER_TAG)
    return owner if owner and owner != plan.owner else None


def refuse_others(what: str, things: Sequence[Tagged], plan: Plan) -> None:
    """Raise RefusedError when any of these resources belongs to another stage or plan.

    `what` names them together.
    """
    owners = {thing.arn: owner for thing in things if (owner := other_owner(thing, plan))}
    if not owners:
        return
    others = ", ".join(sorted(set(owners.values())))
    raise RefusedError(
        f"{what} belongs to {others}, not to {plan.owner}, by the tag {OWNER_TAG} of "
        f"{', '.join(owners)}. It is left alone.",
        f"Name another TARGET_CLUSTER_ID for the plan {plan.name} of the stage {plan.stage}.",
        retry=Retry.NEW_REQUEST,
    )


def owner_tag(plan: Plan) -> dict[str, str]:
    """Give the tag of everything that belongs to a plan."""
    return {"Key": OWNER_TAG, "Value": plan.owner}


def extra_tags(plan: Plan) -> list[dict[str, str]]:
    """Give the tags of EXTRA_TAGS."""
    return pairs(plan.target.tags)


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_list(
    operation: Operation, carried: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Give the tags of every resource that an operation makes.

    `carried` are those of the old one; of more than a resource may have, the last ones are left.
    """
    own = [
        owner_tag(operation.plan),
        {"Key": OPERATION_TAG, "Value": operation.root_id},
        *extra_tags(operation.plan),
    ]
    keys = {tag["Key"] for tag in own}
    others = pairs(dict(sorted((carried or {}).items())))
    kept = [tag for tag in others if tag["Key"] not in keys]
    return [*own, *kept[: TAGS_MAX - len(own)]]

"""The owner of a resource by its tag: this plan, another stage or plan, or nobody.

A resource of another owner is refused, and the refusal never says how to take it over.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from chalicelib.flow.errors import RefusedError, Retry
from chalicelib.flow.operation import Operation
from chalicelib.flow.plan import OPERATION_TAG, OWNER_TAG, Plan


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


def tag_list(operation: Operation) -> list[dict[str, str]]:
    """Give the tags of every resource that an operation makes."""
    return [
        {"Key": OWNER_TAG, "Value": operation.plan.owner},
        {"Key": OPERATION_TAG, "Value": operation.root_id},
    ]

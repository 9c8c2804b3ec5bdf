"""How messages name the target: by its ARN, or with pointers by the cluster that they name."""

from typing import NamedTuple

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.flow.parameter_paths import of_pointers
from chalicelib.flow.plan import Plan


def target_of(operation: Operation, *, first: bool = False) -> str:
    """Name the target, and with pointers the cluster that it is; `first` in a sentence or not."""
    plan, name = operation.plan, cluster_of(operation)
    if not plan.target.points:
        return plan.target_cluster_arn
    which = "" if name == plan.target.cluster_id else f" ({name})"
    return f"{'The' if first else 'the'} target {plan.target.cluster_id}{which}"


def cluster_of(operation: Operation) -> str:
    """Name the cluster that is the target, as far as this operation knows.

    With pointers it may have another name than the target.
    """
    plan, old = operation.plan.target, operation.facts.target.old
    if plan.points and (operation.opened or operation.keeps_cluster):
        return operation.new_cluster_id
    return old.name if plan.points and old else plan.cluster_id


def opened_arn(operation: Operation) -> str:
    """Give the ARN of the target: with pointers a success knows which of the two it is."""
    made, plan = operation.facts.target.cluster_arn, operation.plan
    is_open = operation.state in (State.ARCHIVED, State.SUCCEEDED)
    return made if made and is_open and plan.target.points else plan.target_cluster_arn


def pointers_of(operation: Operation) -> list[str]:
    """Say where the pointers are that name the target; empty where it keeps its name."""
    if not operation.plan.target.points:
        return []
    places = pointer_places(operation.plan).present
    name = operation.new_cluster_id
    return [f"Pointers: {name} is named by {', '.join(places[:-1])} and {places[-1]}."]


class PointerPlaces(NamedTuple):
    """The places of the pointers of a plan, in words; `record` is None where none is set."""

    secret: str
    parameters: str
    record: str | None

    @property
    def present(self) -> tuple[str, ...]:
        """The places that there are."""
        return (*self[:2], self.record) if self.record else self[:2]


def pointer_places(plan: Plan) -> PointerPlaces:
    """Name the places of a plan's pointers."""
    record = plan.target.target_dns_name
    return PointerPlaces(
        f"the secret {plan.users.app_credentials_secret_id}",
        f"the SSM parameters below {of_pointers(plan.stage, plan.name)}",
        f"the record {record}" if record else None,
    )

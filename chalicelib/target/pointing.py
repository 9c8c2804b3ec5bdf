"""The replacement of a target that pointers lead to: the new cluster is proven, then named.

Nothing is renamed. The old cluster serves all the while, so a failure or a cancellation only puts
the pointers back to it.
"""

from dataclasses import replace
from datetime import timedelta

from chalicelib.aws.pointer_places import Address
from chalicelib.aws.rds import Cluster
from chalicelib.aws.stale_answers import is_sure
from chalicelib.aws.statuses import Health, health, is_unusable
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.flow.target_spec import PORT
from chalicelib.flow.text_limits import listed
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster, find_clusters
from chalicelib.target.patience import LOOK_SECONDS
from chalicelib.target.pointers import Move, address_of
from chalicelib.target.successor import usable_successor
from chalicelib.target.swap import STOPPED

STOPPING, STARTING = "stopping", "starting"


class Pointing:
    """Looks where the clusters are, and moves the pointers."""

    def __init__(self, operation: Operation, ports: Ports) -> None:
        self._operation, self._ports = operation, ports
        self._rds = ports.service("rds", operation.plan.target.region)
        self._pointers = Move(operation, ports)
        self._back_to: Address | None = None

    def point(self) -> Outcome:
        """Move the pointers on to the new cluster; raises RefusedError where it is lost.

        While Route 53 takes the record to its servers, nothing else is asked: everything is read
        once more at the end.
        """
        is_moved = self._pointers.is_waited_for(host=self._operation.facts.target.endpoint)
        if is_moved and (pending := self._pointers.unsynced()):
            return self._wait(pending)
        cluster = usable_successor(self._operation, self._ports)
        if health(cluster.status) is not Health.READY:
            return self._wait(f"The new cluster {cluster.identifier} is {cluster.status}.")
        address = address_of(self._operation.plan, cluster)
        if pending := self._pointers.to(address):
            return self._wait(pending)
        what = f"the pointers name {cluster.identifier}, at {address.host}"
        return Advance(State.TARGET_OPEN, self._pointers.operation.facts, what)

    def point_back(self) -> Outcome:
        """Move the pointers back to the old cluster; every end says what they name.

        Where the old one is gone for good or cannot be used, they stay with the new one, which was
        proven; where there was none, they are taken away. A stopped one is started before.
        """
        is_late = self._ports.now() >= self._operation.deadline
        try:
            outcome = self._point_back()
        except (RefusedError, TransientError) as error:
            if isinstance(error, TransientError) and not is_late:
                raise
            reason, todo = self._half_way(error.reason, error.remedy)
            if isinstance(error, TransientError):
                raise type(error)(reason, todo) from error.__cause__
            step, retry = error.from_step, error.retry
            raise RefusedError(reason, todo, from_step=step, retry=retry) from error.__cause__
        if isinstance(outcome, Wait) and is_late:
            reason, todo = self._half_way(outcome.why, outcome.remedy)
            return replace(outcome, why=reason, remedy=todo)
        return outcome

    def _half_way(self, reason: str, remedy: str | None) -> tuple[str, str]:
        """Add what each place names, and what they are to name, where they are not all moved."""
        places = self._pointers.places
        by_hand = places.by_hand(self._back_to) if self._back_to else ""
        return (
            f"{reason} At that time, {places.named()}.",
            " ".join(filter(None, (remedy, by_hand))),
        )

    def _point_back(self) -> Outcome:
        new_host = self._operation.facts.target.endpoint
        is_moved = self._pointers.is_waited_for(host=new_host, is_other=True)
        if is_moved and (pending := self._pointers.unsynced()):
            return self._wait(pending)
        old, new = self._clusters()
        plan = self._operation.plan
        had_old = self._operation.facts.target.old is not None
        is_gone = had_old and (old is None or is_unusable(old.status))
        if is_gone and not self._is_sure:
            return self._wait(f"The old cluster is {old.status if old else 'not found'}.")
        if new is None and not self._is_sure:
            return self._wait("The new cluster is not found.")
        to = new if is_gone else old
        source = None if is_gone else self._moved_to(new)
        self._back_to = address = address_of(plan, to) if to else None
        if to and (starting := self._until_started(to)):
            return starting
        if (address or source) and (pending := self._pointers.to(address, source=source)):
            return self._wait(pending)
        named = f"name {to.identifier}, {to.resource_id}" if to else "name no cluster"
        if not (address or source):
            named = "are as they were, because neither cluster is found"
        elif self._pointers.empty == {*self._pointers.places.words.present}:
            named = "name no cluster"
        else:
            named += self._left()
        why = self._operation.reason or ""
        return Advance(
            State.FAILING if self._operation.failed_step else State.CANCELLING,
            self._pointers.operation.facts,
            f"rolled back: the pointers {named}",
            reason=f"{why} After {self._operation.undoing}, the pointers {named}.".strip(),
        )

    def _left(self) -> str:
        """Say which pointers stay as they are, because they did not name the new cluster."""
        kept, empty = sorted(self._pointers.kept), sorted(self._pointers.empty)
        others = f"; others have changed {listed(kept)} since, which stays so" if kept else ""
        return others + (f"; {listed(empty)} name no cluster" if empty else "")

    def _until_started(self, cluster: Cluster) -> Wait | None:
        """Start a stopped cluster before pointers lead people to it."""
        if cluster.status == STOPPED:
            TargetCluster(self._rds, self._operation, cluster.identifier).start()
        elif cluster.status not in (STOPPING, STARTING):
            return None
        return self._wait(f"The cluster {cluster.identifier} is {cluster.status}.")

    def _moved_to(self, new: Cluster | None) -> Address | None:
        """Give what the pointers name that were moved, though the new cluster may be gone."""
        plan, noted = self._operation.plan, self._operation.facts.target
        if new:
            return address_of(plan, new)
        if noted.endpoint is None:
            return None
        return Address(
            host=noted.endpoint.lower(),
            reader_host=(noted.reader_endpoint or "").lower(),
            port=noted.port or plan.target.port or PORT,
            cluster_id=noted.cluster_id or "",
        )

    @property
    def _is_sure(self) -> bool:
        deadline = timedelta(seconds=self._operation.plan.target.swap_deadline)
        waited = self._ports.now() - self._operation.entered_at
        return is_sure(waited, deadline)

    def _clusters(self) -> tuple[Cluster | None, Cluster | None]:
        target = self._operation.facts.target
        old_id = target.old.resource_id if target.old else ""
        new_id = target.cluster_resource_id or ""
        found = find_clusters(self._rds, [*filter(None, (old_id, new_id))])
        return found.get(old_id), found.get(new_id)

    def _wait(self, reason: str) -> Wait:
        return Wait(reason, LOOK_SECONDS, at_once=True)

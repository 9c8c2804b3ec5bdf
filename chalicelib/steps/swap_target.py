"""swap-target: gives the target's name or its pointers to the new cluster, and takes them back.

A rename takes minutes in which the name is nobody's, so seconds count here as nowhere else: one
invocation looks every few seconds for as long as it may run. It is the one step that waits by
itself; the heartbeat continues where it was interrupted.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from chalicelib.aws.client import AwsError, Service
from chalicelib.aws.rds import Cluster
from chalicelib.aws.stale_answers import is_sure
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import (
    NOTHING_TO_DO,
    STATE_FAULT_MAX,
    RefusedError,
    StateFaultError,
    TransientError,
    refused_for_long,
)
from chalicelib.flow.facts import Facts
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.records.targets import ClusterNote
from chalicelib.target.attachments import refuse_attached
from chalicelib.target.by_hand import by_hand
from chalicelib.target.cluster import TAKEN, TargetCluster, find_clusters, observe_cluster
from chalicelib.target.endpoints import note_endpoints
from chalicelib.target.extras import ensure_insights, note_unmonitored, renew_data_api
from chalicelib.target.insights_keys import warnings_of_keys
from chalicelib.target.notice import until_noticed
from chalicelib.target.patience import LOOK_SECONDS, patiently
from chalicelib.target.pointing import Pointing
from chalicelib.target.previous_name import until_name_is_free
from chalicelib.target.readiness import until_as_planned
from chalicelib.target.reboots import until_rebooted, warnings_of_parameters
from chalicelib.target.restarting import Restarting
from chalicelib.target.restored_cluster import require_restored
from chalicelib.target.successor import start_successor
from chalicelib.target.swap import Move, Names, Positions, next_move, next_move_back

ASKED_AGAIN_AFTER = timedelta(seconds=45)  # a rename shows after some seconds
SETTLING_SECONDS = 30
OF_OLD = frozenset({Move.START_OLD, Move.PARK_OLD, Move.NAME_OLD})
NEED_PARKING = frozenset({Move.PARK_OLD, Move.DONE, Move.GIVE_UP})
STARTS = frozenset({Move.START_OLD, Move.START_NEW})


def swap_target(operation: Operation, ports: Ports) -> Outcome:
    """Begin the swap, continue it, restart the new cluster, or roll back; raises RefusedError."""
    if operation.state is State.TARGET_STARTING:
        return start_successor(operation, ports)
    rds = ports.service("rds", operation.plan.target.region)
    swap = _Swap(operation, ports, rds)
    if operation.plan.target.points and operation.state is not State.USERS_READY:
        return _point(operation, ports)
    match operation.state:
        case State.SWAPPING:
            return patiently(operation, ports, swap.move)
        case State.TARGET_RESTARTING:
            return patiently(operation, ports, Restarting(operation, ports, rds).move)
        case State.ROLLING_BACK:
            return patiently(operation, ports, swap.move_back)
    return _begin(operation, ports, rds)


def _point(operation: Operation, ports: Ports) -> Outcome:
    pointing = Pointing(operation, ports)
    is_back = operation.state is State.ROLLING_BACK
    return patiently(operation, ports, pointing.point_back if is_back else pointing.point)


def _begin(operation: Operation, ports: Ports, rds: Service) -> Outcome:
    """Decide whether the new cluster has to take the name, and whether it could."""
    facts, plan = operation.facts, operation.plan.target
    target = TargetCluster(rds, operation)
    cluster = require_restored(operation, target, ports)
    instances = target.observe_instances()
    if wait := until_as_planned(operation, target, cluster, instances, ports.now()):
        return wait
    wait = until_rebooted(operation, target, cluster, instances, ports)
    known = wait or ensure_insights(operation, target, cluster, ports)
    if isinstance(known, Wait):
        return known
    unmonitored = note_unmonitored(operation, cluster, instances, ports)
    keyless = warnings_of_keys(operation, instances)
    parameters = warnings_of_parameters(operation, cluster, instances)
    warnings = (*parameters, *known, *unmonitored, *keyless)
    # A rerun may have given a half-deleted cluster its instances again.
    half_deleted = ClusterNote.HALF_DELETED
    ports.operations.note_cluster(operation, half_deleted, cluster.resource_id, is_so=False)
    if plan.points:
        return _choose(operation, cluster, warnings, ports)
    if cluster.identifier == plan.cluster_id:
        which = "is the target, as before" if operation.keeps_cluster else "is the new cluster"
        what = f"{cluster.identifier} {which}"
        return Advance(State.TARGET_OPEN, facts, what, warnings=warnings)
    holder = observe_cluster(rds, plan.cluster_id)
    old_id = facts.target.old.resource_id if facts.target.old else None
    if holder and holder.resource_id != old_id:
        raise RefusedError(
            f"The name {plan.cluster_id} now belongs to another cluster, {holder.resource_id}, "
            f"at {holder.endpoint}; it is left alone. The new cluster is {cluster.identifier}, at "
            f"{cluster.endpoint}.",
            "Find out who made it, and delete it if it is not needed.",
            from_step="delete-rds",
        )
    if holder:  # whose it is, and what hangs on it, may have changed since the restore began
        TargetCluster(rds, operation, plan.cluster_id).refuse_unowned(holder, [])
        refuse_attached(rds, [holder.arn])
    if wait := until_noticed(operation, ports) or until_name_is_free(operation, ports):
        return wait
    what = f"{cluster.identifier} will take the name {plan.cluster_id}"
    if holder:
        what += f"; {holder.resource_id} will be kept as {plan.previous_id}"
    return Advance(State.TARGET_CHOSEN, facts, what, warnings=warnings)


def _choose(
    operation: Operation, cluster: Cluster, warnings: tuple[str, ...], ports: Ports
) -> Outcome:
    """Decide whether pointers have to be moved to the new cluster."""
    facts, name = operation.facts, cluster.identifier
    if operation.keeps_cluster:
        return Advance(State.TARGET_OPEN, facts, f"{name} is the target", warnings=warnings)
    if wait := until_noticed(operation, ports):
        return wait
    return Advance(State.TARGET_CHOSEN, facts, f"{name} will be the target", warnings=warnings)


def _names(operation: Operation) -> Names:
    """Give the names of a swap; in a rollback the new cluster waits under the old one's name."""
    plan = operation.plan.target
    waiting = operation.facts.target.made_as or plan.next_id_beside(None)
    parking = plan.parking_id(waiting)
    if operation.kind is Kind.ROLLBACK:
        return Names(plan.cluster_id, waiting, parking, "present target", "previous target")
    return Names(plan.cluster_id, waiting, parking)


class _Swap:
    """Looks where the clusters are, and makes one move at a time."""

    def __init__(self, operation: Operation, ports: Ports, rds: Service) -> None:
        self._operation, self._ports, self._rds = operation, ports, rds
        self._names = _names(operation)
        self._asked: dict[Move, datetime] = {}
        self._refusal: TransientError | None = None  # of the last move that was asked for
        self._fault_since = operation.state_fault_since

    def move(self) -> Outcome:
        """Move the swap on; what cannot be swapped is refused, which leads to the rollback.

        So is a move that AWS refuses for too long because of a cluster's state. A rollback asks for
        it until its deadline.
        """
        self._operation = note_endpoints(self._operation, self._ports)
        seen, move = self._decide(next_move)
        if move is Move.GIVE_UP:
            raise RefusedError(
                f"The swap cannot be finished: {seen}.",
                "The events of these clusters tell the cause.",
            )
        if move is Move.DONE:
            return Advance(State.TARGET_RENAMED, self._facts(seen), str(seen))
        if move is Move.PARK_OLD and move not in self._asked:
            self._refuse_changed(seen)
        wait, since = self._make(move, seen), self._fault_since
        too_long = since is not None and self._ports.now() - since >= STATE_FAULT_MAX
        if too_long and isinstance(self._refusal, StateFaultError):
            raise refused_for_long(self._refusal)
        return wait

    def _refuse_changed(self, seen: Positions) -> None:
        """Look before the first rename whose the clusters are, and what hangs on them by now."""
        roles = ((seen.names.old, seen.old), (seen.names.new, seen.new))
        concerned = {role: cluster for role, cluster in roles if cluster}
        for role, cluster in concerned.items():
            self._cluster(cluster).refuse_unowned(cluster, [], role)
        refuse_attached(self._rds, [cluster.arn for cluster in concerned.values()])

    def move_back(self) -> Outcome:
        """Move the rollback on; at its end people are told what is where."""
        now, asked = self._ports.now(), self._asked.get(Move.PARK_NEW)
        waited = now - self._operation.entered_at
        deadline = timedelta(seconds=self._operation.plan.target.swap_deadline)
        sure = is_sure(waited, deadline)
        settled = sure and (asked is None or now - asked >= ASKED_AGAIN_AFTER)
        decide = partial(next_move_back, old_is_gone=settled, is_settled=settled)
        seen, move = self._decide(decide)
        if move is Move.WAIT and seen.has_name(seen.old):  # nobody waits for the name
            again = "An answer of AWS may be minutes old, so both are looked at once more"
            reason = f"The {seen.names.old} has its name. {again}: {seen}."
            return Wait(reason, SETTLING_SECONDS)
        region = self._operation.plan.target.region
        commands = by_hand(seen, region, data_api=self._had_data_api(seen))
        if move is not Move.DONE:
            return self._make_back(move, seen, commands)
        known = self._renew_data_api(seen)
        if isinstance(known, Wait):
            return known
        why, todo = self._operation.reason or "", self._operation.remedy
        if commands and todo == NOTHING_TO_DO:
            todo = None
        return Advance(
            State.FAILING if self._operation.failed_step else State.CANCELLING,
            self._facts(seen),
            f"rolled back: {seen}",
            reason=f"{why} After {self._operation.undoing}, {seen}.".strip(),
            remedy=" ".join(filter(None, (todo, commands))) or None,
            warnings=known,
        )

    def _had_data_api(self, seen: Positions) -> bool:
        """Tell whether the old cluster had the Data API when it was to be replaced."""
        noted = self._operation.facts.target.old
        shown = seen.old is not None and seen.old.settings.data_api
        return shown or bool(noted and noted.data_api)

    def _renew_data_api(self, seen: Positions) -> Wait | tuple[str, ...]:
        """Renew the Data API of an old cluster that this rollback gave its name back."""
        old = seen.old
        if old is None or not seen.has_name(old) or not self._operation.facts.swap.named_back:
            return ()
        cluster, had_it = self._cluster(old), self._had_data_api(seen)
        return renew_data_api(self._operation, cluster, old, self._ports, had_it=had_it)

    def _make_back(self, move: Move, seen: Positions, commands: str) -> Wait:
        """Make a move of a rollback; what AWS refuses ends with what is where, and the commands."""
        try:
            return replace(self._make(move, seen), remedy=commands or None)
        except (RefusedError, TransientError) as error:
            reason = f"{error.reason} At that time, {seen}."
            remedy = " ".join(filter(None, (error.remedy, commands)))
            kind = RefusedError if isinstance(error, RefusedError) else type(error)
            raise kind(reason, remedy) from error.__cause__

    def _facts(self, seen: Positions) -> Facts:
        """Note which name the new cluster has now."""
        facts, new = self._operation.facts, seen.new
        target = replace(
            facts.target,
            cluster_id=new.identifier if new else self._names.waiting,
            cluster_arn=new.arn if new else facts.target.cluster_arn,
            endpoint=new.endpoint if new else None,
            reader_endpoint=new.reader_endpoint if new else None,
        )
        return replace(facts, target=target)

    def _decide(self, decide: Callable[[Positions], Move]) -> tuple[Positions, Move]:
        """Look where the clusters are, and give the next move.

        Nothing more is asked than that needs, because a rename is looked at for minutes: while one
        is under way, only the clusters themselves; who has the other name, only before a cluster
        is to get it, and at the end.
        """
        seen = self._look()
        if seen.is_moving and decide(seen) is Move.WAIT:
            return seen, Move.WAIT
        seen = replace(seen, at_target=self._holder(self._names.target))
        move = decide(seen)
        if move not in NEED_PARKING:
            return seen, move
        seen = replace(seen, at_parking=self._holder(self._names.parking))
        return seen, decide(seen)

    def _look(self) -> Positions:
        """Look at the two clusters, who alone may have the names as far as that shows."""
        target, names = self._operation.facts.target, self._names
        old_id = target.old.resource_id if target.old else None
        new_id = target.cluster_resource_id or ""
        found = find_clusters(self._rds, [*filter(None, (old_id, new_id))])
        return Positions(
            names,
            old_id,
            new_id,
            old=found.get(old_id or ""),
            new=found.get(new_id),
            at_target=next((one for one in found if found[one].identifier == names.target), None),
            at_parking=None,
        )

    def _holder(self, name: str) -> str | None:
        cluster = observe_cluster(self._rds, name)
        return cluster.resource_id if cluster else None

    def _make(self, move: Move, seen: Positions) -> Wait:
        """Ask AWS for a move, unless it was asked a moment ago; what it answered is told."""
        now, asked = self._ports.now(), self._asked.get(move)
        cluster = seen.old if move in OF_OLD else seen.new
        due = asked is None or now - asked >= ASKED_AGAIN_AFTER
        if move is Move.WAIT:
            self._refusal = self._fault_since = None
        elif cluster and due:
            self._asked[move] = now
            self._ask(move, self._cluster(cluster))
        reason = f"The clusters are being renamed: {seen}."
        if self._refusal:
            reason = f"{self._refusal.reason} At that time, {seen}."
        return Wait(reason, LOOK_SECONDS, at_once=True, state_fault_since=self._fault_since)

    def _cluster(self, cluster: Cluster) -> TargetCluster:
        return TargetCluster(self._rds, self._operation, cluster.identifier)

    def _ask(self, move: Move, cluster: TargetCluster) -> None:
        """Ask AWS for a move, and keep for which state of a cluster it is refused, and since when.

        Where somebody took the name meanwhile, the next look shows it.
        """
        names, facts = self._names, self._operation.facts
        if move is Move.NAME_OLD and not facts.swap.named_back:
            named_back = replace(facts, swap=replace(facts.swap, named_back=True))
            self._operation = self._ports.operations.save_facts(self._operation, named_back)
        others = {Move.PARK_OLD: names.parking, Move.PARK_NEW: names.waiting}
        try:
            if move in STARTS:
                cluster.start()
            else:
                cluster.rename(others.get(move, names.target))
            self._refusal = self._fault_since = None
        except AwsError as error:
            if error.code != TAKEN:
                raise
        except TransientError as error:
            self._refusal = error
            if not isinstance(error, StateFaultError):
                raise
            self._fault_since = self._fault_since or self._ports.now()

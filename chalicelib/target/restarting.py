"""The restart of a renamed cluster, whose certificate then has its new name."""

from dataclasses import replace

from chalicelib.aws.client import Service
from chalicelib.aws.statuses import Health, health, is_lost
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import (
    STATE_FAULT_MAX,
    RefusedError,
    StateFaultError,
    TransientError,
    refused_for_long,
)
from chalicelib.flow.facts import Facts, Restart
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Wait
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster, find_clusters
from chalicelib.target.patience import LOOK_SECONDS
from chalicelib.target.swap import STOPPED


class Restarting:
    """Stops and starts the new cluster: only then its certificate has its new name (user guide).

    Without that, only clients that check the name stay out: what AWS refuses becomes a warning.
    """

    def __init__(self, operation: Operation, ports: Ports, rds: Service) -> None:
        self._operation, self._ports, self._rds = operation, ports, rds
        self._fault_since = operation.state_fault_since

    def move(self) -> Outcome:
        """Move the restart on, by the cluster's status and by what was asked before."""
        made = self._operation.facts.target.cluster_resource_id or ""
        cluster = find_clusters(self._rds, [made]).get(made)
        if cluster is None:
            raise TransientError(f"The new cluster {made} is not found.")
        if is_lost(cluster.status):
            raise RefusedError(
                f"The cluster {cluster.identifier} is {cluster.status}, so it cannot be restarted.",
                "Its events tell the cause. It is made again.",
                from_step="delete-rds",
            )
        target = TargetCluster(self._rds, self._operation, cluster.identifier)
        stage = self._operation.facts.swap.restart
        if cluster.status == STOPPED:
            self._note(Restart.STARTING)
            target.start()
        elif health(cluster.status) is Health.READY and stage is Restart.STARTING:
            what = f"{cluster.identifier} was stopped and started"
            return Advance(State.TARGET_RENAMED, self._with(Restart.DONE), what)
        elif health(cluster.status) is Health.READY:
            self._note(Restart.STOPPING)
            return self._stop(target)
        return self._wait(
            f"The cluster {cluster.identifier}, which is to be restarted, is {cluster.status}."
        )

    def _stop(self, target: TargetCluster) -> Outcome:
        """Stop the cluster; what AWS refuses, or refuses for too long, is told in a warning."""
        name, now = target.identifier, self._ports.now()
        try:
            target.stop()
        except StateFaultError as error:
            self._fault_since = self._fault_since or now
            if now - self._fault_since < STATE_FAULT_MAX:
                return self._wait(error.reason)
            refusal = refused_for_long(error)
        except RefusedError as error:
            refusal = error
        else:
            return self._wait(f"The cluster {name} is being stopped, so that it is restarted.")
        warning = f"{name} is not restarted: {refusal.reason} {refusal.remedy}"
        what = f"{name} stays as it is: {refusal.reason}"
        return Advance(State.TARGET_RENAMED, self._with(Restart.DONE), what, warnings=(warning,))

    def _wait(self, reason: str) -> Wait:
        since = self._fault_since
        return Wait(reason, LOOK_SECONDS, at_once=True, state_fault_since=since)

    def _note(self, stage: Restart) -> None:
        if self._operation.facts.swap.restart is not stage:
            facts = self._with(stage)
            self._operation = self._ports.operations.save_facts(self._operation, facts)

    def _with(self, stage: Restart) -> Facts:
        facts = self._operation.facts
        return replace(facts, swap=replace(facts.swap, restart=stage))

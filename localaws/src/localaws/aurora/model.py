"""The model of Aurora: it answers RDS calls, advances in time, and can be made to fail."""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from threading import RLock
from typing import Any

from localaws.aurora import copies, snapshots
from localaws.aurora.arns import CLUSTER, CLUSTER_ENDPOINT, INSTANCE, SNAPSHOT, Arn
from localaws.aurora.choices import Choices
from localaws.aurora.data import DATA_ERRORS, DataPlane, NoData
from localaws.aurora.durations import Durations
from localaws.aurora.export_storage import ExportStorage, NoBuckets
from localaws.aurora.faults import CreationFailure, InjectedRefusal
from localaws.aurora.groups import default_network, region_with_default_groups
from localaws.aurora.identities import Identities
from localaws.aurora.keys import KeyRing, Lookup
from localaws.aurora.master_secrets import NoSecrets, SecretStore
from localaws.aurora.modelled_actions import modelled_action
from localaws.aurora.quotas import Quotas
from localaws.aurora.records import Cluster, CustomEndpoint, Instance, Snapshot
from localaws.aurora.schedule import PendingWork
from localaws.aurora.state import Answer, AuroraState, Network, Request
from localaws.clock import Clock

_BAD_REQUEST = 400
_log = logging.getLogger("localaws")


class Aurora:
    """Aurora PostgreSQL in every account and region.

    Thread-safe. Work on the data plane runs without the lock, so that other callers need not wait
    for it; `emit` is called with the lock held and must not wait. `keys` finds KMS keys,
    `security_groups` and `roles` say whether one exists, `network` describes the default VPC of an
    account's region, `secrets` keeps the passwords that RDS manages, `exports` what snapshots are
    exported to, and `choices` decide what AWS leaves open.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        durations: Durations | None = None,
        data: DataPlane | None = None,
        keys: Lookup | None = None,
        security_groups: Callable[[str, str, str], bool] = lambda _account, _region, _group: True,
        network: Callable[[str, str], Network] = default_network,
        roles: Callable[[str], bool] = lambda _arn: True,
        secrets: SecretStore | None = None,
        exports: ExportStorage | None = None,
        emit: Callable[[Answer], None] = lambda _event: None,
        choices: Choices | None = None,
        seed: str = "localaws",
    ) -> None:
        self.lock = RLock()
        self._stands_still = False
        # Requests have identities of their own: looking more often changes no resource's id.
        self._requests = Identities(f"{seed}:requests")
        self._state = AuroraState(
            clock=clock,
            durations=durations or Durations(),
            data=data or NoData(),
            keys=keys or KeyRing(),
            security_groups=security_groups,
            roles=roles,
            emit=emit,
            make_region=lambda account, name: region_with_default_groups(
                account, name, network(account, name)
            ),
            identities=Identities(seed),
            secrets=secrets or NoSecrets(),
            exports=exports or NoBuckets(),
            choices=choices or Choices(),
        )

    def call(self, action: str, parameters: dict[str, Any], *, account: str, region: str) -> Answer:
        """Perform an action (`CopyDBClusterSnapshot` …) as AWS would now; raises RdsError."""
        self.tick()
        with self.lock:
            answer = self._perform(action, parameters, account, region)
            pending_work = self._state.take_pending_work()
        self._run(pending_work)
        with self.lock:
            self._state.faults.raise_refusal(action, after_effect=True)
        return answer

    def _perform(
        self, action: str, parameters: dict[str, Any], account: str, region: str
    ) -> Answer:
        self._state.faults.raise_refusal(action, after_effect=False)
        modelled = modelled_action(action, parameters)
        with self._state.at(self._state.now):
            return modelled.perform(
                Request(self._state, self._state.region(account, region), parameters)
            )

    def tick(self) -> None:
        """Let everything happen that is due by the clock, in order and each at its own time."""
        while not self._stands_still:
            with self.lock:
                due = self._state.schedule.pop_due(self._state.clock.now())
                if due is None:
                    return
                with self._state.at(due.due_at):
                    due.then()
                pending_work = self._state.take_pending_work()
            self._run(pending_work)

    def stand_still(self) -> None:
        """Let nothing happen by itself any more, whatever is due."""
        self._stands_still = True

    def _run(self, pending_work: list[PendingWork]) -> None:
        """Do the work, and what follows from it.

        What no data plane should raise is raised here at the end.
        """
        bugs: list[Exception] = []
        for pending in pending_work:
            error = _error_of(pending.work)
            if error is not None and not isinstance(error, DATA_ERRORS):
                bugs.append(error)
            with self.lock:
                with self._state.at(pending.at):
                    pending.then() if error is None else pending.failed(error)
                following = self._state.take_pending_work()
            self._run(following)
        for bug in bugs:
            raise bug

    @property
    def moment(self) -> datetime:
        """The present moment of the model.

        While a transition is performed, the time at which it was due.
        """
        return self._state.now

    def next_transition(self) -> datetime | None:
        """When the next thing happens by itself that somebody may wait for.

        None when nothing is under way.

        Housekeeping that is days away (the end of an automated snapshot's retention, the start of a
        cluster stopped for a week) happens in time but is not announced here.
        """
        with self.lock:
            return self._state.schedule.next_due()

    def take_automated_snapshot(
        self, cluster_id: str, *, account: str, region: str, at: datetime | None = None
    ) -> str:
        """Let a night pass for one cluster: Aurora takes its automated snapshot.

        Returns its `rds:…` identifier.

        `at` is a moment of the past (default: now); the snapshot and its events are then of that
        night.
        """
        self.tick()
        with self.lock:
            place = self._state.region(account, region)
            with self._state.at(at or self._state.now):
                snapshot = snapshots.take_automated(self._state, place, cluster_id)
            pending_work = self._state.take_pending_work()
        self._run(pending_work)
        return snapshot.identifier

    def clusters_of(self, account: str) -> dict[str, list[str]]:
        """List an account's clusters by region, where there are any."""
        with self.lock:
            regions = {
                name: region
                for (owner, name), region in self._state.regions.items()
                if owner == account
            }
            return {
                name: sorted(region.clusters)
                for name, region in sorted(regions.items())
                if region.clusters
            }

    def quotas(self, *, account: str, region: str) -> Quotas:
        """Return the limits of an account's region, to be changed by a test."""
        with self.lock:
            return self._state.region(account, region).quotas

    def attached(self, kind: str, *, account: str, region: str) -> list[Answer]:
        """Return what DescribeIntegrations or DescribeBlueGreenDeployments lists.

        A test changes it, since no call that makes them is modelled.
        """
        with self.lock:
            return self._state.region(account, region).attached[kind]

    def attach(self, cluster_arn: str, **members: Any) -> None:
        """Let a cluster's description have these members, such as DomainMemberships.

        A test does it, since no call that makes them is modelled.
        """
        with self.lock:
            arn = Arn.parse(cluster_arn)
            if arn is None or arn.kind != CLUSTER:
                raise LookupError(f"There is no cluster {cluster_arn}.")
            self._state.region_of(arn).clusters[arn.identifier].attached.update(members)

    def give_ipv6(self, *, account: str, region: str, subnets: Collection[str]) -> None:
        """Give subnets an IPv6 range, so that groups of them support DUAL."""
        with self.lock:
            found = self._state.region(account, region)
            known = found.network.dual_stack
            found.network = replace(found.network, dual_stack=known | frozenset(subnets))

    @property
    def durations(self) -> Durations:
        """How long things take that begin from now on."""
        with self.lock:
            return self._state.durations

    def set_pace(self, durations: Durations) -> None:
        """Let everything that begins from now on take this long.

        What is under way keeps its time.
        """
        with self.lock:
            self._state.durations = durations

    def unique_id(self) -> str:
        """Return an identifier for a request."""
        with self.lock:
            return self._requests.unique_id()

    def fail_next(
        self,
        action: str,
        code: str,
        message: str = "A test asked for this.",
        status: int = _BAD_REQUEST,
        times: int = 1,
        *,
        after_effect: bool = False,
    ) -> None:
        """Refuse the next calls of an action.

        With `after_effect` the call has its effect and the answer is lost.
        """
        with self.lock:
            waiting = self._state.faults.refusals.setdefault(action, [])
            waiting.append(InjectedRefusal(code, message, status, times, after_effect))

    def fail_copy(self, snapshot_arn: str) -> None:
        """Make a copy fail: now if it is under way, else when a copy with this ARN ends."""
        self._act(lambda: self._fail_copy(snapshot_arn))

    def _fail_copy(self, snapshot_arn: str) -> None:
        copy = self._resource(snapshot_arn)
        if isinstance(copy, Snapshot) and copy.status == "copying":
            copies.fail(self._state, copy)
        else:
            self._state.faults.failing_copies.add(snapshot_arn)

    def fail_creation(self, arn: str, status: str, message: str = "") -> None:
        """Make the creation of a cluster or an instance end in a status such as `failed`.

        Clusters: `incompatible-…` with 0354, else 0355. Instances: `incompatible-parameters` with
        0035, `incompatible-network` with 0036, else 0353.
        """
        with self.lock:
            self._state.faults.failing_creations[arn] = CreationFailure(status, message)

    def fail_password(self, cluster_arn: str, message: str) -> None:
        """Make the engine refuse the cluster's next master password.

        On RDS, too, only event 0067 of the writer tells of that.
        """
        with self.lock:
            self._state.faults.failing_passwords[cluster_arn] = message

    def fail_rename(self, cluster_arn: str) -> None:
        """Make a cluster's next rename end under the old name, which no event tells."""
        with self.lock:
            self._state.faults.failing_renames.add(cluster_arn)

    def lose_snapshot(self, snapshot_arn: str) -> None:
        """Let a snapshot vanish, whatever its type, as when its retention ends."""
        self._act(lambda: self._lose(snapshot_arn))

    def _lose(self, snapshot_arn: str) -> None:
        snapshot = self._resource(snapshot_arn)
        if snapshot is None or not isinstance(snapshot, Snapshot):
            raise LookupError(f"There is no snapshot {snapshot_arn} that could vanish.")
        copies.dequeue(self._state, snapshot)
        snapshots.remove(self._state, snapshot)

    def find(self, arn: str) -> Cluster | Instance | Snapshot | CustomEndpoint | None:
        """Give a cluster, an instance, a snapshot or a custom endpoint as it is now.

        No call of RDS is made for it.
        """
        with self.lock:
            return self._resource(arn) or self._custom_endpoint(arn)

    def _custom_endpoint(self, text: str) -> CustomEndpoint | None:
        arn = Arn.parse(text)
        if arn is None or arn.kind != CLUSTER_ENDPOINT:
            return None
        return self._state.region_of(arn).custom_endpoints.get(arn.identifier)

    def set_status(self, arn: str, status: str) -> None:
        """Put a cluster, an instance or a snapshot into a status.

        Whatever it was doing comes to no other end.
        """
        self._act(lambda: self._set_status(arn, status))

    def _set_status(self, arn: str, status: str) -> None:
        resource = self._resource(arn)
        if resource is None:
            raise LookupError(f"There is no resource {arn} whose status could be {status}.")
        resource.status = status
        if isinstance(resource, Snapshot):
            resource.created_at = resource.created_at or self._state.now
            copies.dequeue(self._state, resource)

    def _resource(self, text: str) -> Cluster | Instance | Snapshot | None:
        arn = Arn.parse(text)
        if arn is None:
            return None
        region = self._state.region_of(arn)
        if arn.kind == CLUSTER:
            return region.clusters.get(arn.identifier)
        if arn.kind == INSTANCE:
            return region.instances.get(arn.identifier)
        return region.snapshots.get(arn.identifier) if arn.kind == SNAPSHOT else None

    def _act(self, effect: Callable[[], None]) -> None:
        self.tick()
        with self.lock:
            effect()
            pending_work = self._state.take_pending_work()
        self._run(pending_work)


def _error_of(work: Callable[[], None]) -> Exception | None:
    """Do some work of the data plane; what it raises is logged and returned."""
    try:
        work()
    except ProcessLookupError as error:  # a world that is being stopped starts no server any more
        return error
    except Exception as error:  # noqa: BLE001 # a resource fails by it, and time goes on for all others
        _log.error("The data of a cluster or snapshot could not be had: %s", error, exc_info=error)
        return error
    return None

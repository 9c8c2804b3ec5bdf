"""What happens to a stage whose targets are swapped: people, other clusters, refusals, the past."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from localaws.aurora import Durations
from localaws.aurora.records import Cluster

from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import CANCEL_REQUESTED, ROLLBACK_REQUESTED, State
from chalicelib.flow.cluster_names import swap_names
from chalicelib.flow.ownership import OWNER_TAG
from simulation import actions
from simulation.seed import ENGINE
from simulation.settings import ACCOUNT, PRODUCTION_PASSWORD, STAGE, TARGET_REGION
from simulation.simulation import REST_SECONDS_MAX, Simulation

TARGET = "staging-cluster"
KEPT_SECONDS = 3600  # for which a previous target is kept in these scenes
NEXT, PREVIOUS = swap_names(TARGET)
Incident = Callable[[Simulation, str], None]
SETTINGS_OF_SWAPS = (
    "replacement",
    "keep_previous_hours",
    "stop_previous",
    "restart_after_rename",
    "swap_deadline",
)


# --- what stands there ---


def after_a_swap(simulation: Simulation) -> None:
    """Let a night have swapped the target; the previous one is kept."""
    actions.our_target(simulation)
    simulation.functions.tick()
    simulation.stage.clock.advance(60)
    simulation.stage.night()
    until_ended(simulation, 1)


def until_ended(simulation: Simulation, count: int) -> None:
    """Let time pass until as many operations as that have ended, but for retirements.

    A request that the bus has dropped begins none, and whoever sent it gives up after two days.
    """
    gives_up_at = simulation.stage.clock.now() + timedelta(seconds=REST_SECONDS_MAX)
    simulation.deliver()
    while len(simulation.begun) < count or simulation.open - simulation.retirements:
        if simulation.stage.clock.now() > gives_up_at:
            return
        simulation.step_time()


# --- what people ask for ---


def roll_back(simulation: Simulation) -> None:
    """Let a person ask for the target that the last night has replaced."""
    ask_back(simulation, next(reversed(simulation.begun)))


def ask_back(simulation: Simulation, operation_id: str) -> None:
    """Put the request for a rollback on the bus."""
    simulation.bus.put(ROLLBACK_REQUESTED, operation_id=operation_id, reason="it is broken")


def roll_back_twice(simulation: Simulation) -> None:
    """Let a person ask for a rollback, and then for the rollback of that."""
    roll_back(simulation)
    until_ended(simulation, 2)
    roll_back(simulation)


def keep_previous(simulation: Simulation) -> None:
    """Let a person cancel the deletion of the previous target, where one is kept."""
    for retirement in sorted(simulation.retirements):
        simulation.bus.put(CANCEL_REQUESTED, operation_id=retirement, reason="it is compared")


def roll_back_when_due(simulation: Simulation) -> None:
    """Let a person ask for the previous target seconds before its deletion is due.

    That is in the middle of the first rename, which takes as long as it does on AWS. Where the
    night before failed, nothing is due, and the person asks at once.
    """
    aurora = simulation.stage.aurora
    aurora.set_pace(replace(aurora.durations, rename=Durations().rename))
    for retirement in sorted(simulation.retirements):
        kept_for = simulation.stage.clock.now() - _opened(simulation, retirement)
        simulation.run(KEPT_SECONDS - kept_for.seconds - 30)
    roll_back(simulation)


def _opened(simulation: Simulation, retirement: str) -> datetime:
    created = simulation.stage.store.tables["state"][retirement]["created_at"]
    return datetime.fromisoformat(created)


def target_taken(simulation: Simulation) -> None:
    """Let somebody give the target another name, and another cluster get its own."""
    simulation.stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, NewDBClusterIdentifier="elsewhere", ApplyImmediately=True
    )
    simulation.run(60)
    third(TARGET)(simulation, "")
    simulation.run(60)
    simulation.stage.rds().create_db_instance(
        DBInstanceIdentifier="another-1",
        DBInstanceClass="db.r6g.large",
        Engine=ENGINE,
        DBClusterIdentifier=TARGET,
    )


def retirement_hangs(simulation: Simulation) -> None:
    """Let the next night need the previous one's name, and its deletion end without a word."""
    simulation.stage.night()
    if simulation.until(State.PREVIOUS_DELETING):
        disabled = simulation.functions.disabled
        simulation.run(10)
        disabled.add("delete-rds")
        simulation.burst(minutes=5, then=lambda: disabled.discard("delete-rds"))


# --- clusters, by whom they are ---


def cluster_of(simulation: Simulation, operation_id: str, which: str) -> Cluster | None:
    """Find the `old` or the `new` cluster of an operation, whatever its name is."""
    target = simulation.stage.store.tables["state"][operation_id]["facts"]["target"]
    old = target.get("old") or {}
    wanted = old.get("resource_id") if which == "old" else target.get("cluster_resource_id")
    region = simulation.stage.aurora._state.region(ACCOUNT, TARGET_REGION)  # noqa: SLF001 # no call
    found = (known for known in region.clusters.values() if known.resource_id == wanted)
    return next(found, None)


def to(which: str, change: Callable[[Simulation, Cluster], None]) -> Incident:
    """Let something be done to the old or the new cluster, as far as AWS allows it."""

    def happens(simulation: Simulation, operation_id: str) -> None:
        found = cluster_of(simulation, operation_id, which)
        if found is not None:
            with suppress(ClientError):
                change(simulation, found)

    return happens


def deleted(simulation: Simulation, cluster: Cluster) -> None:
    """Somebody deletes the cluster with its instances."""
    rds = simulation.stage.rds()
    for member in [*cluster.members]:
        rds.delete_db_instance(DBInstanceIdentifier=member, SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=cluster.identifier, SkipFinalSnapshot=True)


def stopped(simulation: Simulation, cluster: Cluster) -> None:
    """Somebody stops the cluster."""
    simulation.stage.rds().stop_db_cluster(DBClusterIdentifier=cluster.identifier)


def modified(simulation: Simulation, cluster: Cluster) -> None:
    """Somebody changes a setting of the cluster, which takes a while."""
    _modify(simulation, cluster, BackupRetentionPeriod=3)


def protected(simulation: Simulation, cluster: Cluster) -> None:
    """Somebody protects the cluster against deletion."""
    _modify(simulation, cluster, DeletionProtection=True)


def _modify(simulation: Simulation, cluster: Cluster, **how: Any) -> None:
    simulation.stage.rds().modify_db_cluster(
        DBClusterIdentifier=cluster.identifier, ApplyImmediately=True, **how
    )


def failed(_simulation: Simulation, cluster: Cluster) -> None:
    """Let the cluster fail for good."""
    cluster.status = "failed"


def third(name: str) -> Incident:
    """Let another cluster of ours appear under a name, if that is free."""

    def happens(simulation: Simulation, _operation_id: str) -> None:
        with suppress(ClientError):
            simulation.stage.rds().create_db_cluster(
                DBClusterIdentifier=name,
                Engine=ENGINE,
                MasterUsername="master",
                MasterUserPassword=PRODUCTION_PASSWORD,
                Tags=[{"Key": OWNER_TAG, "Value": f"{STAGE}/default"}],
            )

    return happens


# --- trouble ---


def later(seconds: float, then: Incident) -> Incident:
    """Let something happen a while after, whoever is at work by then."""

    def happens(simulation: Simulation, operation_id: str) -> None:
        simulation.burst(minutes=seconds / 60, then=lambda: then(simulation, operation_id))

    return happens


def refused_rename(code: str, *, of: str, to: str | None = None) -> Incident:
    """Let AWS refuse every rename of a name, or every one to a name, with a code."""

    def is_refused(method: str, parameters: Mapping[str, Any]) -> str | None:
        wanted = parameters.get("NewDBClusterIdentifier")
        is_meant = parameters.get("DBClusterIdentifier") == of and to in (None, wanted)
        return code if method == "modify_db_cluster" and wanted and is_meant else None

    def happens(simulation: Simulation, _operation_id: str) -> None:
        simulation.functions.refuses = is_refused

    return happens


def wrong_certificate(simulation: Simulation, operation_id: str) -> None:
    """Let the new cluster's certificate lack its new name until it is restarted."""
    new = cluster_of(simulation, operation_id, "new")
    if new is None:
        return
    database = simulation.stage.data.clusters[new.resource_id]
    database.trouble = CertificateNameError(f"The certificate does not name {TARGET}.", "")
    simulation.until(State.TARGET_RESTARTING)
    database.trouble = None


def locked_users(simulation: Simulation, operation_id: str) -> None:
    """Let somebody lock the application's user of the new cluster."""
    new = cluster_of(simulation, operation_id, "new")
    if new is not None:
        simulation.stage.data.clusters[new.resource_id].roles["app_user"].can_login = False


def stale_answers(simulation: Simulation, _operation_id: str) -> None:
    """Let descriptions of clusters show for a minute what stood before it."""
    simulation.functions.positions.freeze()
    simulation.burst(minutes=1, then=simulation.functions.positions.thaw)


def lost_rename(simulation: Simulation, _operation_id: str) -> None:
    """Let the next rename be accepted and never happen; no event tells that."""
    simulation.stage.data.renames_to_fail = 1


# --- the past ---


def left_over(simulation: Simulation, operation_id: str) -> None:
    """Let a person stop the operation half-way, and the next night clear up after it."""
    actions.cancel(simulation, operation_id)
    simulation.expected = 1
    simulation.rest()
    if simulation.states[operation_id] is State.CANCELLED:
        simulation.expected = 2
        simulation.run(3600)
        simulation.stage.night()


def deletes_first(simulation: Simulation, operation_id: str) -> None:
    """Let an operation be one of the version that knew no swap, and go on in one that swaps."""
    actions.older(simulation, operation_id)
    target = simulation.stage.store.tables["state"][operation_id]["settings"]["target"]
    for setting in SETTINGS_OF_SWAPS:
        target.pop(setting, None)
    simulation.stage.environment["REPLACEMENT"] = "swap"


def other_replacement(simulation: Simulation, _operation_id: str) -> None:
    """Let somebody set REPLACEMENT=delete-first in the middle of a swap."""
    simulation.stage.environment["REPLACEMENT"] = "delete-first"

"""When people have a target that they can use, judged by the model and not by the app's record.

A target is usable while a cluster has the target's name and lets the plan's users in there;
`bench/pointed.py` says what it is where pointers lead to the target. Nobody
has measured on AWS whether a cluster still answers while it is being renamed, or while its writer
is being deleted. So there are two judgments: the strict one takes it for unusable from the moment
at which that begins; the lenient one takes the model's word, where a server answers until its name
has changed, or until its last instance is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Final

from localaws.aurora.records import Cluster, Instance

from chalicelib.flow.cluster_names import pointed_names, swap_names
from simulation.in_memory_database import InMemoryCluster, InMemoryRole
from simulation.settings import ACCOUNT, APP, TARGET_REGION
from simulation.stage import IdleStage

TARGET: Final = "staging-cluster"
NEXT, PREVIOUS = swap_names(TARGET)
NAMES: Final = (TARGET, NEXT, PREVIOUS, *pointed_names(TARGET))
LOGINS: Final = {
    APP["app_username"]: APP["app_password"],
    APP["readonly_username"]: APP["readonly_password"],
}
UNBILLED: Final = frozenset({"creating", "stopped", "deleting"})


@dataclass(frozen=True)
class Outage:
    """How long people had no usable target in one night, in seconds.

    `strict` and `lenient` are the two judgments. `usable_after` is from the snapshot's event until
    the new cluster is usable, `deletion_after` from there until the previous one's deletion begins
    (negative where that is before). `aurora` is what Aurora takes for two renames, and for a
    restart where there is one. In `turning` some clients are led to the old cluster, others to the
    new one.
    """

    strict: float
    lenient: float
    usable_after: float
    deletion_after: float | None
    aurora: float
    turning: float = 0.0


@dataclass(frozen=True)
class OutageSummary:
    """The mean of some nights, and the worst; `beyond_aurora` is of the strict judgment."""

    strict: float
    strict_most: float
    lenient: float
    usable_after: float
    deletion_after: float
    beyond_aurora: float
    beyond_aurora_most: float
    turning: float


def averaged(nights: Sequence[Outage]) -> OutageSummary:
    """Average nights; raises RuntimeError where a previous cluster was not deleted."""
    beyond = [night.strict - night.aurora for night in nights]
    deleted = [night.deletion_after for night in nights if night.deletion_after is not None]
    if len(deleted) < len(nights):
        raise RuntimeError("The previous cluster of a measured night was not deleted.")
    return OutageSummary(
        strict=fmean(night.strict for night in nights),
        strict_most=max(night.strict for night in nights),
        lenient=fmean(night.lenient for night in nights),
        usable_after=fmean(night.usable_after for night in nights),
        deletion_after=fmean(deleted),
        beyond_aurora=fmean(beyond),
        beyond_aurora_most=max(beyond),
        turning=fmean(night.turning for night in nights),
    )


@dataclass(frozen=True)
class StandingHours:
    """For how many hours clusters and their billed instances stood."""

    clusters: float = 0.0
    instances: float = 0.0


def mean_hours(days: Sequence[StandingHours]) -> StandingHours:
    """Average days."""
    return StandingHours(fmean(day.clusters for day in days), fmean(day.instances for day in days))


class Judgment:
    """Whether the target is usable, and since when: the sum of the seconds in which it was not."""

    def __init__(self, *, usable: bool, now: datetime) -> None:
        self.usable, self.since, self.seconds_without = usable, now, 0.0

    def see(self, now: datetime, *, usable: bool) -> None:
        """Take note of a change."""
        if usable == self.usable:
            return
        if usable:
            self.seconds_without += (now - self.since).total_seconds()
        self.usable, self.since = usable, now


class TargetWatch:
    """Looks at the model whenever something may have changed in it."""

    def __init__(self, stage: IdleStage) -> None:
        self._stage = stage
        now, found = stage.clock.now(), self.led_to()
        self._old = old = found[0]
        self._old_members = [self._instance(name) for name in old.members] if old else []
        answers = all(map(self._answers, found))
        self._strict = Judgment(usable=answers and all(map(self._is_settled, found)), now=now)
        self._lenient = Judgment(usable=answers, now=now)
        self.fresh_at: datetime | None = None
        self.deletion_at: datetime | None = None

    def led_to(self) -> list[Cluster | None]:
        """Give the clusters that clients find: the one with the target's name, or none."""
        return [cluster_named(self._stage, TARGET)]

    def led_since(self, now: datetime) -> datetime:
        """Say since when clients find these, where that is known better than by looking now."""
        return now

    def see(self) -> None:
        """Look at the clusters that clients find, and at the previous one."""
        now, found = self._stage.clock.now(), self.led_to()
        answers = all(map(self._answers, found))
        settled = answers and all(map(self._is_settled, found))
        self._strict.see(now, usable=settled)
        self._lenient.see(now, usable=answers)
        if settled and all(cluster is not self._old for cluster in found):
            self.fresh_at = self.fresh_at or self.led_since(now)
        if self.deletion_at is None and any(map(_is_going, self._old_members)):
            self.deletion_at = now

    def outage(self, began: datetime, aurora: float) -> Outage:
        """Say what the night came to; raises RuntimeError where no new target is usable."""
        if self.fresh_at is None or not self._strict.usable:
            raise RuntimeError("A measured night left people without a new target.")
        deleted = self.deletion_at
        return Outage(
            self._strict.seconds_without,
            self._lenient.seconds_without,
            (self.fresh_at - began).total_seconds(),
            (deleted - self.fresh_at).total_seconds() if deleted else None,
            aurora,
        )

    def _answers(self, cluster: Cluster | None) -> bool:
        """Tell whether a server answers at the target's name, and lets the plan's users in."""
        if cluster is None or not cluster.server_runs:
            return False
        data = self._stage.data
        host = data.endpoint(cluster.resource_id)[0]
        inside = data.clusters[cluster.resource_id]
        leads_there = data.hosts.get(host) == cluster.resource_id
        return leads_there and inside.trouble is None and lets_in(inside)

    def _is_settled(self, cluster: Cluster | None) -> bool:
        """Tell whether nothing under way takes that away: no rename, no deletion of the writer."""
        if cluster is None or cluster.renamed_to or not cluster.writer:
            return False
        return not _is_going(self._instance(cluster.writer))

    def _instance(self, name: str) -> Instance | None:
        found = self._stage.aurora.find(_arn("db", name))
        return found if isinstance(found, Instance) else None


class Standing:
    """How many hours clusters and their billed instances have stood, whatever their names."""

    def __init__(self, stage: IdleStage) -> None:
        self._stage, self._at = stage, stage.clock.now()
        self.hours = StandingHours()
        self._count = self._counted()

    def see(self) -> None:
        """Add the time since the last look, with what stood there then."""
        now = self._stage.clock.now()
        hours = max(0.0, (now - self._at).total_seconds()) / 3600
        clusters, instances = self._count
        before = self.hours
        self.hours = StandingHours(
            before.clusters + clusters * hours, before.instances + instances * hours
        )
        self._at, self._count = now, self._counted()

    def _counted(self) -> tuple[int, int]:
        find, clusters = self._stage.aurora.find, clusters_of(self._stage)
        members = [find(_arn("db", name)) for cluster in clusters for name in cluster.members]
        billed = [member for member in members if member and member.status not in UNBILLED]
        return len(clusters), len(billed)


def _is_going(instance: Instance | None) -> bool:
    return instance is None or instance.status == "deleting"


def cluster_named(stage: IdleStage, name: str) -> Cluster | None:
    """Find a cluster of the target's region in the model."""
    found = stage.aurora.find(_arn("cluster", name))
    return found if isinstance(found, Cluster) else None


def clusters_of(stage: IdleStage) -> list[Cluster]:
    """List the clusters that have one of the target's names."""
    return [found for name in NAMES if (found := cluster_named(stage, name))]


def lets_in(cluster: InMemoryCluster) -> bool:
    """Tell whether both of the plan's users may log in."""
    return all(_lets_in(cluster.roles.get(name), secret) for name, secret in LOGINS.items())


def _lets_in(role: InMemoryRole | None, secret: str) -> bool:
    return role is not None and role.can_login and role.password == secret


def give_users(cluster: InMemoryCluster) -> None:
    """Give a target the plan's users, as an earlier operation has left it."""
    cluster.roles |= {name: InMemoryRole(secret) for name, secret in LOGINS.items()}


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:{kind}:{name}"

"""A target that pointers lead to, as its clients find it.

A client reads one place when it connects: the secret, a parameter, or the record. A secret or a
parameter that was written is what everybody reads from then on. A record's former value may be
given out until Route 53's servers know the new one, and for its time to live after that: until
then a client may be led to either cluster, and both have to be usable.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from localaws.aurora.records import Cluster

from bench.latencies import CALL_SECONDS
from bench.outage import TARGET, Outage, TargetWatch, cluster_named, clusters_of
from bench.priced import PricedSimulation
from chalicelib.aws.pointer_places import TTL_SECONDS
from simulation.in_memory_services import PROPAGATION, ZONE
from simulation.pointed_clusters import PointedClusters
from simulation.stage import IdleStage

RECORD: Final = {"TARGET_DNS_NAME": "staging.db.example", "TARGET_DNS_ZONE_ID": ZONE}
GIVEN_OUT: Final = PROPAGATION + timedelta(seconds=TTL_SECONDS)  # for which a record's past is
CONNECT_SECONDS: Final = CALL_SECONDS["secretsmanager"] + CALL_SECONDS["postgresql"]
THE_RECORD: Final = "the record"


class Place:
    """The host that one place gives to clients; None until it has one."""

    def __init__(self, host: str | None, lag: timedelta) -> None:
        self.host, self._lag = host, lag
        self._before: str | None = None
        self.moved_at: datetime | None = None

    def see(self, host: str | None, now: datetime) -> None:
        """Take note of a change."""
        if host != self.host:
            self._before, self.host, self.moved_at = self.host, host, now

    @property
    def known_at(self) -> datetime | None:
        """Say from when on nobody is given the former host; None where it was never changed."""
        return self.moved_at + self._lag if self.moved_at else None

    def given(self, now: datetime) -> set[str | None]:
        """Give every host that a client may be given."""
        is_old = self.known_at is not None and now < self.known_at
        return {self.host, self._before} if is_old else {self.host}


class PointedWatch(TargetWatch):
    """Looks at the clusters that the pointers lead to.

    A place that names none yet leaves its clients with the target's own name.
    """

    def __init__(self, stage: IdleStage) -> None:
        self._named = PointedClusters(stage, lambda _: None)
        hosts, has_record = self._named.hosts(), "TARGET_DNS_NAME" in stage.environment
        lags = {"the secret": timedelta(), "the parameters": timedelta()}
        lags |= {THE_RECORD: GIVEN_OUT} if has_record else {}
        self._places = {name: Place(hosts.get(name), lag) for name, lag in lags.items()}
        super().__init__(stage)

    def led_to(self) -> list[Cluster | None]:
        """Give every cluster that a client may be led to."""
        now, hosts = self._stage.clock.now(), self._named.hosts()
        given: set[str | None] = set()
        for name, place in self._places.items():
            place.see(hosts.get(name), now)
            given |= place.given(now)
        return [self._cluster_at(host) for host in sorted(given, key=str)]

    def led_since(self, now: datetime) -> datetime:
        """Say since when all places have led all clients there."""
        return min(now, max(self._known(), default=now))

    def outage(self, began: datetime, aurora: float) -> Outage:
        """Say what the night came to, with the moment in which a client connects again."""
        self._outlast_the_night()
        found = super().outage(began, aurora)
        moved = [place.moved_at for place in self._places.values() if place.moved_at]
        turning = (max(self._known()) - min(moved)).total_seconds() if moved else 0.0
        return replace(
            found,
            strict=found.strict + CONNECT_SECONDS,
            lenient=found.lenient + CONNECT_SECONDS,
            turning=turning,
        )

    def _outlast_the_night(self) -> None:
        """Take note of when clients stop being given a record's past, if the night ended before."""
        found = [self._cluster_at(place.host) for place in self._places.values()]
        is_new = all(cluster is not self._old for cluster in found)
        if self.fresh_at is None and is_new and all(map(self._answers, found)):
            self.fresh_at = max(self._known(), default=None)

    def _known(self) -> list[datetime]:
        return [place.known_at for place in self._places.values() if place.known_at]

    def _cluster_at(self, host: str | None) -> Cluster | None:
        if host is None:
            return cluster_named(self._stage, TARGET)
        resource_id = self._stage.data.hosts.get(host)
        standing = clusters_of(self._stage)
        return next((one for one in standing if one.resource_id == resource_id), None)


class PointedTargets(PricedSimulation):
    """A simulation whose clients look up the target: no work of Aurora's is in their way."""

    aurora_works = ()
    watched = PointedWatch

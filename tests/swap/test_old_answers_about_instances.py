"""A login at the target's name counts at the new cluster's own instances, whatever AWS shows."""

from collections.abc import Iterator
from typing import Any

from chalicelib.flow.choreography import State
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, NEXT, PREVIOUS = NAMES


class OldAnswers(SwapStage):
    """A stage in which functions may see the instances of a moment that is over."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] | None = None
        super().__init__()

    def client(self, service: str, region: str) -> Any:
        """Give a client whose answers about instances may be old."""
        return _Client(self, super().client(service, region))


class _Client:
    def __init__(self, stage: OldAnswers, client: Any) -> None:
        self._stage, self._client = stage, client

    def __getattr__(self, method: str) -> Any:
        return getattr(self._client, method)

    def get_paginator(self, method: str) -> Any:
        is_old = method == "describe_db_instances" and self._stage.shown is not None
        return _OldPages(self._stage.shown or []) if is_old else self._client.get_paginator(method)


class _OldPages:
    def __init__(self, found: list[dict[str, Any]]) -> None:
        self._found = found

    def paginate(self, *, Filters: Any) -> Iterator[Any]:  # noqa: N803
        (names,) = (one["Values"] for one in Filters if one["Name"] == "db-cluster-id")
        members = [found for found in self._found if found["DBClusterIdentifier"] in names]
        yield {"DBInstances": members}


def test_a_login_at_the_old_cluster_proves_nothing_whatever_aws_shows() -> None:
    """The name leads to the old cluster, whose instances AWS shows with it, and the new one refuses
    its users.
    """
    stage = OldAnswers()
    first_and_second(stage)  # the old one has the users, too
    stage.run(20 * 3600)
    stage.night()
    stage.reach(State.SWAPPING)
    before, old = stage.rds().describe_db_instances()["DBInstances"], stage.standing()[TARGET]
    stage.reach(State.TARGET_RENAMED)
    new, host = stage.standing()[TARGET], stage.endpoint(TARGET)
    stage.data.clusters[new].roles["app_user"].can_login = False
    stage.data.hosts[host], stage.shown = old, before
    stage.run(45)
    waiting = stage.restores()[-1]
    stage.data.hosts[host], stage.shown = new, None
    ended = stage.run_until_ended(2)

    assert "does not lead to" in (waiting.waiting_for or "")
    assert (State.FAILED, State.TARGET_RENAMED) == (ended.state, ended.stopped_at)
    assert "refuses app_user" in (ended.reason or "")

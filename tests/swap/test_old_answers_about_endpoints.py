"""Custom endpoints are moved, once each, though AWS may still show them as they were before."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from tests.choreography.fault_injection import after_the_first, refused
from tests.swap.different_target import succeeded
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second
from tests.swap.test_custom_endpoints import READER, endpoints, make_endpoint

TARGET, NEXT, PREVIOUS = NAMES
HOUR = 3600
DESCRIBE, CREATE = "describe_db_cluster_endpoints", "create_db_cluster_endpoint"


class OldAnswers(SwapStage):
    """A stage in which functions see the custom endpoints of a moment that is over."""

    def __init__(self, **environment: str) -> None:
        self.before: list[dict[str, Any]] = []
        self.is_old: Callable[[], bool] = lambda: False
        super().__init__(staging=True, **environment)

    def remember(self) -> None:
        """Show the endpoints as they are now until the target has been open for a while."""
        self.before = self.rds().describe_db_cluster_endpoints()["DBClusterEndpoints"]
        self.is_old = lambda: True

    def until_open_for(self, seconds: int) -> None:
        """Run until the target has opened, and show old answers for some seconds more."""
        self.reach(State.TARGET_OPEN)
        end = self.clock.now() + timedelta(seconds=seconds)
        self.is_old = lambda: self.clock.now() < end

    def client(self, service: str, region: str) -> Any:
        """Give a client whose answers about custom endpoints may be old."""
        return _Client(self, super().client(service, region))

    def deletions_of(self, name: str) -> int:
        """Count how often an endpoint was deleted."""
        calls = self.calls_of("delete_db_cluster_endpoint")
        return [call.parameters["DBClusterEndpointIdentifier"] for call in calls].count(name)


class _Client:
    def __init__(self, stage: OldAnswers, client: Any) -> None:
        self._stage, self._client = stage, client

    def __getattr__(self, method: str) -> Any:
        return getattr(self._client, method)

    def get_paginator(self, method: str) -> Any:
        is_old = method == DESCRIBE and self._stage.is_old()
        return _OldPages(self._stage.before) if is_old else self._client.get_paginator(method)


class _OldPages:
    def __init__(self, found: list[dict[str, Any]]) -> None:
        self._found = found

    def paginate(self, *, Filters: object, **which: str) -> Iterator[Any]:  # noqa: N803
        del Filters  # all that are asked for are custom ones
        asked = which.items()
        custom = [found for found in self._found if found["EndpointType"] == "CUSTOM"]
        yield {"DBClusterEndpoints": [found for found in custom if asked <= found.items()]}


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_an_endpoint_that_is_shown_with_the_targets_name_is_moved(replacement: str) -> None:
    """It is the old cluster's, which had that name. That is deleted at once, and the endpoint is
    not lost with it.
    """
    stage = OldAnswers(KEEP_PREVIOUS_HOURS="0", REPLACEMENT=replacement)
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.night()
    stage.reach(State.SNAPSHOT_READY)
    stage.remember()
    stage.until_open_for(40)
    ended = stage.run_until_ended(1)
    stage.run(HOUR)
    reader = ended.facts.target.instances[1]

    assert (True, ()) == (succeeded(ended), ended.warnings)
    assert {"analytics": ("READER", [reader], [])} == endpoints(stage)
    assert {TARGET} == {*stage.standing()}


def test_a_previous_target_is_kept_while_an_endpoint_is_shown_with_its_former_name() -> None:
    """No endpoint is shown with the name that it has now."""
    stage = OldAnswers(KEEP_PREVIOUS_HOURS="0")
    make_endpoint(stage, "analytics")
    stage.inject(refused("AccessDenied"), call="rds.delete_db_cluster_endpoint", times=99)
    stage.night()
    stage.reach(State.SNAPSHOT_READY)
    stage.remember()
    assert succeeded(stage.run_until_ended(1))
    stage.run(600)
    (retirement,) = stage.retirements()

    assert "would be lost with it: analytics." in (retirement.waiting_for or "")
    assert {"analytics"} == set(endpoints(stage, PREVIOUS))


def test_an_endpoint_that_was_moved_is_not_moved_again() -> None:
    """Two old answers come when one of two endpoints has been created."""
    stage = OldAnswers()
    for name in ("analytics", "batch"):
        make_endpoint(stage, name)
    not_now = after_the_first(refused("InvalidDBClusterStateFault"))
    stage.inject(not_now, call=f"rds.{CREATE}", times=2)
    stage.night()
    stage.reach(State.TARGET_OPEN)
    stage.remember()
    looks = iter([True, True])
    stage.is_old = lambda: len(stage.calls_of(CREATE)) == 2 and next(looks, False)
    ended = stage.run_until_ended(1)
    stage.run(600)

    assert (True, ()) == (succeeded(ended), ended.warnings)
    assert {"analytics", "batch"} == {*endpoints(stage)}
    assert 1 == stage.deletions_of("analytics")


def test_a_rollback_knows_its_endpoints_before_it_renames() -> None:
    """They are shown with the target's name until the target is open."""
    stage = OldAnswers()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    first_and_second(stage)
    stage.run(HOUR)
    stage.remember()
    stage.ask_back(stage.restores()[0])
    stage.until_open_for(40)
    ended = stage.run_until_ended(2)

    assert (True, ()) == (succeeded(ended), ended.warnings)
    assert {"analytics": ("READER", [READER], [])} == endpoints(stage)


def test_endpoints_that_cannot_be_looked_up_stop_no_rollback() -> None:
    """They are looked for once more when the target is open."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    first_and_second(stage)
    stage.inject(refused("AccessDenied"), state="SWAPPING", call=f"rds.{DESCRIBE}", times=99)
    stage.ask_back(stage.restores()[0])

    assert succeeded(stage.run_until_ended(2))
    assert {"analytics": ("READER", [READER], [])} == endpoints(stage)


def test_a_rollback_that_moved_nothing_leaves_the_note_of_a_missing_endpoint() -> None:
    """AWS refuses its first rename, so that the next restore still has to create the endpoint."""
    stage = SwapStage(ARCHIVE_DEADLINE="900")
    make_endpoint(stage, "analytics")
    stage.inject(refused("DBClusterEndpointQuotaExceededFault"), call=f"rds.{CREATE}", times=99)
    ended = stage.run_night()
    stage.call_faults.clear()
    before = stage.operations.target(ended.plan.target_cluster_arn).missing_endpoints
    stage.inject(refused("AccessDenied"), call="rds.modify_db_cluster", times=99)
    stage.ask_back(ended)

    assert State.FAILED is stage.run_until_ended(2).state
    assert ["analytics"] == [found.identifier for found in before]
    assert before == stage.operations.target(ended.plan.target_cluster_arn).missing_endpoints


def test_an_endpoint_of_a_record_without_its_resource_id_is_moved_by_name() -> None:
    """The version before did not note it."""
    stage = SwapStage()
    make_endpoint(stage, "analytics", "READER", StaticMembers=[READER])
    stage.night()
    stage.reach(State.TARGET_OPEN)
    (operation,) = stage.restores()
    facts = operation.to_item()["facts"]
    for endpoint in facts["target"]["baseline"]["endpoints"]:
        del endpoint["resource_id"]
    stage.edit(operation.operation_id, facts=facts)
    ended = stage.run_until_ended(1)

    assert succeeded(ended)
    assert {"analytics": ("READER", [ended.facts.target.instances[1]], [])} == endpoints(stage)

"""Swaps that are cancelled while a function waits for the clusters inside one invocation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.flow.choreography import State
from chalicelib.ports import Ports
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.swap.swap_stage import NAMES, SwapStage

TARGET, NEXT, PREVIOUS = NAMES
SECONDS = 300  # for which the function may run


class LongStage(SwapStage):
    """A stage whose functions run for as long as swap-target may."""

    def ports(self) -> Ports:
        """Compose the ports of one invocation, which begins now."""
        ends_at = self.clock.now() + timedelta(seconds=SECONDS)

        def remaining_seconds() -> float:
            return (ends_at - self.clock.now()).total_seconds()

        return replace(super().ports(), remaining_seconds=remaining_seconds)


@pytest.mark.parametrize("name", [TARGET, NEXT])
def test_nothing_is_renamed_after_a_cancellation(name: str) -> None:
    """It comes while the swap waits for one of the clusters, which Aurora is changing."""
    stage = LongStage()
    old = stage.standing()[TARGET]
    stage.night()
    operation = stage.reach(State.SWAPPING)
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{name}"
    stage.aurora.set_status(arn, "modifying")
    looks: list[str] = []

    def look() -> None:
        looks.append(stage.state())
        if len(looks) == 20:
            stage.ports().operations.request_cancel(
                operation.operation_id, reason="wait", now=stage.clock.now(), event_id="cancel"
            )
            stage.aurora.set_status(arn, "available")

    stage.inject(look, call="rds.describe_db_clusters", times=999)
    ended = stage.run_until_ended(1)

    assert (State.CANCELLED, old) == (ended.state, stage.standing()[TARGET])
    assert [] == [
        call.method
        for call in stage.calls_of("modify_db_cluster")
        if "NewDBClusterIdentifier" in call.parameters
    ]

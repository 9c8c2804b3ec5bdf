"""What the checker sees of a swap: names, deletions, and what people are left with."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.facts import OldTarget
from chalicelib.flow.identifiers import retire_id
from chalicelib.flow.operation import Kind
from simulation.history import Holder, Stood
from tests.simulation.trace_builder import PLAN, TARGET, TraceBuilder, broken, names

SWAP = replace(PLAN, target=replace(PLAN.target, replacement="swap", keep_previous_hours=0))
OLD = OldTarget(resource_id="cluster-OLD", arn=TARGET, members=("staging-cluster-1",))
NAME, NEXT, PREVIOUS = SWAP.target.cluster_ids


class SwapTrace(TraceBuilder):
    """A night whose target is swapped, from the moment that its users are ready."""

    def __init__(self, operation_id: str = "night-1", **more: Any) -> None:
        super().__init__(operation_id, plan=SWAP, **more)

    def prepare(self) -> "SwapTrace":
        """Copy the snapshot and make the new cluster beside the old one."""
        made = {"old": OLD, "made_as": NEXT, "cluster_id": NEXT}
        self.copy().go(State.TARGET_CLEAR, facts={"target": made})
        shown = {"DBClusterIdentifier": NEXT, "DbClusterResourceId": "cluster-NEW"}
        tags = self._tags()
        self.call(
            "RestoreDBClusterFromSnapshot",
            {"DBCluster": {**shown, "TagList": tags}},
            DBClusterIdentifier=NEXT,
            Tags=tags,
        )
        known = {"target": {"cluster_resource_id": "cluster-NEW"}}
        self.go(State.CLUSTER_RESTORING, facts=known).go(State.CLUSTER_RESTORED)
        self.go(State.INSTANCES_CREATING).go(State.RESTORED)
        self.go(State.USERS_READY, facts={"users": {"production_logins_closed": True}})
        self.stand({NAME: "cluster-OLD", NEXT: "cluster-NEW"})
        return self

    def stand(self, holders: dict[str, str]) -> "SwapTrace":
        """Tell which clusters have which names."""
        found = {name: Holder(held, "available", serves=True) for name, held in holders.items()}
        self.entries.append(Stood(self.now, SWAP.target.region, found))
        return self

    def rename(self, resource_id: str, name: str, to: str, **how: Any) -> "SwapTrace":
        """Ask for another name."""
        details = {"DBClusterIdentifier": name, "DbClusterResourceId": resource_id}
        shown = {"DBCluster": {**details, "TagList": self._tags()}}
        self.call(
            "ModifyDBCluster",
            shown,
            DBClusterIdentifier=name,
            NewDBClusterIdentifier=to,
            ApplyImmediately=True,
            **how,
        )
        return self

    def swap(self) -> "SwapTrace":
        """Exchange the two, and prove a login at the name."""
        self.go(State.SWAPPING)
        self.rename("cluster-OLD", NAME, PREVIOUS)
        self.stand({PREVIOUS: "cluster-OLD", NEXT: "cluster-NEW"})
        self.rename("cluster-NEW", NEXT, NAME)
        self.stand({PREVIOUS: "cluster-OLD", NAME: "cluster-NEW"})
        self.go(State.TARGET_RENAMED).go(State.TARGET_OPEN)
        return self

    def retire(self, *, deleted: str = "cluster-OLD") -> TraceBuilder:
        """Delete the previous target, by an operation that holds no lock."""
        name = retire_id("night-1")
        kept = TraceBuilder(
            name, at=self.now, plan=SWAP, state=State.PREVIOUS_KEPT, kind=Kind.RETIRE
        )
        kept.entries.pop()  # the lock
        kept.go(State.PREVIOUS_DELETING, facts={"target": {"old": OLD}})
        kept.call(
            "DeleteDBCluster",
            {
                "DBCluster": {
                    "DBClusterIdentifier": PREVIOUS,
                    "DbClusterResourceId": deleted,
                    "TagList": kept._tags(),
                }
            },
            DBClusterIdentifier=PREVIOUS,
        )
        return kept


def fail(trace: SwapTrace) -> SwapTrace:
    """Let the swap fail, and its rollback end."""
    why: dict[str, Any] = {"reason": "The sky fell.", "remedy": "Put it up again."}
    trace.go(State.ROLLING_BACK, **why).go(State.FAILING, **why)
    trace.go(State.FAILED, notified=True, **why)
    return trace


def test_a_swap_and_its_retirement_break_nothing_of_what_clusters_are_promised() -> None:
    """The old cluster is renamed, then the new one, and the old one is deleted after the proof."""
    swapped = SwapTrace().prepare().swap()
    found = names(broken(swapped, swapped.retire()))

    assert set() == found & {
        "lock",
        "only-owned",
        "effect-once",
        "no-deletion-while-moving",
        "proven-first",
        "no-third-cluster",
        "target-kept",
    }


def test_a_deletion_in_the_middle_of_a_swap_is_seen() -> None:
    """Whoever deletes what, nothing of the target goes while its clusters change their names."""
    swapping = SwapTrace().prepare().go(State.SWAPPING)
    assert isinstance(swapping, SwapTrace)

    assert "no-deletion-while-moving" in names(broken(swapping, swapping.retire()))


def test_a_previous_target_that_goes_before_a_proof_is_seen() -> None:
    """The new cluster has the name, and nobody has logged in there."""
    swapped = SwapTrace().prepare()
    swapped.go(State.SWAPPING).go(State.TARGET_RENAMED)
    swapped.stand({PREVIOUS: "cluster-OLD", NAME: "cluster-NEW"})

    assert "proven-first" in names(broken(swapped, swapped.retire()))


@pytest.mark.parametrize("holders", [{}, {NAME: "cluster-THIRD"}, {NAME: "cluster-OLD"}])
def test_a_previous_target_that_goes_while_another_has_the_name_is_seen(
    holders: dict[str, str],
) -> None:
    """The proof was of a cluster that has lost the name since."""
    swapped = SwapTrace().prepare().swap().stand({"elsewhere": "cluster-NEW", **holders})

    assert "proven-first" in names(broken(swapped, swapped.retire()))


def test_a_third_cluster_that_is_renamed_is_seen() -> None:
    """Even one with our tag is neither the old cluster nor the new one."""
    trace = SwapTrace().prepare()
    trace.go(State.SWAPPING)
    found = broken(trace.rename("cluster-THIRD", NAME, PREVIOUS))

    assert "no-third-cluster" in names(found)


def test_a_name_that_is_nobodys_at_an_end_is_seen() -> None:
    """The old cluster lives under its other name."""
    trace = SwapTrace().prepare()
    trace.go(State.SWAPPING)
    trace.stand({PREVIOUS: "cluster-OLD", NEXT: "cluster-NEW"})

    assert any("is nobody's" in sentence for sentence in broken(fail(trace)))


def test_a_name_that_becomes_nobodys_after_an_end_is_seen_at_rest() -> None:
    """A rename that was asked for before shows only then."""
    trace = SwapTrace().prepare()
    trace.go(State.SWAPPING)
    ended = fail(trace).stand({PREVIOUS: "cluster-OLD", NEXT: "cluster-NEW"})

    assert any("is nobody's" in sentence for sentence in broken(ended))


def test_a_swap_that_leaves_people_without_a_target_for_too_long_is_seen() -> None:
    """It ends as it should, but hours later."""
    trace = SwapTrace().prepare()
    trace.go(State.SWAPPING)
    trace.stand({PREVIOUS: "cluster-OLD", NEXT: "cluster-NEW"})
    trace.now += timedelta(hours=2)
    trace.stand({NAME: "cluster-OLD", NEXT: "cluster-NEW"})

    assert any("no cluster served" in sentence for sentence in broken(fail(trace)))


def test_a_cluster_that_is_renamed_to_and_fro_is_seen() -> None:
    """In one visit of a state it goes to one name; asking for that again is no second effect."""
    trace = SwapTrace().prepare()
    trace.go(State.SWAPPING)
    again = trace.rename("cluster-OLD", NAME, PREVIOUS).rename("cluster-OLD", NAME, PREVIOUS)
    assert "effect-once" not in names(broken(again))

    assert "effect-once" in names(broken(again.rename("cluster-OLD", PREVIOUS, NAME)))


def test_a_name_for_a_cluster_that_production_can_open_is_seen() -> None:
    """Production's logins are disabled before anybody gets the new cluster."""
    trace = SwapTrace().prepare()
    trace.go(State.SWAPPING, facts={"users": {"production_logins_closed": None}})

    assert "logins-revoked" in names(broken(trace.rename("cluster-NEW", NEXT, NAME)))

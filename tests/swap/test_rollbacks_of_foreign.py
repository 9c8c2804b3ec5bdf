"""Rollbacks of clusters that others have or use by now: they stay as they are."""

from collections.abc import Callable
from functools import partial

import pytest

from chalicelib.flow.choreography import State
from chalicelib.flow.ownership import OWNER_TAG
from simulation.stage import ACCOUNT, TARGET_REGION
from tests.choreography.requests import adopt, disown
from tests.pointer.pointer_stage import A, PointerStage
from tests.refusals.refused_swaps import deployment, detached, integration
from tests.refusals.remedies import Deed
from tests.swap.swap_stage import NAMES, SwapStage, first_and_second

TARGET, _, PREVIOUS = NAMES
CLUSTERS = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:"


@pytest.mark.parametrize(
    ("make", "name", "role"),
    [
        (SwapStage, PREVIOUS, "previous target"),
        (SwapStage, TARGET, "target"),
        (PointerStage, TARGET, "previous target"),
    ],
)
def test_a_rollback_is_refused_where_a_cluster_is_not_the_plans_any_more(
    make: type[SwapStage], name: str, role: str
) -> None:
    """Neither another stage's cluster nor nobody's is renamed, and no pointer leads there."""
    stage = make()
    first_and_second(stage)
    before, changes = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    adopt(stage, TARGET_REGION, name, "other")
    stage.ask_back(stage.restores()[0], request_id="of-another")
    of_another = stage.notices()[-1]["reason"]
    disown(stage, name)
    stage.ask_back(stage.restores()[0], request_id="of-nobody")
    of_nobody = stage.notices()[-1]["reason"]

    assert of_another.startswith(f"The {role} {CLUSTERS}{name} belongs to test/other, not to ")
    assert of_nobody.startswith(f"The {role} {CLUSTERS}{name} does not carry our tag {OWNER_TAG}=")
    assert (before, 1) == (stage.standing(), len(stage.restores()))
    assert changes == len(stage.calls_of("modify_db_cluster"))


def meanwhile(deed: Deed) -> str:
    """Do something while a rollback starts the target, which a rename needs; gives its failure."""
    stage = SwapStage()
    first_and_second(stage)
    stage.rds().stop_db_cluster(DBClusterIdentifier=TARGET)
    stage.run(600)
    before, changes = stage.standing(), len(stage.calls_of("modify_db_cluster"))

    def happens() -> None:
        deed(stage)

    stage.inject(happens, call="rds.start_db_cluster", after_effect=True)
    stage.ask_back(stage.restores()[0])
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert before == stage.standing()
    assert changes == len(stage.calls_of("modify_db_cluster"))
    return str(ended.reason)


@pytest.mark.parametrize("name", [TARGET, PREVIOUS])
def test_a_rollback_asks_once_more_whose_the_clusters_are(name: str) -> None:
    """Somebody takes one while the target is started."""
    reason = meanwhile(lambda stage: adopt(stage, TARGET_REGION, name, "other"))

    assert "belongs to test/other, not to test/default" in reason


@pytest.mark.parametrize("attach", [integration, deployment])
@pytest.mark.parametrize("name", [TARGET, PREVIOUS])
def test_a_rollback_is_refused_while_something_hangs_on_a_cluster(
    attach: Callable[[str], Deed], name: str
) -> None:
    """AWS would not rename it, and the target's name would be nobody's for half an hour."""
    stage = SwapStage()
    old, _ = first_and_second(stage)
    before, changes = stage.standing(), len(stage.calls_of("modify_db_cluster"))
    attach(name)(stage)
    stage.ask_back(stage.restores()[0], request_id="first")

    assert "AWS may neither delete nor rename a cluster in use" in stage.notices()[-1]["reason"]
    assert f"{CLUSTERS}{name}" in stage.notices()[-1]["reason"]
    assert (before, 1) == (stage.standing(), len(stage.restores()))
    assert changes == len(stage.calls_of("modify_db_cluster"))
    detached(stage)
    stage.ask_back(stage.restores()[0], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    assert old == stage.standing()[TARGET]


@pytest.mark.parametrize("name", [TARGET, PREVIOUS])
def test_a_rollback_asks_once_more_what_hangs_on_the_clusters(name: str) -> None:
    """Somebody makes a deployment of one while the target is started."""
    reason = meanwhile(deployment(name))

    assert "the source of the blue/green deployment bgd-one" in reason


def test_pointers_ask_once_more_whose_the_previous_target_is() -> None:
    """Somebody takes it while it is started."""
    stage = PointerStage(STOP_PREVIOUS="true")
    first_and_second(stage)
    stage.run(1800)
    taken = partial(adopt, stage, TARGET_REGION, TARGET, "other")
    stage.inject(taken, call="rds.start_db_cluster", after_effect=True)
    stage.ask_back(stage.restores()[0])
    ended = stage.run_until_ended(2)

    assert State.FAILED is ended.state
    assert f"The previous target {CLUSTERS}{TARGET} belongs to test/other" in str(ended.reason)
    assert stage.all_name(A) == stage.pointed()

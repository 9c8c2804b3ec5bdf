"""The contract of our own events: users build on them, so their shape is a promise."""

from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from chalicelib.flow.choreography import MOVING, ROWS, Phase, State
from simulation.stage import APP, MASTER_PASSWORD, PRODUCTION_PASSWORD, TOPIC, SimulatedStage
from tests.pointer.pointer_stage import PointerStage
from tests.swap.swap_stage import SwapStage

_EXACT = ConfigDict(extra="forbid", strict=True)


class Announced(BaseModel):
    """Every announcement."""

    model_config = _EXACT

    operation_id: str
    plan: str
    stage: str
    state: str
    version: int


class Lasted(BaseModel):
    """How long one state lasted."""

    model_config = _EXACT

    step: str
    state: str
    to: str
    started_at: str
    seconds: float
    own_seconds: float


class Ended(Announced):
    """The announcement of an end. None stands for what never came to be."""

    source_cluster: str
    target_cluster: str
    previous_cluster: str | None
    previous_kept_until: str | None
    snapshot: str | None
    snapshot_created_at: str | None
    endpoint: str | None
    reader_endpoint: str | None
    port: int | None
    master_credentials_secret_id: str
    app_credentials_secret_id: str
    production_logins_closed: bool | None
    production_logins_kept: list[str]
    exposure_seconds_max: float | None
    quieted: dict[str, int]
    not_carried: list[str]
    reason: str | None
    remedy: str | None
    problems: list[str]
    failed_step: str | None
    stopped_in: str | None
    warnings: list[str]
    notified: bool | None
    rerun_of: str | None
    keeps_cluster: bool
    created_at: str
    ended_at: str
    durations: list[Lasted]


NOT_EVERY_NIGHT = {State.HOP_COPIED, State.FAILING, State.CANCELLING, State.SKIPPING}
ON_THE_WAY = [
    row.state
    for row in ROWS.values()
    if row.phase is not Phase.RETIRE
    and row.state not in NOT_EVERY_NIGHT
    and (row.step or row.state is State.SUCCEEDED)
]


def announced(stage: SimulatedStage) -> list[tuple[str, dict[str, Any]]]:
    """List what the stage announced, in order."""
    ours = [
        event
        for event in stage.delivered
        if event["source"] == "aurora-restore.test" and "state" in event["detail"]
    ]
    return [(event["detail-type"], event["detail"]) for event in ours]


@cache
def ended(*, how: State) -> SimulatedStage:
    """Give a stage on which an operation came to an end of a kind.

    Only looked at, since tests share it.
    """
    return end_one(how=how)


def end_one(*, how: State) -> SimulatedStage:
    """Let an operation come to an end of a kind."""
    stage = SimulatedStage()
    stage.staging()
    if how is State.FAILED:
        stage.secrets.delete_secret(SecretId="aurora-restore/test/app-db-credentials")
    stage.night()
    if how in {State.CANCELLED, State.SKIPPED}:
        stage.run(400)
        if how is State.CANCELLED:
            stage.put(
                "CancelRequested", operation_id=stage.only().operation_id, reason="not tonight"
            )
        else:
            stage.put("RestoreRequested")
    stage.run_to_the_end()
    return stage


ENDS = pytest.mark.parametrize(
    "end", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED]
)


@ENDS
def test_every_announcement_has_exactly_the_promised_fields(end: State) -> None:
    """Those of the ends carry how it went; the others say only whose turn it is."""
    for detail_type, detail in announced(ended(how=end)):
        terminal = ROWS[State(detail["state"])].step is None
        (Ended if terminal else Announced).model_validate(detail)

        assert ROWS[State(detail["state"])].event == detail_type


@ENDS
def test_the_end_is_announced_once_with_what_people_need(end: State) -> None:
    """Whoever waits for it gets the data's age, the endpoint, or the reason."""
    stage = ended(how=end)
    ((detail_type, detail),) = [
        announcement for announcement in announced(stage) if announcement[1]["state"] == end
    ]

    assert ROWS[end].event == detail_type
    assert (end is not State.SUCCEEDED) == (detail["remedy"] is not None)
    assert (end is not State.SUCCEEDED) == (detail["reason"] is not None)
    assert (end is State.SUCCEEDED) == (detail["endpoint"] is not None)
    assert True is detail["notified"]


def test_a_good_night_announces_every_state_in_the_order_of_the_flow() -> None:
    """Some more than once, since the heartbeat announces again what is waited for."""
    stage = ended(how=State.SUCCEEDED)
    states = list(dict.fromkeys(detail["state"] for _, detail in announced(stage)))

    assert [state for state in ON_THE_WAY if state not in MOVING] == states


OF_DELETIONS = {State.NETWORK_REACHED, State.TARGET_DELETING}
OF_POINTERS = {State.TARGET_STARTING, State.TARGET_CHOSEN, State.TARGET_PROVEN}


def test_a_moved_pointer_announces_every_state_in_the_order_of_the_flow() -> None:
    """Nothing is renamed, and the old cluster serves until the new one is named."""
    stage = PointerStage()
    unusual = {State.TARGET_STARTING, *OF_DELETIONS, *(MOVING - OF_POINTERS)}

    assert [state for state in ON_THE_WAY if state not in unusual] == of_a_night(stage)


def test_a_swap_announces_every_state_in_the_order_of_the_flow() -> None:
    """The operation that deletes the old cluster announces its own states besides."""
    stage = SwapStage()
    of_pointers = OF_POINTERS - {State.TARGET_CHOSEN}
    unusual = {State.TARGET_RESTARTING, State.ROLLING_BACK, *OF_DELETIONS, *of_pointers}

    assert [state for state in ON_THE_WAY if state not in unusual] == of_a_night(stage)


def of_a_night(stage: SwapStage | PointerStage) -> list[str]:
    """Play a night, and list the states that its own operation announced, each once."""
    operation = stage.run_night()
    ours = [
        detail["state"]
        for _, detail in announced(stage)
        if detail["operation_id"] == operation.operation_id
    ]
    return list(dict.fromkeys(ours))


def test_a_swap_and_the_end_of_the_previous_target_have_the_promised_fields() -> None:
    """Until when people can go back, and that the previous target is gone after that."""
    stage = SwapStage()
    old = stage.standing()["staging-cluster"]
    stage.run_night()
    stage.run(14 * 3600)
    ends = {detail["state"]: Ended.model_validate(detail) for detail in _ends(stage)}

    assert {"SUCCEEDED", "RETIRED"} == set(ends)
    assert [old, old] == [end.previous_cluster for end in ends.values()]
    assert ends["SUCCEEDED"].previous_kept_until is not None


def _ends(stage: SimulatedStage) -> list[dict[str, Any]]:
    return [detail for _, detail in announced(stage) if "created_at" in detail]


def test_a_success_carries_what_can_be_connected_to_and_where_the_passwords_are() -> None:
    """A success carries endpoints and the ids of secrets, and no secret."""
    stage = ended(how=State.SUCCEEDED)
    detail = announced(stage)[-1][1]
    expected = (
        "aurora-restore/test/master-db-credentials",
        "aurora-restore/test/app-db-credentials",
    )

    assert expected == (detail["master_credentials_secret_id"], detail["app_credentials_secret_id"])
    assert "2026-11-23T03:19:00.000Z" == detail["snapshot_created_at"]
    assert detail["endpoint"] != detail["reader_endpoint"] or detail["port"]
    secrets = {MASTER_PASSWORD, PRODUCTION_PASSWORD, APP["app_password"], APP["readonly_password"]}
    assert not [
        secret
        for secret in secrets
        if secret in f"{stage.delivered} {stage.topics.published(TOPIC)}"
    ]


def test_the_durations_of_a_success_add_up_to_the_time_it_took() -> None:
    """The durations of the steps add up to the time of the whole restore."""
    stage = ended(how=State.SUCCEEDED)
    operation = stage.only()
    total = (operation.entered_at - operation.created_at).total_seconds()

    assert pytest.approx(total) == sum(duration.seconds for duration in operation.durations)
    assert 0 <= sum(duration.own_seconds for duration in operation.durations) <= total

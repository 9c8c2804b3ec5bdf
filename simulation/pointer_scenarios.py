"""Scenes of targets that pointers lead to: nights, rollbacks, and what people do meanwhile."""

import json
from functools import partial

from chalicelib.flow.choreography import ROWS, Phase, State
from simulation import actions, swap_actions
from simulation.in_memory_services import ZONE
from simulation.pointed_clusters import FOLDER
from simulation.scene import FAILS, GOOD, STOPS, Incident, Scenario, at, night
from simulation.settings import APP_SECRET
from simulation.simulation import Simulation
from simulation.swap_actions import later, to
from simulation.swap_scenarios import after_a_night, at_each_state

S = State
POINTER = {
    "REPLACEMENT": "pointer",
    "KEEP_PREVIOUS_HOURS": "0",
    "TARGET_DNS_NAME": "staging.db.example",
    "TARGET_DNS_ZONE_ID": ZONE,
}
KEPT = {**POINTER, "KEEP_PREVIOUS_HOURS": "1"}
LONG_KEPT = {**POINTER, "KEEP_PREVIOUS_HOURS": "24"}
ANY = frozenset({S.RETIRED, S.CANCELLED, S.FAILED})  # of retirements, where people interfere
OF_POINTERS = frozenset(
    {
        S.SNAPSHOT_READY,
        S.USERS_READY,
        S.TARGET_STARTING,
        S.TARGET_CHOSEN,
        S.TARGET_PROVEN,
        S.ROLLING_BACK,
        S.TARGET_OPEN,
        *(state for state, row in ROWS.items() if row.phase is Phase.RETIRE),
    }
)
IN_A_MOVE = (S.USERS_READY, S.TARGET_CHOSEN, S.TARGET_PROVEN, S.TARGET_OPEN)


# --- what happens ---


def refused_write(method: str) -> Incident:
    """Let AWS refuse a call until the operation is rolling back."""

    def happens(simulation: Simulation, operation_id: str) -> None:
        def refuses(called: str, _parameters: object) -> str | None:
            is_forward = simulation.states[operation_id] is S.TARGET_PROVEN
            return "AccessDeniedException" if called == method and is_forward else None

        simulation.functions.refuses = refuses

    return happens


def new_password(simulation: Simulation, _operation_id: str) -> None:
    """Let a person change the application's password, in a new version of the secret."""
    secrets = simulation.stage.secrets
    value = json.loads(secrets.get_secret_value(SecretId=APP_SECRET)["SecretString"])
    changed = json.dumps({**value, "readonly_password": "Another-0-read-password"})
    secrets.put_secret_value(SecretId=APP_SECRET, SecretString=changed)


def removed_parameter(simulation: Simulation, _operation_id: str) -> None:
    """Let a person delete a parameter that the app wrote."""
    simulation.stage.parameters.delete_parameters(Names=[f"{FOLDER}endpoint"])


def after_two_nights(simulation: Simulation) -> None:
    """Let two nights have made both clusters; both of them are kept."""
    swap_actions.after_a_swap(simulation)
    simulation.stage.clock.advance(3600)
    simulation.stage.night()
    swap_actions.until_ended(simulation, 2)


_after = partial(after_a_night, environment=KEPT, searched=OF_POINTERS)
CORE: tuple[Scenario, ...] = (
    Scenario("pointer", night, environment=POINTER, searched=OF_POINTERS),
    Scenario(
        "pointer-first-night",
        night,
        environment=POINTER,
        furnish=actions.nothing,
        searched=OF_POINTERS,
        every=2,
    ),
    _after("pointer-takes-turns", night, 2, every=3),
    _after("pointer-rollback", swap_actions.roll_back, 2, retirements=ANY, every=2),
    Scenario("pointer-cancelled-too-late", at(S.TARGET_OPEN, actions.cancel), environment=POINTER),
    Scenario(
        "cancelled-pointer",
        at(S.TARGET_PROVEN, later(6, actions.cancel)),
        (STOPS,),
        GOOD,
        environment=POINTER,
        searched=OF_POINTERS,
        every=2,
    ),
    Scenario(
        "refused-pointer",
        at(S.TARGET_PROVEN, refused_write("put_parameter")),
        (FAILS,),
        environment=POINTER,
        searched=OF_POINTERS,
        every=2,
    ),
)
PEOPLE: tuple[Scenario, ...] = (
    _after(
        "pointer-makes-room",
        night,
        3,
        least=3,
        environment=LONG_KEPT,
        furnish=after_two_nights,
    ),
    _after("pointer-rollback-twice", swap_actions.roll_back_twice, 3, retirements=ANY),
    _after("pointer-kept-for-good", swap_actions.keep_previous, 1, retirements=STOPS),
    _after(
        "pointer-rollback-of-stopped",
        swap_actions.roll_back,
        2,
        retirements=ANY,
        environment={**KEPT, "STOP_PREVIOUS": "true"},
    ),
    Scenario(
        "unproven-pointer",
        at(S.TARGET_CHOSEN, swap_actions.locked_users),
        (FAILS,),
        environment=POINTER,
    ),
    Scenario(
        "cancelled-first-pointer",
        at(S.TARGET_PROVEN, later(6, actions.cancel)),
        (STOPS,),
        GOOD,
        environment=POINTER,
        furnish=actions.nothing,
    ),
    Scenario(
        "pointer-left-over",
        at(S.RESTORED, swap_actions.left_over),
        (STOPS, GOOD),
        GOOD,
        2,
        environment=POINTER,
    ),
    *(
        Scenario(
            f"refused-{method}",
            at(S.TARGET_PROVEN, refused_write(method)),
            (FAILS,),
            environment=POINTER,
        )
        for method in (
            "put_secret_value",
            "update_secret_version_stage",
            "change_resource_record_sets",
            "get_change",
        )
    ),
)
MEANWHILE: tuple[Scenario, ...] = tuple(
    Scenario(
        f"pointer-{name}+{seconds}",
        at(S.TARGET_PROVEN, later(seconds, then) if seconds else then),
        (GOOD | FAILS,),
        environment=POINTER,
        retirements=ANY,
    )
    for name, then in (
        *(
            (f"{which}-{how}", to(which, getattr(swap_actions, how)))
            for how in ("deleted", "stopped", "modified", "failed")
            for which in ("old", "new")
        ),
        ("stale", swap_actions.stale_answers),
        ("password", new_password),
        ("parameter", removed_parameter),
    )
    for seconds in (0, 6)
)
AT_EACH_STATE = at_each_state("pointer", IN_A_MOVE, POINTER)
SCENES = (*CORE, *PEOPLE, *MEANWHILE, *AT_EACH_STATE)

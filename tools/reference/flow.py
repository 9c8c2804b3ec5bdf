"""The flow in the docs: the table, its two pictures, and the events of RDS that count."""

from chalicelib.flow.choreography import (
    CHOREOGRAPHY,
    REQUESTED,
    ROWS,
    START_STEP,
    STEPS,
    TERMINAL,
    State,
)
from chalicelib.flow.rds_event_ids import SNAPSHOT, STARTING_EVENTS, RdsEvent
from tools.reference.tables import code, table

# Of each kind of operation.
_BEGINNINGS = (State.ACCEPTED, State.SWAPPING, State.TARGET_STARTING, State.PREVIOUS_KEPT)
_DEADLINES = {"previous_deadline": ("KEEP_PREVIOUS_HOURS", "DELETE_DEADLINE")}  # their sum
_STOPS = (State.FAILING, State.CANCELLING)  # they can be entered from every open state


def picture() -> str:
    """Draw the flow between steps: every arrow is an event, named as it stands on the bus."""
    stops = ", ".join(ROWS[state].event for state in _STOPS)
    ends = ", ".join(ROWS[state].event for state in ROWS if state in TERMINAL)
    lines = [
        f'    aurora([Aurora]) -- "{SNAPSHOT}" --> {START_STEP}',
        f'    people([people]) -- "{REQUESTED}" --> {START_STEP}',
        *(
            f'    {step} -- "{", ".join(names)}" --> {after}'
            for (step, after), names in _arrows().items()
        ),
        f'    any([any step]) -- "{stops}" --> {STEPS[-1]}',
        f'    {STEPS[-1]} -- "{ends}" --> rules([your own rules])',
    ]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def _arrows() -> dict[tuple[str, str], list[str]]:
    """Collect the events that lead from one step to another, in the order of the flow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in CHOREOGRAPHY:
        for after in map(ROWS.__getitem__, row.leads_to):
            if row.step and after.step and row.step != after.step:
                names = arrows.setdefault((row.step, after.step), [])
                names += [after.event] if after.event not in names else []
    return arrows


def choreography() -> str:
    """Write the whole table: one row for each state."""
    heads = [
        "state",
        "event",
        "RDS events",
        "step = Lambda",
        "next states",
        "deadline",
        "on giving up",
    ]
    open_rows = [
        [
            code(row.state),
            code(row.event),
            ", ".join(dict.fromkeys(code(event.event_id) for event in row.rds_events)),
            code(row.step),
            ", ".join(map(code, row.leads_to)),
            ", ".join(code(name) for name in _DEADLINES.get(row.deadline, (row.deadline.upper(),))),
            code(row.on_giving_up),
        ]
        for row in CHOREOGRAPHY
        if row.step
    ]
    ends = [
        [code(row.state), code(row.event), "", "", "terminal", "", ""]
        for row in CHOREOGRAPHY
        if not row.step
    ]
    return table(heads, [*open_rows, *ends])


def diagram() -> str:
    """Draw the states. What leads to the same place from everywhere is drawn once."""
    lines = [f"    [*] --> {state}" for state in _BEGINNINGS]
    for row in CHOREOGRAPHY:
        back = [state for state in (row.on_giving_up,) if row.step and state is State.ROLLING_BACK]
        ends = [str(state) for state in (*row.leads_to, *back)] or ["[*]"]
        lines += [f"    {row.state} --> {end}" for end in ends]
    lines.append('    state "any state that can be cancelled" as OPEN')
    lines += [f"    OPEN --> {state}" for state in _STOPS]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def rds_events() -> str:
    """List the events of RDS that count, with what each of them does here."""
    starts = [
        _event_row(event, f"starts an operation ({code(START_STEP)})") for event in STARTING_EVENTS
    ]
    wakes = [
        _event_row(event, f"invokes {code(row.step)} in {code(row.state)}")
        for row in CHOREOGRAPHY
        for event in row.rds_events
    ]
    return table(["event", "detail-type", "message begins with", "effect"], [*starts, *wakes])


def _event_row(event: RdsEvent, does: str) -> list[str]:
    return [code(event.event_id), event.detail_type, event.message, does]

"""The short story of a run that went wrong.

What was done at which call, what became of it, and what broke.
"""

from collections.abc import Iterator
from datetime import datetime

from simulation import faults
from simulation.history import Announced, Called, Wrote
from simulation.instrumented import READS
from simulation.recorder import InjectedFault
from simulation.run import Run
from simulation.simulation import Simulation

FAULT = "FAULT"
LAST = 40  # lines: what led to the end, besides what every fault befell
_WORDS = {
    faults.THROTTLED: "is throttled",
    faults.ERROR: "fails before it does anything",
    faults.LOST: "is obeyed, and the reply is lost",
    faults.REPEATED: "is obeyed, the reply is lost, and it is repeated",
    faults.UNTAKEN: "is answered that no entry was taken",
    faults.CRASH_BEFORE: "is never made: the function dies",
    faults.CRASH_AFTER: "is obeyed, and the function dies",
    faults.DUPLICATE: "hangs while a duplicate runs to its end",
    faults.HEARTBEAT: "hangs while the heartbeat runs",
    faults.EVERYTHING: "hangs while everything else goes on",
    faults.DROPPED: "is lost",
    faults.DOUBLED: "comes twice",
    faults.LATE: "comes minutes late",
    faults.REORDERED: "comes after what followed it",
    faults.STALE: "shows the index as it was a write ago",
    faults.LAGGING: "is obeyed, and the status from before goes on to be described",
}


def story(run: Run) -> str:
    """Tell a run whose simulation was kept, as lines."""
    told = list(_shortened(list(_told(run.simulation)))) if run.simulation else []
    broken = [f"  BROKEN {violation}" for violation in run.broken]
    return "\n".join(
        [
            f"{run.scene} with {len(run.schedule)} faults:",
            *told,
            *broken,
            f"  replay: {_command(run)}",
        ]
    )


def _shortened(lines: list[str]) -> Iterator[str]:
    """Keep the faults, each with the line before it and after it, and the end."""
    near = {number + by for number, line in enumerate(lines) if FAULT in line for by in (-1, 0, 1)}
    left = 0
    for number, line in enumerate(lines):
        if number in near or number >= len(lines) - LAST:
            if left:
                yield f"  … {left} lines"
            left = 0
            yield line
        else:
            left += 1


def _command(run: Run) -> str:
    return f"make prove REPLAY='{run.line}'"


def _told(simulation: Simulation) -> Iterator[str]:
    for entry in simulation.recorder.entries:
        if what := _line(entry):
            yield f"  {_clock(entry.at)} {what}"


def _clock(moment: datetime) -> str:
    return f"{moment:%d %H:%M:%S}"


def _line(entry: object) -> str:
    if isinstance(entry, InjectedFault):
        return f"{FAULT}  {entry.site} {_WORDS[entry.fault]}"
    if isinstance(entry, Called) and not entry.action.lower().startswith(
        tuple(read.strip("_") for read in READS)
    ):
        named = next(
            (str(value) for key, value in entry.parameters.items() if key.endswith("Identifier")),
            "",
        )
        return f"{entry.by} calls {entry.action} {named}{f': {entry.error}' if entry.error else ''}"
    if isinstance(entry, Wrote) and entry.table == "audit":
        row = entry.item
        return (
            f"{row.get('operation_id')} {row.get('from_state', 'nothing')} -> "
            f"{row.get('to_state')}: {row.get('what')}"
        )
    return f"the bus takes {entry.detail_type}" if isinstance(entry, Announced) else ""

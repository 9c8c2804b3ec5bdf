"""A run that was written as a line is the same run again, judged in the same ways."""

from simulation import faults
from simulation.history import Violation
from simulation.injector import parse_run, scripted
from simulation.run import Run, play
from simulation.scenarios import SCENARIOS

OWN_WRITES = frozenset({"dynamodb.claim", "dynamodb._write_state"})


def replayed(line: str) -> Run:
    """Play a line again, with all that is judged of any run.

    Raises ValueError with a sentence for one that is none.
    """
    scene, schedule, storm = parse_run(line)
    if scene not in SCENARIOS:
        raise ValueError(f"There is no scene {scene}; there are {', '.join(sorted(SCENARIOS))}.")
    run = play(SCENARIOS[scene], scripted(schedule), any_end=storm, level="INFO", keep=True)
    return run if storm else judged_by_time(run, play(SCENARIOS[scene], scripted(())))


def judged_by_time(run: Run, base: Run) -> Run:
    """Hold a run against the one without a fault.

    Botocore's second claim or change of state costs no time.

    It is told that the condition failed, and would wait for the heartbeat if it did not know its
    own write.
    """
    known = [run.asked[number].site.what.split("/")[0] in OWN_WRITES for number, _ in run.schedule]
    answered = {fault for _, fault in run.schedule} == {faults.REPEATED} and all(known)
    if answered and not run.broken and run.seconds > base.seconds:
        late = f"A write whose reply was lost and repeated cost {run.seconds - base.seconds:.0f} s."
        run.broken.append(Violation("costs-nothing", late))
    return run

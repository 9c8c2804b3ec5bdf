"""How long a wait lasts: what Aurora does is looked at by what is known of its end, and trouble is backed off from.

A look is one or two calls of an API whose request rate a whole account shares, so it is made when
it is likely to find something: half of what is left is waited for, so that looks are rare far from
the end and close together near it. What is known only spaces looks, it decides nothing: a wrong
guess costs time, and at most `SPACING_MAX_SECONDS` of it.
"""

from datetime import datetime

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation

SPACING_MAX_SECONDS = (
    3600  # what a wrong guess may cost, where more than twice as much seemed to be left
)
# Within these an announcement wakes the step that looks at what was begun: there is nothing to be
# seen yet.
JUST_BEGUN_SECONDS = 5
BACKOFF_MAX_SECONDS = 300
FRACTION_OF_REMAINING = (
    1 / 2
)  # each look halves what is left, so their number grows with its logarithm only
UNPROVEN_SECONDS = (
    600  # as long as history may be believed before what is watched has shown anything itself
)
SHARE_OF_ELAPSED = 1 / 2  # after that, history costs half of the time that has passed at most
FRACTION_OF_OVERRUN = (
    1 / 8
)  # what is late, or says nothing of its end, is late by an eighth more at most when it is seen


def too_early_to_poll(operation: Operation, now: datetime) -> bool:
    """Tell whether what is waited for was begun a moment ago, by the step before, so that a look would be in vain."""
    begun_here = (
        operation.version > 1 and operation.rerun_of is None
    )  # a rerun adopts what may be there since long ago
    young = (now - operation.entered_at).total_seconds() < JUST_BEGUN_SECONDS
    return begun_here and young and operation.attempts == 1


def seconds_to_next_poll(operation: Operation, now: datetime) -> float:
    """Say in how many seconds to look again at what Aurora is doing.

    The runner ends every wait at its deadline.
    """
    plan, facts = operation.plan, operation.facts
    elapsed, lasted = (
        (now - operation.entered_at).total_seconds(),
        operation.expected_durations.get(operation.state),
    )
    if operation.state is not State.COPYING:
        return poll_interval(plan.target.restore_check_interval, elapsed, lasted)
    moving = (
        now - max(operation.entered_at, facts.copies.queued_until or operation.entered_at)
    ).total_seconds()
    return poll_interval(
        plan.copies.copy_check_interval,
        elapsed,
        lasted,
        progress=facts.copies.progress,
        moving=moving,
    )


def poll_interval(
    shortest: float,
    elapsed: float,
    lasted: float | None = None,
    *,
    progress: int | None = None,
    moving: float = 0,
) -> float:
    """Space looks, in seconds, by how long something has taken and its like took before, and by its progress.

    `progress` is in per cent and was made in the last `moving` seconds: what queues has none. Where
    nothing is known the shortest spacing holds, since it is then the only thing that keeps a wait
    from being seen late.
    """
    rest = _estimate_remaining(elapsed, lasted, progress, moving)
    if rest is None:
        return shortest
    share = rest * FRACTION_OF_REMAINING if rest > 0 else -rest * FRACTION_OF_OVERRUN
    longest = SPACING_MAX_SECONDS if progress else _believed(elapsed)
    return max(shortest, min(share, longest))


def _believed(elapsed: float) -> float:
    """Bound a wait that rests on other nights alone: one of them may have been six hours instead of minutes."""
    return min(SPACING_MAX_SECONDS, max(UNPROVEN_SECONDS, elapsed * SHARE_OF_ELAPSED))


def _estimate_remaining(
    elapsed: float, lasted: float | None, progress: int | None, moving: float
) -> float | None:
    """Guess the seconds that are left, below zero how late it is; None where nothing is known.

    The nearer of two guesses counts, unless it lies behind us and progress says that there is more
    to come. What queues for the first time ever is as good as late from its beginning: a queue may
    last for hours.
    """
    by_history = None if lasted is None else lasted - elapsed
    if not progress:
        return -elapsed if by_history is None and progress == 0 else by_history
    by_progress = moving * (100 - progress) / progress
    return (
        min(by_history, by_progress) if by_history is not None and by_history > 0 else by_progress
    )


def backoff(operation: Operation) -> float:
    """Second of the three levels of retries: doubling from the plan's shortest spacing between looks, in seconds."""
    shortest = min(
        operation.plan.copies.copy_check_interval, operation.plan.target.restore_check_interval
    )
    return float(min(shortest * 2 ** min(operation.transient_errors, 10), BACKOFF_MAX_SECONDS))

"""How long a wait lasts: the time to the next poll of Aurora, and the backoff after an error.

A poll is one or two calls of an API whose request rate a whole account shares, so it is made when
it is likely to find something. Each wait lasts half of the time that is estimated to remain: polls
are rare far from the end and frequent near it. The estimate spaces polls and decides nothing else:
a wrong one costs time, at most `SPACING_MAX_SECONDS`.
"""

from datetime import datetime

from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation

# The longest wait, whatever the estimate.
SPACING_MAX_SECONDS = 3600
# The announcement of a state wakes the step that polls: so soon there is nothing to see.
JUST_BEGUN_SECONDS = 5
BACKOFF_MAX_SECONDS = 300
# Each wait halves the remaining time, so the number of polls grows with its logarithm only.
FRACTION_OF_REMAINING = 1 / 2
# The longest wait by history alone, before the present work has shown any progress itself.
UNPROVEN_SECONDS = 600
# Later, history alone makes a wait at most half as long as the time that has passed.
SHARE_OF_ELAPSED = 1 / 2
# Overdue work, or work without any estimate, is noticed at most an eighth of its time too late.
FRACTION_OF_OVERRUN = 1 / 8


def too_early_to_poll(operation: Operation, now: datetime) -> bool:
    """Tell whether the step before began the awaited work just now, so that a poll is in vain."""
    # A rerun adopts what may have been there for long.
    begun_here = operation.version > 1 and operation.rerun_of is None
    young = (now - operation.entered_at).total_seconds() < JUST_BEGUN_SECONDS
    return begun_here and young and operation.attempts == 1


def seconds_to_next_poll(operation: Operation, now: datetime) -> float:
    """Say in how many seconds to poll Aurora again.

    The runner ends every wait at its deadline.
    """
    plan, facts = operation.plan, operation.facts
    elapsed = (now - operation.entered_at).total_seconds()
    lasted = operation.expected_durations.get(operation.state)
    if operation.state is not State.COPYING:
        return poll_interval(plan.target.restore_check_interval, elapsed, lasted)
    moving_since = max(operation.entered_at, facts.copies.queued_until or operation.entered_at)
    moving = (now - moving_since).total_seconds()
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
    """Give the seconds to the next poll, by the time elapsed, earlier durations and the progress.

    `progress` is in per cent and was made in the last `moving` seconds; queued work has none. Where
    nothing is known the shortest interval is used, since nothing else keeps the end from being
    noticed late.
    """
    rest = _estimate_remaining(elapsed, lasted, progress, moving)
    if rest is None:
        return shortest
    share = rest * FRACTION_OF_REMAINING if rest > 0 else -rest * FRACTION_OF_OVERRUN
    longest = SPACING_MAX_SECONDS if progress else _believed(elapsed)
    return max(shortest, min(share, longest))


def _believed(elapsed: float) -> float:
    """Bound a wait that follows from earlier nights alone.

    One of them may have taken hours instead of minutes.
    """
    return min(SPACING_MAX_SECONDS, max(UNPROVEN_SECONDS, elapsed * SHARE_OF_ELAPSED))


def _estimate_remaining(
    elapsed: float, lasted: float | None, progress: int | None, moving: float
) -> float | None:
    """Estimate the remaining seconds, negative where it is overdue; None where nothing is known.

    The smaller of two estimates counts, unless it is negative and the progress shows that work
    remains. Work that is queued, and has no history, counts as overdue from its beginning: a queue
    may last for hours.
    """
    by_history = None if lasted is None else lasted - elapsed
    if not progress:
        return -elapsed if by_history is None and progress == 0 else by_history
    by_progress = moving * (100 - progress) / progress
    if by_history is None or by_history <= 0:
        return by_progress
    return min(by_history, by_progress)


def backoff(operation: Operation) -> float:
    """Give the seconds to the runner's next retry, which double from the plan's shortest interval.

    These are the second of the three levels of retries: botocore, runner, heartbeat.
    """
    plan = operation.plan
    shortest = min(plan.copies.copy_check_interval, plan.target.restore_check_interval)
    return float(min(shortest * 2 ** min(operation.transient_errors, 10), BACKOFF_MAX_SECONDS))

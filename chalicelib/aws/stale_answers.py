"""How long an answer of AWS may be out of date, and when the absence of something is believed.

RDS's answers are eventually consistent (RDS API reference, troubleshooting).
"""

from datetime import timedelta

ABSENT_FOR = timedelta(minutes=5)
"""What is not found for so long is gone: for an end, or for what ends a cluster's time."""
SURE_AFTER = timedelta(minutes=2)
"""What a rollback still sees after so long is so; its deadline allows for no more."""


def is_sure(waited: timedelta, deadline: timedelta) -> bool:
    """Tell whether what is seen since a rollback began is no stale answer any more."""
    return waited > min(SURE_AFTER, deadline / 2)

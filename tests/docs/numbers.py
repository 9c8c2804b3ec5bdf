"""The numbers that the pages tell in sentences: each phrase is written here with the value of the
code in it.
"""

import re
from datetime import timedelta
from typing import Any, Final

from aurora_restore.stages import FUNCTIONS
from chalicelib import ports
from chalicelib.aws.secrets import MasterCredentials
from chalicelib.aws.stale_answers import SURE_AFTER
from chalicelib.flow import polling, text_limits
from chalicelib.flow.errors import STATE_FAULT_MAX
from chalicelib.flow.plan import default_of
from chalicelib.messages import event_age
from chalicelib.records import targets
from chalicelib.runtime import heartbeat, lease, runner
from chalicelib.settings import PLAN_NAME, Settings
from chalicelib.target.patience import LOOK_SECONDS
from demo.availability import MARGIN_SECONDS
from demo.steady_client import QUERY_SECONDS
from demo.time_limits import NIGHT_SECONDS
from localaws import pool
from tests.docs.readme import ROOT
from tests.infra.templates import section

WORDS: Final = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_FRACTIONS: Final = {1 / 2: "half", 1 / 4: "a quarter", 1 / 8: "an eighth"}


def word(number: float) -> str:
    """Write a small whole number as a word, and any other in digits."""
    return WORDS[int(number)] if number == int(number) and number < len(WORDS) else f"{number:,.0f}"


def fraction(share: float) -> str:
    """Write a share as a word; KeyError for one that has none here."""
    return _FRACTIONS[share]


def span(length: timedelta | float) -> str:
    """Write a time, in seconds where it is a number, with its largest whole unit."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % size == 0:
            count = seconds / size
            return (
                f"{'an' if unit == 'hour' else 'a'} {unit}"
                if count == 1
                else f"{word(count)} {unit}s"
            )
    raise ValueError(f"{seconds} seconds are no whole number of anything.")


def alarm(name: str) -> dict[str, Any]:
    """Find an alarm of the foundation by the section of the runbook that its description names."""
    resources = section(ROOT / "infra" / "foundation.yaml", "Resources").values()
    (found,) = (
        resource["Properties"]
        for resource in resources
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        and f"#{name}." in resource["Properties"]["AlarmDescription"]
    )
    return dict(found)


def periods(name: str) -> str:
    """Write how many periods an alarm of several metrics takes, and the length of a period."""
    found = alarm(name)
    (length,) = {
        metric["MetricStat"]["Period"] for metric in found["Metrics"] if "MetricStat" in metric
    }
    return (
        f"{word(found['DatapointsToAlarm'])} of {word(found['EvaluationPeriods'])} periods of "
        f"{span(length)}"
    )


def silence() -> str:
    """Write how long the heartbeat has to be silent."""
    found = alarm("heartbeat-silent")
    return span(found["Period"] * found["EvaluationPeriods"])


_PASSWORD: Final = MasterCredentials.model_json_schema()["properties"]["password"]
_NAME_MAX: Final = next(length for length in range(99, 0, -1) if PLAN_NAME.fullmatch("a" * length))
_SHARE_OF_REST: Final = fraction(polling.FRACTION_OF_REMAINING).capitalize()
_RISE: Final = f"{fraction(targets.RISE_SHARE_MAX)} at most, or by {span(targets.RISE_SECONDS)}"

_PYTHON_MIN, _PYTHON_MAX = (
    int(minor)
    for minor in re.findall(r"\(3, (\d+)\)", (ROOT / ".ci" / "set-up").read_text(encoding="utf-8"))
)
_PYTHONS: Final = [f"3.{minor}" for minor in range(_PYTHON_MIN, _PYTHON_MAX + 1)]
_PYTHON: Final = f"Python {', '.join(_PYTHONS[:-1])} or {_PYTHONS[-1]}"

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "README.md": (
        f"{word(len(FUNCTIONS))} small Lambda functions",
        f"with {_PYTHON} and make.",
    ),
    "docs/architecture.md": (
        f"tried {word(runner.BUGS_MAX)} times, and then ends it",
        f"of the future by more than {span(event_age.CLOCK_SKEW_MAX)},",
        f"older than {span(event_age.EVENT_AGE_MAX)},",
        f"very many the first {text_limits.NAMES_MAX};",
        f"the names of more than {text_limits.NAMES_MAX} logins",
        f"remaining time and {span(lease.LEASE_MARGIN_SECONDS)} more,",
        f"{_SHARE_OF_REST} of it is waited for,",
        f"after {fraction(polling.FRACTION_OF_OVERRUN)} of its delay.",
        f"the upper one is {span(polling.SPACING_MAX_SECONDS)},",
        f"doubling up to {span(polling.BACKOFF_MAX_SECONDS)}.",
        f"rises by {_RISE} where that is more",
        f"Every {span(Settings.model_fields['heartbeat_interval'].default).removeprefix('a ')} (`",
        f"{word(ports.ENTRIES_MAX)} in a call.",
        f"no more than {heartbeat.ANNOUNCED_PER_TICK} operations in a tick,",
        f"after {word(runner.UNANSWERED_MAX)} announcements that no step answered,",
    ),
    "docs/runbook.md": (
        f"You need {_PYTHON}, make,",
        f"For {silence()} no tick of the heartbeat",
        f"have failed in {periods('function-errors')}.",
        f"throttled in {periods('function-throttles')}:",
    ),
    "docs/replacement.md": (
        f"`KEEP_PREVIOUS_HOURS` ({default_of('keep_previous_hours')} unless set)",
        f"until {word(SURE_AFTER.total_seconds() / 60)} minutes have passed, because AWS",
        f"(for {word(STATE_FAULT_MAX.total_seconds() / 60)} minutes, where AWS gives a cluster's",
    ),
    "docs/reliability.md": (f"within its deadline and {word(runner.UNANSWERED_MAX)} heartbeats",),
    "docs/configuration.md": (
        f"at most {_NAME_MAX} characters;",
        f"{_PASSWORD['minLength']} to {_PASSWORD['maxLength']} printable ASCII characters",
    ),
    "docs/localaws.md": (
        (
            f"{word(pool.WORKERS_MAX).capitalize()} functions run at once, "
            f"{word(pool.WORKERS_PER_FUNCTION_MAX)} of each;"
        ),
        f"may take {NIGHT_SECONDS} seconds from its snapshot on;",
        f"every {1000 * QUERY_SECONDS:.0f} ms,",
        (
            f"and {MARGIN_SECONDS:.0f} seconds more: the app looks every "
            f"{word(LOOK_SECONDS)} seconds,"
        ),
    ),
    "infra/foundation.yaml": (f"has finished for {silence()},",),
}
"""What a page says, word for word, with the code's values."""

NOT_OURS: Final = (
    "a minute in its name",  # which one it was
    "15 min 50 s",  # measured
    "an hour without one",  # a fault that is injected
    "about half an hour",  # Aurora's
    "after seven days",  # Aurora's
)
"""Times in sentences that are of no value in the code."""

"""What the settings that only a deployment reads may be: the one place, which every reader asks.

The templates under `infra/` have to repeat it, and a test holds them against this.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class NumberRule:
    """A whole number from `minimum` to `maximum`, and what it is if it is not set."""

    default: int
    minimum: int
    maximum: int

    def parse(self, text: str) -> int | None:
        """Read a setting; the default for an empty one, None for one out of bounds."""
        if not text:
            return self.default
        if not text.isascii() or not text.isdecimal():
            return None
        return int(text) if self.minimum <= int(text) <= self.maximum else None


# Hours without a success before people are told: a day, and what a restore may take.
FRESHNESS_HOURS: Final = NumberRule(default=30, minimum=1, maximum=720)
ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+[.][^@\s]+")
TOPIC_ARN: Final = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+")
BOOLEANS: Final = ("true", "false")

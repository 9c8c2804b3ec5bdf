"""The patterns of policies: `*` stands for any characters, `?` for one.

Everything else for itself.
"""

import re
from functools import cache


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = (
        ".*" if part == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"([*?])", pattern)
    )
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a whole text fits a pattern; case counts.

    In an ARN, too, a `*` reaches beyond colons: AWS says so of one that ends a segment (IAM user
    guide, Resource).
    """
    return _expression(pattern).fullmatch(text) is not None


def matches_action(pattern: str, action: str) -> bool:
    """Tell whether an action (`rds:StopDBCluster`) fits a pattern.

    Case does not count (IAM user guide, Action).
    """
    return matches(pattern.lower(), action.lower())


def matches_arn(pattern: str, arn: str) -> bool:
    """Tell whether an ARN fits a pattern part by part, as the Arn operators of conditions do."""
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(matches, wanted, given))

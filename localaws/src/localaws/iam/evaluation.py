"""The decision: an explicit Deny wins, else an Allow is needed (IAM user guide).

Identity-based policies within one account, which is all that the roles of functions have: no
boundaries, session policies or policies of organisations, and none of resources.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from localaws.iam.policies import Policy


@dataclass(frozen=True)
class Decision:
    """Whether something is allowed, by which statement (None: by none), and why not."""

    allowed: bool
    sid: str | None
    why: str


def evaluate(
    policies: Iterable[Policy],
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]] | None = None,
) -> Decision:
    """Decide about one action on one resource in a request with this context."""
    known = {
        key.lower(): (values,) if isinstance(values, str) else values
        for key, values in (context or {}).items()
    }
    applicable = [
        statement
        for policy in policies
        for statement in policy.statements
        if statement.applies(action, resource, known)
    ]
    denial = next((statement for statement in applicable if statement.effect == "Deny"), None)
    if denial:
        return Decision(
            allowed=False, sid=denial.sid, why="with an explicit deny in an identity-based policy"
        )
    if applicable:
        return Decision(allowed=True, sid=applicable[0].sid, why=f"allowed by {applicable[0].sid}")
    return Decision(
        allowed=False, sid=None, why=f"because no identity-based policy allows the {action} action"
    )

"""The condition keys that the questions can carry. A policy that tests another is refused.

A key that is never there makes an Allow narrower than on AWS, which would be noticed, but a Deny
wider or narrower as the operator has it, which would not.
"""

from collections.abc import Iterable
from typing import Final

from localaws.iam.policies import Policy, PolicyError

_KEYS: Final = frozenset(
    {
        "aws:requestedregion",
        "aws:tagkeys",
        "dynamodb:enclosingoperation",
        "events:detail-type",
        "events:source",
        "iam:passedtoservice",
        "kms:grantisforawsresource",
        "kms:requestalias",
        "kms:viaservice",
        "lambda:sourcefunctionarn",
        "rds:tagsfromrequest",
        "route53:changeresourcerecordsetsactions",
        "route53:changeresourcerecordsetsnormalizedrecordnames",
        "route53:changeresourcerecordsetsrecordtypes",
        "ssm:recursive",
    }
)
_BEGINNINGS: Final = (
    "aws:requesttag/",
    "aws:resourcetag/",
    "rds:cluster-tag/",
    "rds:cluster-snapshot-tag/",
    "rds:db-tag/",
    "kms:encryptioncontext:",
)


def refuse_unknown_keys(policies: Iterable[Policy]) -> None:
    """Raise PolicyError for a condition on a key that no question carries."""
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                key = condition.key.lower()
                if key not in _KEYS and not key.startswith(_BEGINNINGS):
                    raise PolicyError(
                        f"{policy.name}: localaws does not know the condition key {condition.key}."
                    )

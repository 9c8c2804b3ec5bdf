"""Who may do what: identity-based policies, judged as AWS documents it, and what each call asks of them.

moto's own enforcement looks at the action alone and takes no notice of conditions, so nothing of it
is used.
"""

from localaws.iam.evaluation import Decision, evaluate
from localaws.iam.permission_request import Ask, Call, NotModelledAskError
from localaws.iam.policies import Policy, PolicyError, Statement
from localaws.iam.requests import asks
from localaws.iam.resource_lookup import Secret, World

__all__ = [
    "Ask",
    "Call",
    "Decision",
    "NotModelledAskError",
    "Policy",
    "PolicyError",
    "Secret",
    "Statement",
    "World",
    "asks",
    "evaluate",
]

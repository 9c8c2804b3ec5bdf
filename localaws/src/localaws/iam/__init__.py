"""IAM: identity-based policies as AWS documents them, and the permissions of each call.

moto's own enforcement looks at the action alone and takes no notice of conditions, so nothing of it
is used.
"""

from localaws.iam.evaluation import Decision, evaluate
from localaws.iam.permission_request import Call, PermissionRequest, UnmodelledPermissionError
from localaws.iam.policies import Policy, PolicyError, Statement
from localaws.iam.requests import permission_requests
from localaws.iam.resource_lookup import ResourceLookup, Secret

__all__ = [
    "Call",
    "Decision",
    "PermissionRequest",
    "Policy",
    "PolicyError",
    "ResourceLookup",
    "Secret",
    "Statement",
    "UnmodelledPermissionError",
    "evaluate",
    "permission_requests",
]

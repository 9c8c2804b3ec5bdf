"""IAM: identity-based policies as AWS documents them, and the permissions that each call needs.

`enforcer.py` judges a request: `protocol.py` reads the call, `requests.py` (`rds.py`, `kms.py`,
`lambdas.py`) lists what it asks for, `evaluation.py` decides by `policies.py` and `conditions.py`,
`refusals.py` says no in the service's own words. `trust.py` is who may assume a role.

It may import the records of `aurora` and how requests are written (`protocols.py`). moto's own
enforcement looks at the action alone and ignores conditions, so nothing of it is used.
"""

from localaws.iam.evaluation import Decision, evaluate
from localaws.iam.permission_request import Call, PermissionRequest, UnmodelledPermissionError
from localaws.iam.policies import Policy, PolicyError, Statement
from localaws.iam.requests import permission_requests
from localaws.iam.resource_lookup import EncryptedSecret, ResourceLookup

__all__ = [
    "Call",
    "Decision",
    "EncryptedSecret",
    "PermissionRequest",
    "Policy",
    "PolicyError",
    "ResourceLookup",
    "Statement",
    "UnmodelledPermissionError",
    "evaluate",
    "permission_requests",
]

"""Bucket policies with their conditions: moto reads no condition, and denies everybody."""

import json

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from localaws.resource_policies import Requester, effects


def heed_conditions() -> None:
    """Make every bucket judge its whole policy, but not whom a statement is about.

    moto does not say who asks.

    Over a loopback there is no TLS; to AWS there always is, so requests count as if they had come
    over it.
    """
    FakeBucket.get_permission = _permission  # type: ignore[method-assign, assignment]


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    policy = json.loads(bucket.policy or b'{"Statement": []}')
    statements = (
        policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    )
    about_all = {"Statement": [{**statement, "Principal": "*"} for statement in statements]}
    found = effects(about_all, Requester(action, resource, context={"aws:securetransport": "true"}))
    if "Deny" in found:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if "Allow" in found else PermissionResult.NEUTRAL

"""The trust policy of a role: who may assume it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import Role

from localaws.resource_policies import Requester, lets_in


@dataclass(frozen=True)
class Principal:
    """Who wants to assume a role: a service, or a principal (ARN) of an account."""

    service: str | None = None
    principal: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str | None:
        """The account of the principal."""
        return self.principal.split(":")[4] if self.principal else None


def trusts(role: Role, assuming: Principal) -> bool:
    """Tell whether a role's trust policy lets somebody assume it.

    Its statements have no resource: it is the role.
    """
    policy = json.loads(role.assume_role_policy_document or "{}")
    listed = policy.get("Statement", [])
    statements: list[dict[str, Any]] = listed if isinstance(listed, list) else [listed]
    whole = {"Statement": [{**statement, "Resource": role.arn} for statement in statements]}
    caller = Requester(
        "sts:AssumeRole",
        role.arn,
        service=assuming.service,
        account=assuming.account,
        principal=assuming.principal,
        context=assuming.context,
    )
    return lets_in(whole, caller)

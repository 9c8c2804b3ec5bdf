"""Where a stage is deployed, by its roles, which belong to the whole account.

Both a role's tags and its policies tell it: the policies name the stage's failure queue, or the bus
that a forwarding rule writes to. Anybody who may tag a role can change the tags, and a version
before had none, so neither is taken without the other. The next deployment tags its roles.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aurora_restore.account.state import AccountState
from aurora_restore.documents import Described, statements_of
from aurora_restore.stages import HOME_TAG, SOURCE_TAG, STAGE_TAG

LAMBDA: Final = "lambda.amazonaws.com"
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")


@dataclass(frozen=True)
class Forwarding:
    """That events of one region go to another."""

    source: str
    home: str


def is_for_lambda(role: Described) -> bool:
    """Tell whether a role trusts Lambda and nothing else."""
    statements = statements_of(role["AssumeRolePolicyDocument"])
    return [statement.get("Principal") for statement in statements] == [{"Service": LAMBDA}]


def home_regions(state: AccountState, role: str) -> set[str]:
    """Give the regions that a function's role is for, by tags and policies: one, if all is well."""
    return _tagged_regions(state, state.role_tags(role)) | policy_regions(state, role)


def policy_regions(state: AccountState, role: str) -> set[str]:
    """Give the regions of the stage's failure queue that a role's policies name.

    Every function of ours may send to that queue.
    """
    queue = rf'"arn:[a-z-]+:sqs:([a-z0-9-]+):{state.account.number}:{state.stage.failure_queue}"'
    return {region for policy in _policies(state, role) for region in re.findall(queue, policy)}


def is_half_made(state: AccountState, role: str) -> bool:
    """Tell whether the creation of a role stopped early: its policy comes next, its tags last."""
    return not state.role_policies(role) and STAGE_TAG not in state.role_tags(role)


def forwardings(state: AccountState) -> Iterator[Forwarding]:
    """Find the stage's forwarding stacks by their roles, in whatever regions they are.

    One that forwards to another account is of a stage there.
    """
    # CloudFormation names a role without a name of its own by stack and logical id (user guide).
    prefix = f"{state.stage.forwarding_stack}-Role-"
    for role in state.roles:
        if role["RoleName"].startswith(prefix):
            yield from _forwardings_of(state, role)


def _forwardings_of(state: AccountState, role: Described) -> set[Forwarding]:
    tags = state.role_tags(role["RoleName"])
    source = tags.get(SOURCE_TAG)
    tagged = {Forwarding(source, home) for home in _tagged_regions(state, tags) if source}
    events = rf'"arn:[a-z-]+:events:([a-z0-9-]+):{state.account.number}:'
    rule = re.compile(rf'{events}rule/{state.stage.forwarding_rule}"')
    sources = rule.findall(json.dumps(role["AssumeRolePolicyDocument"]))
    policies = "".join(_policies(state, role["RoleName"]))
    buses = re.findall(rf'{events}event-bus/default"', policies)
    return tagged | {Forwarding(source, bus) for source in sources for bus in buses}


def _tagged_regions(state: AccountState, tags: Mapping[str, str]) -> set[str]:
    """Give the region that tags name, if they are the stage's and about this account."""
    account, _, region = tags.get(HOME_TAG, "").partition("/")
    if (tags.get(STAGE_TAG), account) != (state.stage.name, state.account.number):
        return set()
    return {region} if _REGION.fullmatch(region) else set()


def _policies(state: AccountState, role: str) -> Iterator[str]:
    for policy in state.role_policies(role):
        yield json.dumps(state.role_policy(role, policy))

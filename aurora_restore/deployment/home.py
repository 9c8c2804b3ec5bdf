"""Where a stage is deployed, by the tags of its roles, which belong to the whole account.

A version before had no such tags. There a role's policies still tell it: they name the stage's
failure queue, or the bus that a forwarding rule writes to. The next deployment tags its roles.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aurora_restore.account.state import AccountState
from aurora_restore.documents import Described, statements_of
from aurora_restore.stages import HOME_TAG, SOURCE_TAG, STAGE_TAG

LAMBDA: Final = "lambda.amazonaws.com"


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
    """Give the regions that a function's role is for: one, if all is well."""
    tags = state.role_tags(role)
    if tags.get(STAGE_TAG) == state.stage.name:
        account, _, region = tags.get(HOME_TAG, "").partition("/")
        return {region} if account == state.account.number else set()
    # Every function of ours may send to the stage's failure queue.
    queue = rf'"arn:[a-z-]+:sqs:([a-z0-9-]+):{state.account.number}:{state.stage.failure_queue}"'
    return {region for policy in _policies(state, role) for region in re.findall(queue, policy)}


def forwardings(state: AccountState) -> Iterator[Forwarding]:
    """Find the stage's forwarding stacks by their roles, in whatever regions they are.

    One that forwards to another account is of a stage there.
    """
    # CloudFormation names a role without a name of its own by stack and logical id (user guide).
    prefix = f"{state.stage.forwarding_stack}-Role-"
    for role in state.roles:
        if role["RoleName"].startswith(prefix):
            yield from _forwardings_of(state, role)


def _forwardings_of(state: AccountState, role: Described) -> Iterator[Forwarding]:
    tags = state.role_tags(role["RoleName"])
    if SOURCE_TAG in tags:
        account, _, region = tags.get(HOME_TAG, "").partition("/")
        if (tags.get(STAGE_TAG), account) == (state.stage.name, state.account.number):
            yield Forwarding(tags[SOURCE_TAG], region)
        return
    events = rf'"arn:[a-z-]+:events:([a-z0-9-]+):{state.account.number}:'
    rule = re.compile(rf'{events}rule/{state.stage.forwarding_rule}"')
    for source in rule.findall(json.dumps(role["AssumeRolePolicyDocument"])):
        policies = "".join(_policies(state, role["RoleName"]))
        for home in re.findall(rf'{events}event-bus/default"', policies):
            yield Forwarding(source, home)


def _policies(state: AccountState, role: str) -> Iterator[str]:
    for policy in state.role_policies(role):
        yield json.dumps(state.role_policy(role, policy))

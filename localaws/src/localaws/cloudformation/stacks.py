"""The stacks of all accounts and regions: what may be asked of which, and what comes of it."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from localaws.cloudformation.changesets import ChangeSet
from localaws.cloudformation.errors import (
    AlreadyExistsError,
    ChangeSetNotFoundError,
    InvalidChangeSetStatusError,
    ValidationError,
)
from localaws.cloudformation.operations import StackOperation
from localaws.cloudformation.planning import plan
from localaws.cloudformation.resource_type import AccountClients
from localaws.cloudformation.stack import REVIEW, Stack
from localaws.cloudformation.stack_definition import StackDefinition
from localaws.cloudformation.template import Template

_NAME: Final = re.compile("[a-zA-Z][-a-zA-Z0-9]{0,127}")


class Stacks:
    """The stacks of one account and region."""

    def __init__(self, aws: AccountClients) -> None:
        self._aws = aws
        self._stacks: list[Stack] = []
        self._change_sets: list[ChangeSet] = []
        self.lock = threading.RLock()
        """One operation at a time: they end before their request is answered."""

    # --- looking ---

    def find(self, name_or_id: str) -> Stack:
        """Find a stack that is there by its name, or any by its id; raises ValidationError."""
        for stack in self._stacks:
            if stack.stack_id == name_or_id or (
                stack.name == name_or_id and stack.deleted_at is None
            ):
                return stack
        raise ValidationError(f"Stack with id {name_or_id} does not exist")

    def all(self, *, deleted: bool = False) -> list[Stack]:
        """List the stacks that are there, and with `deleted` those that were."""
        return [stack for stack in self._stacks if deleted or stack.deleted_at is None]

    def owner_of(self, physical_id: str) -> Stack:
        """Find the stack that a resource belongs to; raises ValidationError."""
        for stack in self.all():
            if any(
                resource.made.physical_id == physical_id for resource in stack.resources.values()
            ):
                return stack
        raise ValidationError(f"Stack for {physical_id} does not exist")

    def definition(
        self,
        stack: Stack,
        template: Template | None,
        given: list[dict[str, Any]],
        tags: Mapping[str, str] | None,
        capabilities: frozenset[str] = frozenset(),
    ) -> StackDefinition:
        """Draw up what a request wants a stack to be.

        Without a template or tags, those that it has.

        Raises what is wrong with it, as ValidationError, UnmodelledRequestError or
        InsufficientCapabilitiesError.
        """
        last = stack.definition
        template = template or _previous(last).template
        before = {name: str(value) for name, value in last.parameters.items()} if last else {}
        parameters = template.parameters(dict(_given(parameter, before) for parameter in given))
        kept = last.tags if last and tags is None else (tags or {})
        pseudo = {
            "AWS::StackName": stack.name,
            "AWS::StackId": stack.stack_id,
            "AWS::AccountId": self._aws.account,
            "AWS::Region": self._aws.region,
        }
        found = StackDefinition(template, parameters, kept, pseudo, capabilities)
        found.check()
        return found

    def stored(self, url: str) -> str:
        """Read a template that is in S3, by a URL with the bucket in its path.

        Raises ValidationError.
        """
        bucket, _, key = urlsplit(url).path.lstrip("/").partition("/")
        try:
            content: bytes = (
                self._aws("s3").get_object(Bucket=bucket, Key=unquote(key))["Body"].read()
            )
        except ClientError as error:
            raise ValidationError(f"S3 error: {error.response['Error']['Message']}") from error
        return content.decode()

    # --- doing ---

    def begin(self, name: str, status: str) -> Stack:
        """Begin a stack that nobody has seen yet: `create` or `propose` shows it.

        Raises AlreadyExistsError, and ValidationError for what is no name.
        """
        if not _NAME.fullmatch(name):
            raise ValidationError(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
                f"constraint: Member must satisfy regular expression pattern: {_NAME.pattern}"
            )
        if any(stack.name == name for stack in self.all()):
            raise AlreadyExistsError(f"Stack [{name}] already exists")
        return Stack.begin(name, status, account=self._aws.account, region=self._aws.region)

    def create(self, stack: Stack, definition: StackDefinition) -> None:
        """Make a stack that was begun."""
        self._stacks.append(stack)
        StackOperation(stack, self._aws).create(definition)

    def update(self, stack: Stack, definition: StackDefinition) -> None:
        """Update a stack; raises ValidationError when it cannot be, or nothing differs."""
        stack.check_updatable()
        if not plan(definition, stack) and not _is_told_otherwise(definition, stack):
            raise ValidationError("No updates are to be performed.")
        StackOperation(stack, self._aws).update(definition)

    def delete(self, name_or_id: str, retained: frozenset[str]) -> None:
        """Delete a stack; one that is not there is deleted already.

        Raises ValidationError when it is protected.
        """
        try:
            stack = self.find(name_or_id)
        except ValidationError:
            return
        if stack.is_protected:
            raise ValidationError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if retained and stack.status != "DELETE_FAILED":
            raise ValidationError(
                f"Invalid operation on stack [{stack.stack_id}]. Specify the resources to retain "
                "only when the current stack state is DELETE_FAILED."
            )
        if stack.deleted_at is None:
            StackOperation(stack, self._aws).delete(retained=retained)

    # --- change sets ---

    def propose(self, change_set: ChangeSet) -> None:
        """Write a change set down, with what it would do, or that it would do nothing."""
        if any(
            other.name == change_set.name and other.stack is change_set.stack
            for other in self._change_sets
        ):
            raise AlreadyExistsError(f"ChangeSet {change_set.name} already exists")
        stack = change_set.stack
        if stack not in self._stacks:
            self._stacks.append(stack)
        changes = plan(change_set.definition, stack)
        nothing = not changes and not _is_told_otherwise(change_set.definition, stack)
        self._change_sets.append(replace(change_set, changes=changes, is_empty=nothing))

    def change_set(self, name_or_id: str, stack: str | None) -> ChangeSet:
        """Find a change set; raises ChangeSetNotFoundError."""
        for change_set in self._change_sets:
            of_stack = stack in (change_set.stack.name, change_set.stack.stack_id)
            if change_set.id == name_or_id or (change_set.name == name_or_id and of_stack):
                return change_set
        raise ChangeSetNotFoundError(f"ChangeSet [{name_or_id}] does not exist")

    def change_sets(self, stack: Stack) -> list[ChangeSet]:
        """List the change sets of a stack."""
        return [found for found in self._change_sets if found.stack is stack]

    def forget(self, change_set: ChangeSet) -> None:
        """Delete a change set."""
        self._change_sets.remove(change_set)

    def execute(self, change_set: ChangeSet) -> None:
        """Do what a change set says; raises InvalidChangeSetStatusError.

        All change sets of its stack are gone then.
        """
        if change_set.is_empty:
            raise InvalidChangeSetStatusError(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [FAILED]"
            )
        stack = change_set.stack
        self._change_sets = [other for other in self._change_sets if other.stack is not stack]
        if stack.status == REVIEW:
            stack.say("CREATE_IN_PROGRESS", "User Initiated")
            StackOperation(stack, self._aws).create(change_set.definition)
        else:
            StackOperation(stack, self._aws).update(change_set.definition)


class AllStacks:
    """`stacks(account, region)`.

    `clients(service, region, account)` gives what they are made with.
    """

    def __init__(self, clients: Callable[[str, str, str], Any]) -> None:
        self._clients = clients
        self._made: dict[tuple[str, str], Stacks] = {}
        self._lock = threading.Lock()

    def __call__(self, account: str, region: str) -> Stacks:
        """Give the stacks of an account and region."""
        with self._lock:
            return self._made.setdefault(
                (account, region), Stacks(AccountClients(account, region, self._clients))
            )


def _previous(last: StackDefinition | None) -> StackDefinition:
    if last is None:
        raise ValidationError("Either Template URL or Template Body must be specified.")
    return last


def _given(parameter: Mapping[str, Any], before: Mapping[str, str]) -> tuple[str, str]:
    name = parameter["ParameterKey"]
    if not parameter.get("UsePreviousValue"):
        return name, parameter["ParameterValue"]
    if name not in before:
        raise ValidationError(
            f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for "
            "it."
        )
    return name, before[name]


def _is_told_otherwise(definition: StackDefinition, stack: Stack) -> bool:
    """Tell whether the stack's outputs or tags would change although no resource does."""
    return (
        definition.outputs(stack.attribute) != stack.outputs
        or definition.tags != (stack.definition or definition).tags
    )

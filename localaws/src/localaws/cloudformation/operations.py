"""Creating, updating and deleting stacks, resource by resource, with rollback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from localaws.cloudformation import resource_calls
from localaws.cloudformation.errors import ResourceError, ValidationError
from localaws.cloudformation.planning import differences, is_replaced, named_as
from localaws.cloudformation.resource_type import AccountClients, Properties
from localaws.cloudformation.stack import Resource, Stack, resource_of
from localaws.cloudformation.stack_definition import ResourceDefinition, StackDefinition

_RETAINED: Final = frozenset({"Retain", "RetainExceptOnCreate"})

Undo = Callable[[], None]


class StackOperation:
    """One operation on one stack, under way."""

    def __init__(self, stack: Stack, aws: AccountClients) -> None:
        self._stack = stack
        self._aws = aws
        self._undo: list[Undo] = []
        self._old: list[Resource] = []
        """What was replaced or is wanted no more: deleted when all else is done."""

    def create(self, definition: StackDefinition) -> None:
        """Make everything.

        Ends in CREATE_COMPLETE or ROLLBACK_COMPLETE (ROLLBACK_FAILED, if that cannot be done).
        """
        stack = self._stack
        stack.definition = definition
        if self._make_all(definition, "create"):
            stack.say("CREATE_COMPLETE")
        else:
            stack.say("ROLLBACK_IN_PROGRESS", stack.reason)
            stack.say("ROLLBACK_COMPLETE" if self._take_back() else "ROLLBACK_FAILED", stack.reason)

    def update(self, definition: StackDefinition) -> None:
        """Change what differs.

        Ends in UPDATE_COMPLETE or UPDATE_ROLLBACK_COMPLETE (UPDATE_ROLLBACK_FAILED).
        """
        stack = self._stack
        stack.updated_at = datetime.now(UTC)
        stack.say("UPDATE_IN_PROGRESS", "User Initiated")
        if self._make_all(definition, "update"):
            stack.definition = definition
            stack.say("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(definition)
            stack.say("UPDATE_COMPLETE")
        else:
            stack.say("UPDATE_ROLLBACK_IN_PROGRESS", stack.reason)
            stack.say(
                "UPDATE_ROLLBACK_COMPLETE" if self._take_back() else "UPDATE_ROLLBACK_FAILED",
                stack.reason,
            )

    def delete(self, *, retained: frozenset[str] = frozenset()) -> None:
        """Delete everything that is not to be retained, in reverse.

        Ends in DELETE_COMPLETE or DELETE_FAILED.
        """
        stack = self._stack
        stack.say("DELETE_IN_PROGRESS", "User Initiated")
        failed: list[Resource] = []
        for resource in reversed(list(stack.resources.values())):
            # What a failed one refers to may be in use: CloudFormation does not try it.
            if any(resource.logical_id in other.needs for other in failed):
                continue
            keep = resource.deletion_policy in _RETAINED or resource.logical_id in retained
            if not self._remove(resource, keep=keep):
                failed.append(resource)
        if failed:
            names = ", ".join(resource.logical_id for resource in failed)
            stack.say("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
        else:
            stack.deleted_at = datetime.now(UTC)
            stack.say("DELETE_COMPLETE")

    # --- forwards ---

    def _make_all(self, definition: StackDefinition, what: str) -> bool:
        for wanted in definition.wanted.values():
            try:
                self._make(definition, wanted)
            except (ResourceError, ValidationError):
                names = f"The following resource(s) failed to {what}: [{wanted.logical_id}]. "
                self._stack.reason = names + (
                    "Rollback requested by user." if what == "create" else ""
                )
                return False
        self._stack.outputs = definition.outputs(self._stack.attribute)
        return True

    def _make(self, definition: StackDefinition, wanted: ResourceDefinition) -> None:
        standing = self._stack.resources.get(wanted.logical_id)
        properties = named_as(
            standing, wanted, definition.properties(wanted, self._stack.attribute)
        )
        if standing is None:
            self._create(wanted, properties, None)
        elif is_replaced(standing, wanted, differences(standing, wanted, properties)):
            self._replace(standing, wanted, properties)
        else:
            self._update(standing, wanted, properties)

    def _create(
        self, wanted: ResourceDefinition, properties: Properties, replaced: Resource | None
    ) -> None:
        # The new one is made beside the old one, which goes at the very end (clean-up).
        named = resource_calls.named(self._stack.name, wanted, properties)
        with self._said(wanted, "", "CREATE"):
            made = resource_calls.create(wanted.kind, named, self._aws)
        resource = resource_of(wanted, made, named, "CREATE_COMPLETE")
        self._stack.resources[wanted.logical_id] = resource
        self._stack.say_of(wanted.logical_id, wanted.kind, made.physical_id, "CREATE_COMPLETE")
        self._undo.append(lambda: self._uncreate(resource, replaced))

    def _replace(
        self, standing: Resource, wanted: ResourceDefinition, properties: Properties
    ) -> None:
        name = wanted.kind.name
        if (
            name
            and standing.kind is wanted.kind
            and standing.properties.get(name) == properties.get(name)
        ):
            # Both could not have that name at once.
            with self._said(wanted, standing.made.physical_id, "UPDATE"):
                raise ResourceError(
                    "CloudFormation cannot update a stack when a custom-named resource requires "
                    f"replacing. Rename {properties[name]} and update the stack again."
                )
        self._create(wanted, properties, standing)
        self._old.append(standing)

    def _update(
        self, standing: Resource, wanted: ResourceDefinition, properties: Properties
    ) -> None:
        before, policies = standing.properties, (standing.deletion_policy, standing.replace_policy)
        # What fails half-way is put back as well, so the way back is there before the way out.
        self._undo.append(lambda: self._unupdate(standing, properties, before, policies))
        if properties != before:
            with self._said(wanted, standing.made.physical_id, "UPDATE"):
                resource_calls.update(wanted.kind, standing.made, properties, before, self._aws)
            standing.properties = properties
            self._stack.say_of(
                wanted.logical_id, wanted.kind, standing.made.physical_id, "UPDATE_COMPLETE"
            )
        standing.deletion_policy, standing.replace_policy = (
            wanted.deletion_policy,
            wanted.replace_policy,
        )

    @contextmanager
    def _said(self, wanted: ResourceDefinition, physical_id: str, what: str) -> Iterator[None]:
        self._stack.say_of(wanted.logical_id, wanted.kind, physical_id, f"{what}_IN_PROGRESS")
        try:
            yield
        except ResourceError as error:
            self._stack.say_of(
                wanted.logical_id, wanted.kind, physical_id, f"{what}_FAILED", str(error)
            )
            raise

    # --- backwards ---

    def _take_back(self) -> bool:
        """Undo, the last first; tells whether all of it could be."""
        done = True
        for undo in reversed(self._undo):
            try:
                undo()
            except ResourceError:
                done = False  # and the rest is undone all the same
        return done

    def _uncreate(self, resource: Resource, replaced: Resource | None) -> None:
        gone = self._remove(resource, keep=resource.deletion_policy == "Retain")
        if replaced is not None:
            self._stack.resources[resource.logical_id] = replaced
        if not gone:
            raise ResourceError(f"{resource.logical_id} could not be deleted.")

    def _unupdate(
        self, resource: Resource, now: Properties, before: Properties, policies: tuple[str, str]
    ) -> None:
        resource.deletion_policy, resource.replace_policy = policies
        if now != before:
            resource_calls.update(resource.kind, resource.made, before, now, self._aws)
            resource.properties = before
            self._stack.say_of(
                resource.logical_id, resource.kind, resource.made.physical_id, "UPDATE_COMPLETE"
            )

    def _clean_up(self, definition: StackDefinition) -> None:
        for resource in self._old:
            self._remove(resource, keep=resource.replace_policy == "Retain")
        for name in [
            name for name in reversed(list(self._stack.resources)) if name not in definition.wanted
        ]:
            resource = self._stack.resources[name]
            self._remove(resource, keep=resource.deletion_policy in _RETAINED)

    def _remove(self, resource: Resource, *, keep: bool) -> bool:
        """Delete one resource, or leave it behind; tells whether the stack is rid of it."""
        name, kind, physical_id = resource.logical_id, resource.kind, resource.made.physical_id
        if keep:
            self._stack.say_of(name, kind, physical_id, "DELETE_SKIPPED")
        else:
            self._stack.say_of(name, kind, physical_id, "DELETE_IN_PROGRESS")
            try:
                resource_calls.delete(kind, resource.made, resource.properties, self._aws)
            except ResourceError as error:
                self._stack.say_of(name, kind, physical_id, "DELETE_FAILED", str(error))
                return False
            self._stack.say_of(name, kind, physical_id, "DELETE_COMPLETE")
        if self._stack.resources.get(name) is resource:
            del self._stack.resources[name]
        return True

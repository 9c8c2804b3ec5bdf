"""CloudFormation's API.

An operation ends before its request is answered, so whoever waits for it waits for nothing.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from localaws.cloudformation import responses
from localaws.cloudformation.changesets import ChangeSet, change_shown
from localaws.cloudformation.errors import UnmodelledRequestError, ValidationError
from localaws.cloudformation.stack import REVIEW, Stack
from localaws.cloudformation.stack_definition import StackDefinition
from localaws.cloudformation.stacks import AllStacks, Stacks
from localaws.cloudformation.template import FILE_BYTES_MAX, Template
from localaws.modelled import NOT_MODELLED_CODE
from localaws.rds_http import error_document

_IDLE: Final = frozenset({"ClientRequestToken"})  # what it protects from cannot happen here
_MAKING: Final = (
    frozenset({"StackName", "TemplateBody", "TemplateURL", "Parameters", "Tags", "Capabilities"})
    | _IDLE
)
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "CreateStack": _MAKING | {"EnableTerminationProtection"},
    "UpdateStack": _MAKING | {"UsePreviousTemplate"},
    "CreateChangeSet": _MAKING
    | {"UsePreviousTemplate", "ChangeSetName", "ChangeSetType", "Description"},
    "DeleteStack": frozenset({"StackName", "RetainResources"}) | _IDLE,
    "ExecuteChangeSet": frozenset({"ChangeSetName", "StackName"}) | _IDLE,
}
"""The parameters that mean something here, of the actions that change something.

Any other is refused by name.
"""


class CloudFormation(BaseResponse):
    """The API of CloudFormation. The server fills in `stacks`."""

    stacks: ClassVar[AllStacks]

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    @property
    def _here(self) -> Stacks:
        return self.stacks(self.current_account, self.region)

    def call_action(self) -> TYPE_RESPONSE:
        """Answer one request at a time."""
        with self._here.lock:
            try:
                answer: TYPE_RESPONSE = super().call_action()
            except UnmodelledRequestError as error:
                body = error_document(NOT_MODELLED_CODE, str(error), status=400)
                answer = (
                    400,
                    {**self.response_headers, "Content-Type": "text/xml", "status": "400"},
                    body,
                )
            return answer

    def _check(self) -> None:
        known = _KNOWN[self._get_action()]
        if unknown := sorted(
            name for name, value in self._get_params().items() if value and name not in known
        ):
            raise UnmodelledRequestError(
                f"localaws does not model {', '.join(unknown)} of {self._get_action()}. Leave it "
                "out."
            )

    def _stack(self) -> Stack:
        return self._here.find(self._get_param("StackName"))

    def _blueprint(self, stack: Stack) -> StackDefinition:
        template, tags = self._template(), self._get_param("Tags")
        if template is not None and self._get_param("UsePreviousTemplate"):
            raise ValidationError(
                "You cannot specify both usePreviousTemplate and Template Body/Template URL."
            )
        if template is None and not self._get_param("UsePreviousTemplate"):
            raise ValidationError("Either Template URL or Template Body must be specified.")
        return self._here.definition(
            stack,
            template,
            self._get_param("Parameters", []),
            None if tags is None else {tag["Key"]: tag["Value"] for tag in tags},
            frozenset(self._get_param("Capabilities", [])),
        )

    def _template(self) -> Template | None:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        if body is not None and url is not None:
            raise ValidationError("You cannot specify both Template Body and Template URL.")
        if url is not None:
            return Template.read(self._here.stored(url), self.region, FILE_BYTES_MAX)
        return None if body is None else Template.read(body, self.region)

    def _template_to_read(self) -> Template:
        template = self._template()
        if template is None:
            raise ValidationError("Either Template URL or Template Body must be specified.")
        return template

    # --- stacks ---

    def create_stack(self) -> ActionResult:
        """Make a stack."""
        self._check()
        stack = self._here.begin(self._get_param("StackName"), "CREATE_IN_PROGRESS")
        stack.is_protected = bool(self._get_param("EnableTerminationProtection"))
        self._here.create(stack, self._blueprint(stack))
        return ActionResult({"StackId": stack.stack_id})

    def update_stack(self) -> ActionResult:
        """Change a stack."""
        self._check()
        stack = self._stack()
        stack.check_updatable()
        self._here.update(stack, self._blueprint(stack))
        return ActionResult({"StackId": stack.stack_id})

    def delete_stack(self) -> ActionResult:
        """Delete a stack."""
        self._check()
        self._here.delete(
            self._get_param("StackName"), frozenset(self._get_param("RetainResources", []))
        )
        return EmptyResult()

    def update_termination_protection(self) -> ActionResult:
        """Have a stack refuse to be deleted, or not."""
        stack = self._stack()
        stack.is_protected = bool(self._get_param("EnableTerminationProtection"))
        return ActionResult({"StackId": stack.stack_id})

    def describe_stacks(self) -> ActionResult:
        """Show one stack, or all that are there."""
        name = self._get_param("StackName")
        found = [self._here.find(name)] if name else self._here.all()
        return ActionResult({"Stacks": [responses.stack(stack) for stack in found]})

    def list_stacks(self) -> ActionResult:
        """List stacks, those that are gone too."""
        wanted = self._get_param("StackStatusFilter")
        found = [
            stack for stack in self._here.all(deleted=True) if not wanted or stack.status in wanted
        ]
        return ActionResult({"StackSummaries": [responses.summary(stack) for stack in found]})

    def describe_stack_events(self) -> ActionResult:
        """Show what happened to a stack, the newest first."""
        stack = self._stack()
        return ActionResult(
            {"StackEvents": [responses.event(stack, event) for event in reversed(stack.events)]}
        )

    def describe_stack_resources(self) -> ActionResult:
        """Show the resources of a stack, or of the one that a resource belongs to."""
        physical_id, logical_id = (
            self._get_param("PhysicalResourceId"),
            self._get_param("LogicalResourceId"),
        )
        stack = self._here.owner_of(physical_id) if physical_id else self._stack()
        found = [
            resource for name, resource in stack.resources.items() if logical_id in (None, name)
        ]
        return ActionResult(
            {"StackResources": [responses.resource(stack, resource) for resource in found]}
        )

    def list_stack_resources(self) -> ActionResult:
        """List the resources of a stack."""
        found = self._stack().resources.values()
        return ActionResult(
            {"StackResourceSummaries": [responses.resource_summary(resource) for resource in found]}
        )

    # --- templates ---

    def get_template(self) -> ActionResult:
        """Give back the template that a stack was made from."""
        definition = self._stack().definition
        if definition is None:
            return ActionResult({"TemplateBody": ""})
        original = self._get_param("TemplateStage") == "Original"
        return ActionResult(
            {
                "TemplateBody": definition.template.body
                if original
                else definition.template.processed
            }
        )

    def validate_template(self) -> ActionResult:
        """Read a template and tell its parameters."""
        return ActionResult(responses.template(self._template_to_read()))

    def get_template_summary(self) -> ActionResult:
        """Read a template, or a stack's, and return its parameters and resource types."""
        name = self._get_param("StackName")
        if name is None:
            return ActionResult(responses.template_summary(self._template_to_read()))
        definition = self._stack().definition
        if definition is None:
            raise ValidationError(
                "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."
            )
        return ActionResult(responses.template_summary(definition.template))

    # --- change sets ---

    def create_change_set(self) -> ActionResult:
        """Write down what an update, or a creation, would do."""
        self._check()
        stack = self._to_change()
        definition = self._blueprint(stack)
        name, description = self._get_param("ChangeSetName"), self._get_param("Description")
        change_set = ChangeSet.of(name, stack, definition, description)
        self._here.propose(change_set)
        return ActionResult({"Id": change_set.id, "StackId": stack.stack_id})

    def _to_change(self) -> Stack:
        """Find the stack of a change set, or begin it.

        AWS takes UPDATE where the request does not say.
        """
        name, kind = self._get_param("StackName"), self._get_param("ChangeSetType", "UPDATE")
        if kind == "UPDATE":
            stack = self._here.find(name)
            stack.check_updatable()
            return stack
        if kind != "CREATE":
            raise UnmodelledRequestError(f"localaws does not model change sets of the type {kind}.")
        under_review = [
            stack for stack in self._here.all() if stack.name == name and stack.status == REVIEW
        ]
        return under_review[0] if under_review else self._here.begin(name, REVIEW)

    def _change_set(self) -> ChangeSet:
        return self._here.change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))

    def describe_change_set(self) -> ActionResult:
        """Show what a change set would do."""
        change_set = self._change_set()
        changes = [change_shown(change) for change in change_set.changes]
        return ActionResult({**responses.change_set(change_set), "Changes": changes})

    def list_change_sets(self) -> ActionResult:
        """List the change sets of a stack."""
        found = self._here.change_sets(self._stack())
        return ActionResult(
            {"Summaries": [responses.change_set(change_set) for change_set in found]}
        )

    def execute_change_set(self) -> ActionResult:
        """Do what a change set says."""
        self._check()
        self._here.execute(self._change_set())
        return EmptyResult()

    def delete_change_set(self) -> ActionResult:
        """Forget a change set."""
        self._here.forget(self._change_set())
        return EmptyResult()

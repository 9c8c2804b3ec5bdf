"""What localaws knows of a resource type: its properties, and the calls that make it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Properties = dict[str, Any]

ALREADY_THERE: Final = frozenset(
    {
        "AlreadyExistsException",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "EntityAlreadyExists",
        "ParameterAlreadyExists",
        "ResourceConflictException",
        "ResourceExistsException",
        "ResourceInUseException",
        "ResourceAlreadyExistsException",
    }
)
"""Codes with which services refuse to make what is there already."""
GONE: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)
"""Codes with which they refuse to delete what is there no more."""


@dataclass(frozen=True)
class AccountClients:
    """Clients of the account and region of a stack: `aws("sqs")` is one."""

    account: str
    region: str
    clients: Callable[[str, str, str], Any]
    """Gives the client of a service, in a region, of an account."""

    def __call__(self, service: str) -> Any:
        """Give the client of a service."""
        return self.clients(service, self.region, self.account)

    def arn(self, service: str, resource: str) -> str:
        """Spell the ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class PhysicalResource:
    """A resource as it stands: what `Ref` and `Fn::GetAtt` give."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceType:
    """A resource type.

    `create`, `update` and `delete` call AWS's API and raise botocore's errors. `update` is given
    what was wanted before and changes what differs, except `fixed` properties: where one of them
    differs, AWS makes another resource.
    """

    type: str
    properties: frozenset[str]
    create: Callable[[Properties, AccountClients], PhysicalResource]
    update: Callable[[PhysicalResource, Properties, Properties, AccountClients], None]
    delete: Callable[[PhysicalResource, Properties, AccountClients], None]
    fixed: frozenset[str] = frozenset()
    settled: frozenset[str] = frozenset()
    """Properties that AWS changes where they stand, and localaws does not."""

    attributes: frozenset[str] = frozenset()
    name: str | None = None
    """The property that names it; CloudFormation makes a name up where the template gives none."""

    exists: Callable[[Properties, AccountClients], bool] | None = None
    """Looks for a resource of that name where the API would adopt it silently.

    CloudFormation never adopts one.
    """

    tags: Literal["list", "map"] | None = None
    system_tags: bool = False
    """Whether it is also tagged with the stack that made it."""

    capability: bool = False
    """Whether making one needs a capability, because it hands out permissions."""


def kind(type: str, properties: str, **more: Any) -> ResourceType:  # noqa: A002  (CloudFormation's word)
    """Write a Kind with its names as words.

    Its own name is fixed, and a name and tags are properties.
    """
    fixed, settled, attributes = (
        frozenset(more.pop(group, "").split()) for group in ("fixed", "settled", "attributes")
    )
    fixed |= {more["name"]} if "name" in more else set()
    names = (
        frozenset(properties.split()) | fixed | settled | ({"Tags"} if "tags" in more else set())
    )
    return ResourceType(type, names, fixed=fixed, settled=settled, attributes=attributes, **more)


def changed_tags(before: Properties, wanted: Properties) -> tuple[list[dict[str, str]], list[str]]:
    """Say which tags are to be set, and the keys of those to be removed.

    Both lists are of `Key` and `Value`.
    """
    old, new = (
        {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        for properties in (before, wanted)
    )
    return [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value], [
        *(old.keys() - new)
    ]

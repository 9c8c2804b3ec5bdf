"""Asking AWS's API for a resource: what it refuses is the reason why a stack's operation fails."""

import secrets
import string
from collections.abc import Callable
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from localaws.cloudformation.errors import ResourceError
from localaws.cloudformation.resource_type import (
    ALREADY_THERE,
    GONE,
    AccountClients,
    PhysicalResource,
    Properties,
    ResourceType,
)
from localaws.cloudformation.stack_definition import ResourceDefinition

_SUFFIX_CHARACTERS: Final = 12
_BUCKET: Final = "AWS::S3::Bucket"
_Answer = TypeVar("_Answer")


def create(kind: ResourceType, properties: Properties, aws: AccountClients) -> PhysicalResource:
    """Make a resource; raises ResourceError, also where one of that name is there already."""
    exists = kind.exists
    if exists is not None and _asked(kind, properties, lambda: exists(properties, aws)):
        raise ResourceError(_already_there(kind, properties))
    return _asked(kind, properties, lambda: kind.create(properties, aws))


def update(
    kind: ResourceType,
    made: PhysicalResource,
    properties: Properties,
    before: Properties,
    aws: AccountClients,
) -> None:
    """Change a resource that stands; raises ResourceError."""
    _asked(kind, properties, lambda: kind.update(made, properties, before, aws))


def delete(
    kind: ResourceType, made: PhysicalResource, properties: Properties, aws: AccountClients
) -> None:
    """Delete a resource; raises ResourceError.

    One that somebody deleted meanwhile is deleted: its handler answers NotFound, and a stack goes
    on (CloudFormation CLI user guide, resource type handler contract).
    """

    def ask() -> None:
        try:
            kind.delete(made, properties, aws)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise

    _asked(kind, properties, ask)


def named(stack: str, wanted: ResourceDefinition, properties: Properties) -> Properties:
    """Make a name up where the template gives none, as CloudFormation does."""
    if wanted.kind.name is None or wanted.kind.name in properties:
        return properties
    letters = string.ascii_uppercase + string.digits
    suffix = "".join(secrets.choice(letters) for _ in range(_SUFFIX_CHARACTERS))
    name = f"{stack}-{wanted.logical_id}-{suffix}"
    # Buckets are the only names here that may have no capital letters.
    return {**properties, wanted.kind.name: name.lower() if wanted.kind.type == _BUCKET else name}


def _asked(kind: ResourceType, properties: Properties, ask: Callable[[], _Answer]) -> _Answer:
    try:
        return ask()
    except ClientError as error:
        raise ResourceError(_refused(kind, properties, error)) from error
    except KeyError as error:
        raise ResourceError(
            f"Properties validation failed: required key {error} not found"
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise ResourceError(f"Properties validation failed: {error}") from error


def _refused(kind: ResourceType, properties: Properties, error: ClientError) -> str:
    answer: dict[str, Any] = error.response
    if answer["Error"]["Code"] in ALREADY_THERE and error.operation_name.startswith(
        ("Create", "Put")
    ):
        return _already_there(kind, properties)
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    said = (
        f"{answer['Error']['Message']} (Service: {kind.type.split('::')[1]}, Status Code: {status})"
    )
    return (
        f'Resource handler returned message: "{said}" (HandlerErrorCode: {answer["Error"]["Code"]})'
    )


def _already_there(kind: ResourceType, properties: Properties) -> str:
    name = properties.get(kind.name or "", properties.get("AliasName"))
    said = f"Resource of type '{kind.type}' with identifier '{name}' already exists."
    return f'Resource handler returned message: "{said}" (HandlerErrorCode: AlreadyExists)'

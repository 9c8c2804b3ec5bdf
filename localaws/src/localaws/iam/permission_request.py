"""A call of an API, and the permission requests that it makes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Context = Mapping[str, str | tuple[str, ...]]


class UnmodelledPermissionError(LookupError):
    """The permissions of a call are not known, so it is neither allowed nor denied."""


@dataclass(frozen=True)
class Call:
    """One call: IAM's prefix (`rds`), the API's operation, and parameters as boto3 has them.

    `source_function` is the ARN of the Lambda function whose code makes it, None for Lambda itself.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    source_function: str | None = None

    def arn(self, resource: str, *, service: str | None = None, region: str | None = None) -> str:
        """Name a resource of the caller's account; what is an ARN already is left as it is."""
        if resource.startswith("arn:"):
            return resource
        region = self.region if region is None else region
        return f"arn:aws:{service or self.service}:{region}:{self.account}:{resource}"

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter, or the default when the caller left it out."""
        return self.parameters.get(name, default)


@dataclass(frozen=True)
class PermissionRequest:
    """One question to IAM: whether the caller may do this to that, in this context.

    `region` receives the request.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    region: str | None = None

    def with_context(self, more: Context) -> "PermissionRequest":
        """Ask the same with more in the context; what is in it already stays."""
        return replace(self, context={**more, **self.context})

    @property
    def identity(self) -> tuple[str, str, tuple[tuple[str, str | tuple[str, ...]], ...]]:
        """What two equal questions have in common."""
        return (self.action, self.resource, tuple(sorted(self.context.items())))


def in_request(call: Call, asked: Iterable[PermissionRequest]) -> list[PermissionRequest]:
    """Add the context that AWS adds to every request of a function's code."""
    code = {"lambda:SourceFunctionArn": call.source_function} if call.source_function else {}
    return [
        ask.with_context({"aws:RequestedRegion": ask.region or call.region, **code})
        for ask in asked
    ]


def request_tags(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str | tuple[str, ...]]:
    """Give the context of tags in a request; nothing where there are none."""
    given = {tag["Key"]: tag.get("Value", "") for tag in tags or ()}
    keys = {"aws:TagKeys": tuple(given)} if given else {}
    return {**{f"aws:RequestTag/{key}": value for key, value in given.items()}, **keys}

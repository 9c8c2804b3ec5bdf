"""The client of an AWS service: timeouts, retries, and error codes sorted into the app's errors."""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.aws.error_remedies import CAPACITY_REMEDY, REMEDIES
from chalicelib.flow.errors import (
    CapacityError,
    RefusedError,
    StateFaultError,
    TransientError,
)
from chalicelib.flow.untrusted_text import one_line

# The first of the three levels of retries (botocore, runner, heartbeat). It is short, because the
# record keeps what is to be done.
_RETRIES = {"mode": "standard", "total_max_attempts": 3}
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries=_RETRIES)

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestThrottled",
        "PriorRequestNotComplete",
        "SlowDown",
    }
)
SERVER_ERRORS = frozenset(
    {
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "InternalServiceError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        "RequestTimeoutException",
        "KMSInternalException",
    }
)
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
# The resource is busy with something else, or in a state that excludes the call for good.
STATE_FAULTS = frozenset(
    {
        "InvalidDBClusterStateFault",
        "InvalidDBInstanceState",
        "InvalidDBClusterSnapshotStateFault",
        "InvalidDBSnapshotState",
        "InvalidDBClusterEndpointStateFault",
        "InvalidGlobalClusterStateFault",
        "InvalidResourceStateFault",  # of the Data API
    }
)
NO_CAPACITY = frozenset(
    {
        "InsufficientDBInstanceCapacity",
        "InsufficientDBClusterCapacityFault",
        "InsufficientStorageClusterCapacity",
    }
)
# Credentials that are too old; the next invocation has new ones.
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
NOT_FOUND = frozenset(
    {
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "DBClusterSnapshotNotFoundFault",
        "DBClusterEndpointNotFoundFault",
        "DBSubnetGroupNotFoundFault",
        "DBClusterParameterGroupNotFound",
        "DBParameterGroupNotFound",
        "InvalidGroup.NotFound",
        "InvalidGroupId.Malformed",
        "ResourceNotFoundException",
        "NotFoundException",
        "NotFound",
        "NotFoundFault",
        "DBParameterGroupNotFoundFault",
        "DBClusterParameterGroupNotFoundFault",
        "NoSuchHostedZone",
    }
)
SERVER_ERROR_HTTP = 500
_DENIED_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
_DEPLOY_AGAIN = (
    "If a setting was changed since the stage was deployed, deploying it again does that."
)


class Clients(Protocol):
    """A factory of clients: boto3 in Lambda, the model of Aurora in tests."""

    def __call__(self, service: str, region: str) -> Any:
        """Give the client of a service in a region."""


@cache
def clients(service: str, region: str) -> Any:
    """Make the real client, once for each service and region of a warm function."""
    return boto3.client(service, region_name=region, config=_CONFIG)


def sdk() -> tuple[str, str]:
    """Give the version of the AWS SDK that runs, and the folder that it was loaded from."""
    return boto3.__version__, str(Path(boto3.__file__).parent)


class UnreachableError(TransientError):
    """No connection, no answer in time, or no credentials."""


class NotFoundError(RefusedError):
    """A resource does not exist (error codes in `NOT_FOUND`)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason, "Create it, or correct the setting that names it.")
        self.code = code


class AwsError(RefusedError):
    """AWS refused a call for a permanent reason; `code` is its error code."""

    def __init__(self, code: str, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.code = code


class DeniedError(AwsError):
    """The caller has no permission (error codes in `DENIED`).

    `action` is the denied action of IAM, and its region. It is not always the one that was called:
    a copy with tags needs AddTagsToResource, too. Only the text of AWS's message names the action
    ("… is not authorized to perform: rds:AddTagsToResource on resource: …") and the kind of policy.
    """

    def __init__(self, code: str, reason: str, call: str, region: str) -> None:
        named = _DENIED_ACTION.search(reason)
        self.action = f"{named[1] if named else call} in {region}"
        remedy = f"Allow {self.action} in the policy of the function's role. {_DEPLOY_AGAIN}"
        if "explicit deny" in reason:
            remedy = (
                f"Take away what denies {self.action}: the answer says in which kind of policy "
                "that is."
            )
        super().__init__(code, reason, remedy)


class Service:
    """One service in one region: calls by method name, which raise errors of `flow.errors`."""

    def __init__(self, clients: Clients, service: str, region: str) -> None:
        self._client = partial(clients, service, region)
        self.name, self.region = service, region

    @property
    def host(self) -> str | None:
        """The name of the service's host; None for a client without a network."""
        endpoint = getattr(getattr(self._client(), "meta", None), "endpoint_url", None)
        return urlsplit(endpoint).hostname if endpoint else None

    def call(self, method: str, **parameters: Any) -> Mapping[str, Any]:
        """Call one method. Raises TransientError, NotFoundError, or AwsError."""
        answer: Mapping[str, Any] = self._sorted(
            method, lambda: getattr(self._client(), method)(**parameters)
        )
        return answer

    def pages(self, method: str, member: str, **parameters: Any) -> list[Any]:
        """Read all pages of a listing. Raises as `call` does."""
        paginator = self._client().get_paginator(method)

        def read() -> list[Any]:
            pages = paginator.paginate(**parameters)
            return [found for page in pages for found in page.get(member, [])]

        members: list[Any] = self._sorted(method, read)
        return members

    def _sorted(self, method: str, call: Callable[[], Any]) -> Any:
        where = f"{self.name} {method} in {self.region}"
        try:
            return call()
        except ClientError as error:
            raise _meaning(error, where, self._action(method), self.region) from error
        except ParamValidationError:
            raise  # a request that botocore itself refuses is our bug
        except BotoCoreError as error:  # no connection, no answer in time, no credentials
            raise UnreachableError(f"{where} did not answer: {one_line(error)}.") from error

    def _action(self, method: str) -> str:
        """Give IAM's name of a method; only the service's model knows that `db` is written `DB`."""
        model = getattr(getattr(self._client(), "meta", None), "service_model", None)
        names = {xform_name(name): name for name in model.operation_names} if model else {}
        return f"{self.name}:{names.get(method, method.title().replace('_', ''))}"


def _meaning(
    error: ClientError, where: str, action: str, region: str
) -> TransientError | RefusedError:
    code = error.response["Error"]["Code"]
    message = one_line(error.response["Error"].get("Message", "")).rstrip(". ")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    reason = f"{where} was answered {code}: {message}."
    if code in STATE_FAULTS:
        return StateFaultError(reason)
    if code in NO_CAPACITY:
        return CapacityError(reason, CAPACITY_REMEDY)
    if code in THROTTLED | SERVER_ERRORS | EXPIRED or status >= SERVER_ERROR_HTTP:
        return TransientError(reason)
    if code in NOT_FOUND:
        return NotFoundError(code, reason)
    if code in DENIED:
        return DeniedError(code, reason, action, region)
    return AwsError(code, reason, REMEDIES.get(code, "Correct what the answer names."))

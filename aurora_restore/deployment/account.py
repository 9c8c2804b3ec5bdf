"""The account that a stage is deployed into: who asks, and boto3 clients by service and region."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from aurora_restore.callers import NO_CALLER, why_nobody_is_known
from aurora_restore.deployment.errors import DeploymentError
from chalicelib.aws.client import Clients

_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4}
)


@dataclass(frozen=True)
class Account:
    """An account as its caller sees it."""

    number: str
    caller: str
    clients: Clients

    @property
    def partition(self) -> str:
        """The part of AWS that the account is in, as ARNs spell it."""
        return self.caller.split(":")[1]

    def arn(self, service: str, region: str, resource: str) -> str:
        """Spell the ARN of something in this account."""
        return f"arn:{self.partition}:{service}:{region}:{self.number}:{resource}"


def sign_in(region: str) -> Account:
    """Find out whose credentials these are.

    Raises DeploymentError where there are none that work.
    """

    @cache
    def session() -> boto3.Session:
        return boto3.Session(region_name=region)

    @cache
    def clients(service: str, where: str) -> Any:
        return session().client(service, region_name=where, config=_CONFIG)

    try:
        caller = clients("sts", region).get_caller_identity()
        return Account(caller["Account"], caller["Arn"], clients)
    except NO_CALLER as error:
        raise DeploymentError(" ".join(why_nobody_is_known(error, region))) from error


def partition_of(region: str) -> str:
    """Name the part of AWS that a region is in; for those who have not signed in."""
    return str(boto3.Session().get_partition_for_region(region))


def error_code(error: ClientError) -> str:
    """Give the wire code of an answer that was an error."""
    return str(error.response.get("Error", {}).get("Code", ""))

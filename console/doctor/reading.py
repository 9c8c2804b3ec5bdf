"""boto3 clients that only read: whatever else is asked of them never leaves this machine."""

from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config

from chalicelib.aws import Clients

READING: Final = ("Describe", "Filter", "Get", "List", "Query")
"""How the names of operations begin that change nothing. `Get…` is not without exception in AWS, but in what is asked
here: GetSecretValue leaves a date of last access and nothing else.
"""
_CONFIG: Final = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


class ChangingCallError(Exception):
    """A call that is not known to change nothing. The text is a sentence."""


def reading_clients(**session: str) -> Clients:
    """Give clients by service and region, made once each; their other calls raise ChangingCallError.

    `session` are options of boto3's session: none for whatever the environment says.
    """

    @cache
    def clients(service: str, region: str) -> Any:
        client = _session(**session).client(service, region_name=region, config=_CONFIG)
        client.meta.events.register("before-parameter-build", _refuse_changes)
        return client

    return clients


@cache
def _session(**options: str) -> boto3.Session:
    return boto3.Session(**options)


def _refuse_changes(model: Any, **_: Any) -> None:
    if not model.name.startswith(READING):
        raise ChangingCallError(
            f"{model.service_model.service_name} {model.name} may change something; it is not called."
        )

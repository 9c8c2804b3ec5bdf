"""boto3 clients: those that only read, of which no changing call leaves this machine, and others.

The one exception of the former asks `setup-db-users` to try its network, which changes nothing.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader, create_loader

from chalicelib.aws.client import Clients
from chalicelib.flow.choreography import PROBE_REQUESTED

READING: Final = ("Describe", "Filter", "Get", "Head", "List", "Query")
"""How the names of operations begin that change nothing.

`Get…` is not without exception in AWS, but in what is asked
here: GetSecretValue leaves a date of last access and nothing else.
"""
_READING_CONFIG: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
)
_CHANGING_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4}
)


class ChangingCallError(Exception):
    """A call that is not known to change nothing. The text is a sentence."""


def new_session() -> boto3.Session:
    """Make a session with credentials of its own, whose models of services all sessions share."""
    core = botocore.session.Session()
    core.register_component("data_loader", _models(core.get_config_variable("data_path")))
    return boto3.Session(botocore_session=core)


@cache
def _models(path: str | None) -> Loader:
    """Give what reads the models: it keeps what it has read, and EC2's alone takes 0.1 s."""
    return create_loader(path)


def reading_clients(
    make_session: Callable[[], boto3.Session] = new_session, **options: str
) -> Clients:
    """Give clients by service and region, made once each.

    Their other calls raise ChangingCallError.

    The session is made with the first of them, for a profile that does not exist is an error of the
    session's. `options` are boto3's own of a client.
    """
    session = cache(make_session)

    @cache
    def clients(service: str, region: str) -> Any:
        client = session().client(service, region_name=region, config=_READING_CONFIG, **options)
        client.meta.events.register("before-parameter-build", _refuse_changes)
        return client

    return clients


def changing_clients() -> Clients:
    """Give clients that may do anything, for what has been planned and confirmed."""
    session = cache(new_session)

    @cache
    def clients(service: str, region: str) -> Any:
        return session().client(service, region_name=region, config=_CHANGING_CONFIG)

    return clients


def _refuse_changes(model: Any, params: Mapping[str, Any], **_: Any) -> None:
    if not model.name.startswith(READING) and not _asks_only(model.name, params):
        raise ChangingCallError(
            f"{model.service_model.service_name} {model.name} may change something; it is not "
            "called."
        )


def _asks_only(operation: str, params: Mapping[str, Any]) -> bool:
    """Tell whether a call puts nothing on the bus but questions."""
    kinds = {entry.get("DetailType") for entry in params.get("Entries", ())}
    return operation == "PutEvents" and kinds == {PROBE_REQUESTED}

"""The entry points of the functions: each makes its ports and passes the event on."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from chalicelib import ports
from chalicelib.aws import client
from chalicelib.flow.errors import SettingsError
from chalicelib.observability import logger
from chalicelib.runtime import router
from chalicelib.settings import Settings

Compose = Callable[..., ports.Ports]
_cold_start = ["first"]  # emptied by the first tick of this process that succeeds


def answer(step: str, event: Any, compose: Compose = ports.of_lambda) -> None:
    """Answer one EventBridge event with one step.

    Where the stage's own settings are invalid, a request is refused through the stage's topic, if
    that is known.
    """
    envelope = event.to_dict()
    try:
        composed = compose(event.context)
    except SettingsError as error:
        if not router.is_request(envelope):
            raise
        settings = Settings.to_tell_of_problems(os.environ)
        router.refuse_for_settings(error, envelope, compose(event.context, settings))
        return
    router.route(step, envelope, composed)


def run_heartbeat(event: Any) -> None:
    """Do one tick of the heartbeat."""
    # Imported here: only one of twelve functions needs it.
    from chalicelib.runtime.heartbeat import heartbeat  # noqa: PLC0415

    _log_sdk()
    heartbeat(ports.of_lambda(event.context), first=bool(_cold_start))
    _cold_start.clear()


@cache
def _log_sdk() -> None:
    """Log once in a process which AWS SDK it runs: a layer may have put another before ours."""
    version, folder = client.sdk()
    logger.info("The AWS SDK is boto3 %s.", version, sdk_version=version, sdk_folder=folder)


def observed(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Give every log line of an invocation its request id (middleware).

    A warm function forgets the keys of the invocation before.
    """
    logger.remove_keys(["operation_id", "plan", "step", "version", "state"])
    logger.append_keys(function_request_id=event.context.aws_request_id)
    return get_response(event)

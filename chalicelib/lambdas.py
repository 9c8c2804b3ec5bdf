"""Between Lambda and the choreography: compose the world of one invocation, and pass the event on."""

import os
from collections.abc import Callable
from typing import Any

from chalicelib import ports
from chalicelib.flow.errors import SettingsError
from chalicelib.observability import logger
from chalicelib.runtime import router
from chalicelib.settings import Settings

Compose = Callable[..., ports.Ports]
_cold_start = ["first"]  # of this process; one that fails is still to come


def answer(step: str, event: Any, compose: Compose = ports.of_lambda) -> None:
    """Answer one EventBridge event with one step.

    Where the stage's own settings cannot be used, who asked for something is told if the topic is
    known.
    """
    envelope = event.to_dict()
    try:
        world = compose(event.context)
    except SettingsError as error:
        if not router.is_request(envelope):
            raise
        settings = Settings.to_tell_of_problems(os.environ)
        router.refuse_for_settings(error, envelope, compose(event.context, settings))
        return
    router.route(step, envelope, world)


def run_heartbeat(event: Any) -> None:
    """Do one tick of the heartbeat."""
    from chalicelib.steps.heartbeat import heartbeat  # noqa: PLC0415 # only one of eleven functions needs it

    heartbeat(ports.of_lambda(event.context), first=bool(_cold_start))
    _cold_start.clear()


def observed(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Give every log line of an invocation its request id, and forget what the one before had said (middleware)."""
    logger.remove_keys(["operation_id", "plan", "step", "version", "state"])
    logger.append_keys(function_request_id=event.context.aws_request_id)
    return get_response(event)

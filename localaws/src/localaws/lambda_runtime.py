"""Lambda's Python runtime, as far as a function can see it: the program of a worker process.

It runs alone (`python -I -S lambda_runtime.py …`), sees the unpacked package and boto3 and nothing
else, and imports nothing of localaws. Requests come one JSON line each on standard input; answers
go to the descriptor that the command line names, because standard output belongs to the function
and becomes its log. End of input means that the server is gone: the worker ends too, even in the
middle of a handler.
"""

import importlib
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

Request = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Any, "LambdaContext"], Any]


class LambdaContext:
    """The second argument of a handler, with the attributes that AWS documents."""

    def __init__(self, request: Request) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn: str = request["arn"]
        self.aws_request_id: str = request["id"]
        self.client_context = None
        self.identity = None
        self._ends_at = time.monotonic() + request["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Give the time until the function's own timeout, never below 0."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))

    def log(self, message: str) -> None:
        """Write to the function's log."""
        sys.stdout.write(message)


def main() -> None:
    """Import the handler, report that, then answer requests until the input ends."""
    descriptor, package, runtime, name = int(sys.argv[1]), *sys.argv[2:5]
    requests = _requests()
    sys.path.insert(0, package)
    sys.path.append(runtime)
    logging.basicConfig(
        format="[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    logging.Formatter.converter = time.gmtime
    with os.fdopen(descriptor, "w", encoding="utf-8") as answers:
        handler = _import_handler(name)
        _send(answers, handler if isinstance(handler, dict) else {"ready": True})
        while not isinstance(handler, dict):
            _send(answers, _answer(handler, requests.get()))


def _requests() -> "queue.Queue[Request]":
    """Read the input in a thread of its own, so that its end stops a handler that is busy."""
    requests: queue.Queue[Request] = queue.Queue()
    source = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)

    def read() -> None:
        for line in source:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return requests


def _import_handler(name: str) -> "Handler | Answer":
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        return _failure("Runtime.ImportModuleError", text, _stack(error))
    except Exception as error:  # noqa: BLE001  (a module may raise anything; Lambda answers every invocation with it)
        return _failure(type(error).__name__, str(error), _stack(error))
    return _find(module, module_name, function_name)


def _find(module: ModuleType, module_name: str, function_name: str) -> "Handler | Answer":
    handler: Handler | None = getattr(module, function_name, None)
    if handler is None:
        return _failure(
            "Runtime.HandlerNotFound",
            f"Handler '{function_name}' missing on module '{module_name}'",
            [],
        )
    return handler


def _answer(handler: Handler, request: Request) -> Answer:
    os.environ["_X_AMZN_TRACE_ID"] = (
        f"Root=1-{int(time.time()):08x}-{request['id'].replace('-', '')[:24]};Sampled=0"
    )
    started = time.monotonic()
    sys.stdout.write(f"START RequestId: {request['id']} Version: $LATEST\n")
    answer = _call(handler, request)
    milliseconds = (time.monotonic() - started) * 1000
    sys.stdout.write(f"END RequestId: {request['id']}\n")
    sys.stdout.write(f"REPORT RequestId: {request['id']}\tDuration: {milliseconds:.2f} ms\n")
    sys.stdout.flush()
    sys.stderr.flush()
    return answer


def _call(handler: Handler, request: Request) -> Answer:
    try:
        return {"payload": json.dumps(handler(request["event"], LambdaContext(request)))}
    except Exception as error:  # noqa: BLE001  (a handler may raise anything; the caller learns its type and text)
        _log_error(error)
        return _failure(type(error).__name__, str(error), _stack(error), request["id"])


def _log_error(error: Exception) -> None:
    trace = "".join(traceback.format_exception(error)).rstrip()
    sys.stdout.write(f"[ERROR] {type(error).__name__}: {error}\n{trace}\n")


def _stack(error: Exception) -> list[str]:
    return traceback.format_tb(error.__traceback__)


def _failure(kind: str, text: str, stack: list[str], request_id: str = "") -> Answer:
    body = {"errorMessage": text, "errorType": kind, "requestId": request_id, "stackTrace": stack}
    return {"payload": json.dumps(body), "error": "Unhandled"}


def _send(answers: Any, answer: Answer) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    if len(sys.argv) <= 4:  # noqa: PLR2004  # the program and what `main` takes apart
        sys.exit(__doc__)
    main()

"""AWS on this machine: moto's server with our own Aurora, EventBridge, Lambda and IAM.

One server a process: moto's state belongs to the process. It listens on loopback only. Functions
may do what their roles allow; of anybody else's credentials it takes no notice.
"""

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flask import Flask
from moto.core.base_backend import BackendDict
from moto.core.model_instances import model_data
from moto.core.responses import BaseResponse
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from localaws.account import (
    default_network,
    find_key,
    find_secret,
    has_role,
    has_security_group,
    key_of_topic,
)
from localaws.aurora import Aurora, DataPlane, Durations, NoData, WallClock
from localaws.buckets import heed_conditions
from localaws.clients import EndpointClients
from localaws.cloudformation import AllStacks, CloudFormation
from localaws.delivery import Delivery
from localaws.destinations import Destinations
from localaws.dynamodb import DynamoDB, Tokens
from localaws.eventbridge import EventBridge
from localaws.export_buckets import BucketExports
from localaws.functions import Functions
from localaws.gateway import Gateway
from localaws.iam import ResourceLookup
from localaws.iam.enforcer import Enforcer
from localaws.journals import LogFile
from localaws.kms import Kms
from localaws.lambda_http import Lambda
from localaws.logs import Logs
from localaws.logs_http import LogsApi
from localaws.master_secrets import MasterSecrets
from localaws.networks import keep_ids
from localaws.packages import Packages
from localaws.rds_http import Rds
from localaws.route53 import Propagation, Route53
from localaws.schedules import Schedules
from localaws.secrets_http import Secrets
from localaws.sns import Sns
from localaws.sts import Sts
from localaws.ticker import Ticker

HOST: Final = "127.0.0.1"
BACKLOG: Final = 128
HOSTS_MAX: Final = 1024  # whose service is remembered
_WHY_NOT_HERE: Final = {
    errno.EADDRINUSE: (
        "is taken by another program. Stop that program, or choose another port with --port."
    ),
    errno.EACCES: "is reserved for root. Choose one from 1024 upwards.",
}

# moto would let every account into the others' buckets.
os.environ["MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"] = "false"
heed_conditions()  # of bucket policies
keep_ids()  # of default networks, so that templates and tests can name them

_log = logging.getLogger("localaws")


class PortTakenError(Exception):
    """The port is not to be had: another program listens there, or it is root's.

    The text says so, and what to do.
    """


class Server:
    """A whole AWS.

    `speed` divides Aurora's durations, schedules and retry delays, not the app's own clock.
    """

    def __init__(
        self,
        port: int,
        data_folder: Path | str,
        *,
        speed: float = 1.0,
        data: DataPlane | None = None,
        durations: Durations | None = None,
        aurora: Aurora | None = None,
    ) -> None:
        """Prepare; nothing listens before `start`, and port 0 takes any free one.

        `durations` replace the divided ones. `aurora` replaces the whole model: tests give one on a
        clock of their own.
        """
        self._port = port
        self.folder = Path(data_folder).resolve()
        self._logs = Logs(self.folder)
        self._packages = Packages(self.folder)
        self.aurora = aurora or Aurora(
            WallClock(),
            durations=durations or Durations().scaled(speed),
            data=data or NoData(),
            keys=find_key,
            security_groups=has_security_group,
            network=default_network,
            roles=has_role,
            secrets=MasterSecrets(),
            exports=BucketExports(),
            emit=lambda event: self._publish(event, event["account"], event["region"], "default"),
        )
        self.enforcer = Enforcer(
            self.folder, ResourceLookup(self.aurora.find, find_key, find_secret, key_of_topic)
        )
        self.functions = Functions(
            self._packages, self._logs, self.enforcer, endpoint=lambda: self.endpoint, speed=speed
        )
        self._delivery = Delivery(self.functions, self._logs)
        self._propagation = Propagation(speed)
        self._schedules = Schedules(self._delivery, speed=speed)
        self.functions.on_end = Destinations(self.functions, self.enforcer, self._publish).send
        self._ticker = Ticker(self.aurora)
        self._begun = ExitStack()

    def _publish(self, event: dict[str, Any], account: str, region: str, bus: str) -> None:
        self._delivery.publish(event, account=account, region=region, bus=bus)

    @property
    def endpoint(self) -> str:
        """The URL for `AWS_ENDPOINT_URL`."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Listen and run. Raise PortTakenError when the port is in use.

        What begins is noted before, so that `stop` ends whatever an error or a signal in the middle
        left.
        """
        listener = self._begun.enter_context(_listen(self._port))
        self._port = listener.getsockname()[1]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._begun.callback(_stop_logging, _log_to(self.folder / "localaws.log"))
        self._logs.prepare()
        self._packages.prepare()
        self.enforcer.decisions.prepare()
        # moto's state belongs to the process: an earlier server in it may have left some.
        _forget_everything()
        self._begun.callback(_forget_everything)
        own = (self.functions, self._ticker, self._delivery, self._schedules)
        # All are noted before any begins: a signal in between must not leave a thread behind.
        for closing in (self._packages, *own):
            self._begun.callback(closing.close)
        http = self._http_server(listener)
        thread = threading.Thread(
            target=http.serve_forever, args=(0.05,), name="localaws-http", daemon=True
        )
        self._begun.callback(_stop_http, http, thread)
        for part in (thread, *own):
            part.start()

    def stop(self) -> None:
        """Stop everything that `start` started, last first, and free the port.

        The data folder stays.

        A part that cannot be stopped keeps no other from it; its error is raised when all have had
        their turn.
        """
        self._begun.close()

    def _http_server(self, listener: socket.socket) -> BaseWSGIServer:
        moto = _Dispatcher(self._create_app)
        front = Gateway(moto, self.aurora, self.enforcer, self._ticker.wake, self.folder)
        return _http_server(listener, front)

    def _create_app(self, service: Any) -> Flask:
        """Make moto's app for one service, with our responses where we have them."""
        app = create_backend_app(service)
        replacement = self._replacements().get(service)
        if replacement is not None:
            # Every route of the service leads to our response; moto's stays for what it inherits.
            for endpoint in app.view_functions:
                app.view_functions[endpoint] = convert_to_flask_response(replacement.dispatch)
        return app

    def _replacements(self) -> dict[str, type[BaseResponse]]:
        schedules, packages = self._schedules, self._packages
        return {
            "rds": _bound(Rds, aurora=self.aurora, wake=staticmethod(self._ticker.wake)),
            "events": _bound(EventBridge, delivery=self._delivery, schedules=schedules),
            "awslambda": _bound(
                Lambda, functions=self.functions, enforcer=self.enforcer, packages=packages
            ),
            "dynamodb": _bound(DynamoDB, lock=threading.RLock(), tokens=Tokens()),
            "sns": Sns,
            "sts": Sts,
            "kms": Kms,
            "logs": LogsApi,
            "route53": _bound(Route53, propagation=self._propagation),
            "secretsmanager": Secrets,
            "cloudformation": _bound(
                CloudFormation, stacks=AllStacks(EndpointClients(self.endpoint).of_account)
            ),
        }


def _bound(response: type[BaseResponse], **shared: Any) -> type[BaseResponse]:
    """Give a response class what it shares with this server, for moto makes many instances."""
    return type(response.__name__, (response,), shared)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Else the port of a server that has just ended is taken for a minute (TIME_WAIT).
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        why = _WHY_NOT_HERE.get(error.errno or 0)
        if why is None:
            raise
        raise PortTakenError(f"Port {port} of {HOST} {why}") from error
    return listener


class _Dispatcher(DomainDispatcherApplication):
    """moto's, but for a list of moto's own folder, which it makes for every request: 1.3 ms."""

    def __init__(self, create_app: Callable[[Any], Flask]) -> None:
        super().__init__(create_app)
        self._service_of = lru_cache(HOSTS_MAX)(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        """Find the service that answers at a host."""
        return self._service_of(host)


class _QuietHandler(MotoRequestHandler):
    """Requests are not printed; errors go to localaws' own log."""

    # one request a connection: after `stop` no kept-alive connection is answered by a dead world
    protocol_version = "HTTP/1.0"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  (werkzeug's name)
        """Write what is not an everyday request."""
        if type != "info":
            _log.error(message, *args)


def _http_server(listener: socket.socket, app: Callable[..., Any]) -> BaseWSGIServer:
    with listener:
        host, port = listener.getsockname()
        return make_server(
            host, port, app, threaded=True, request_handler=_QuietHandler, fd=listener.fileno()
        )


def _stop_http(http: BaseWSGIServer, thread: threading.Thread) -> None:
    if thread.is_alive():  # else `shutdown` would wait for ever
        http.shutdown()
        thread.join()
    http.server_close()


def _forget_everything() -> None:
    """Empty moto: its state outlives a server otherwise.

    Not by moto's own `reset_model_data`, which fails when a request that is still running imports
    another service.
    """
    BackendDict.reset()
    for models in list(model_data.values()):
        for model in list(models.values()):
            model.instances_tracked = []  # type: ignore[attr-defined]  # every model has them


def _log_to(file: Path) -> logging.Handler:
    handler = LogFile(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False
    return handler


def _stop_logging(handler: logging.Handler) -> None:
    _log.removeHandler(handler)
    handler.close()

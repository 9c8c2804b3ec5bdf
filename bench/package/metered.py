"""Lies beside the app in the measured package.

Passes events on to its handlers, and prints what each one took.

The time within calls of AWS and of PostgreSQL is left out. So is the making of a client, which
happens once for each service, and is told apart. Everything else is the function's own. Time is
that of the processor, which no other program on this machine is in: a function waits for nothing
but its calls.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.client

import app

MARK = "METERED "
Handler = Callable[[Any, Any], Any]
CURSOR, CONNECTION = (
    ("execute", "fetchall", "fetchone"),
    ("commit", "rollback", "close", "__exit__"),
)


class CallMeter:
    """Adds up the time within what is wrapped.

    What is called from within something wrapped is in it already.
    """

    def __init__(self) -> None:
        self.seconds = {"calls": 0.0, "clients": 0.0}
        self._inside = False

    def wrap(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Have a function add its time."""

        def wrapped(*arguments: Any, **parameters: Any) -> Any:
            if self._inside:
                return function(*arguments, **parameters)
            self._inside, begun = True, time.thread_time()
            try:
                return function(*arguments, **parameters)
            finally:
                self._inside = False
                self.seconds[kind] += time.thread_time() - begun

        return wrapped


def _meter_driver(meter: CallMeter) -> None:
    """Wrap what of PostgreSQL's driver speaks to the server."""
    import psycopg2.extensions  # noqa: PLC0415 # of one function alone, as in the app

    from chalicelib.database import connection as session  # noqa: PLC0415
    from chalicelib.database import restored_database  # noqa: PLC0415
    from chalicelib.database.handshake import attempt_login  # noqa: PLC0415

    def metered(kind: type, methods: tuple[str, ...]) -> type:
        return type(
            f"Metered{kind.__name__}",
            (kind,),
            {n: meter.wrap("calls", getattr(kind, n)) for n in methods},
        )

    connect = psycopg2.connect
    how = {
        "connection_factory": metered(psycopg2.extensions.connection, CONNECTION),
        "cursor_factory": metered(psycopg2.extensions.cursor, CURSOR),
    }
    psycopg2.connect = meter.wrap("calls", lambda **given: connect(**given, **how))
    # The app's own handshake, where libpq tells too little, has its name in the two modules that
    # use it.
    vars(restored_database)["attempt_login"] = vars(session)["attempt_login"] = meter.wrap(
        "calls", attempt_login
    )


def _meter_everything(meter: CallMeter, handler: str) -> None:
    client = botocore.client.BaseClient
    client._make_api_call = meter.wrap("calls", client._make_api_call)  # noqa: SLF001 # every call goes through it
    boto3.client = meter.wrap("clients", boto3.client)
    if handler == "setup_db_users":
        _meter_driver(meter)


def __getattr__(name: str) -> Handler:
    """Give the metered twin of a handler, the one that this process is for."""
    handler: Handler = getattr(app, name)
    meter = CallMeter()
    _meter_everything(meter, name)

    def metered(event: Any, context: Any) -> Any:
        before, begun = dict(meter.seconds), time.thread_time()
        answer = handler(event, context)
        whole = time.thread_time() - begun
        apart = {kind: seconds - before[kind] for kind, seconds in meter.seconds.items()}
        told = {"own": whole - sum(apart.values()), **apart, "peak_kib": _peak_kib()}
        sys.stdout.write(f"{MARK}{json.dumps(told)}\n")
        return answer

    return metered


def _peak_kib() -> int:
    """Read the most memory that this program had.

    What getrusage tells is that of the program that started it, too.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))

"""Lambda: invocations of deployed functions, at once or queued, with Lambda's own retries.

At most WORKERS_PER_FUNCTION_MAX invocations of one function and WORKERS_MAX in all run at once; the
others wait in order. A reserved concurrency is honoured as on AWS: above it a synchronous call is
throttled, a queued one waits, and 0 stops both.
"""

import heapq
import itertools
import json
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from moto.awslambda.models import LambdaFunction

from localaws.function_lookup import (
    FunctionName,
    event_invoke_setting,
    reserved_concurrency,
    specification_of,
)
from localaws.iam import lambdas
from localaws.iam.enforcer import Enforcer
from localaws.logs import Logs
from localaws.packages import Packages
from localaws.pool import WORKERS_MAX, WORKERS_PER_FUNCTION_MAX, Pool
from localaws.workers import InvocationResult, Specification, Worker

# A failed asynchronous invocation is tried again after one minute and after two more (Lambda
# developer guide, asynchronous invocation), and an event lives for six hours.
RETRY_DELAYS_SECONDS: Final = (60.0, 120.0)
AGE_SECONDS_MAX: Final = 21_600
REAP_EVERY_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class ThrottledError(Exception):
    """A synchronous invocation found the function's reserved concurrency in use."""


@dataclass
class QueuedEvent:
    """One event on its way through a function. `answer` is set for a caller who waits."""

    function: FunctionName
    event: Any
    answer: "Future[InvocationResult] | None" = None
    attempts: int = 0
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accepted_at: float = field(default_factory=time.monotonic)


OnEnd = Callable[[QueuedEvent, LambdaFunction, InvocationResult, str], None]
"""Hears of each queued invocation that is over, with the condition of its record."""


class Functions:
    """All functions of all accounts and regions of this world."""

    def __init__(
        self,
        packages: Packages,
        logs: Logs,
        enforcer: Enforcer,
        *,
        endpoint: Callable[[], str],
        speed: float,
    ) -> None:
        self.on_end: OnEnd = lambda _invocation, _function, _outcome, _condition: None
        self._packages = packages
        self._logs = logs
        self._enforcer = enforcer
        self._endpoint = endpoint
        self._speed = speed
        self._pool = Pool(self._start_worker)
        self._changed = threading.Condition()
        self._later: list[tuple[float, int, QueuedEvent]] = []
        self._order = itertools.count()
        self._waiting: list[QueuedEvent] = []
        self._running: Counter[FunctionName] = Counter()
        self._closed = False
        self._thread = threading.Thread(
            target=self._dispatch, name="localaws-functions", daemon=True
        )

    def start(self) -> None:
        """Begin to run what is invoked."""
        self._thread.start()

    def invoke(self, function: FunctionName, event: Any) -> InvocationResult:
        """Run a function now and wait for its end.

        Raise ThrottledError above its reserved concurrency.
        """
        deployed = function.find()
        limit = None if deployed is None else reserved_concurrency(deployed)
        answer: Future[InvocationResult] = Future()
        with self._changed:
            # A caller who waits is refused at once; only queued events wait for their turn.
            if limit is not None and self._running[function] >= limit:
                raise ThrottledError(
                    f"{function.name} runs {limit} times already, as many as it reserves."
                )
            self._waiting.append(QueuedEvent(function, event, answer))
            self._changed.notify_all()
        return answer.result()

    def enqueue(self, function: FunctionName, event: Any) -> str:
        """Queue an event for a function as Lambda's asynchronous invocation does.

        Give the request id.
        """
        invocation = QueuedEvent(function, event)
        self._put(invocation, after_seconds=0.0)
        return invocation.request_id

    def _put(self, invocation: QueuedEvent, *, after_seconds: float) -> None:
        with self._changed:
            heapq.heappush(
                self._later, (time.monotonic() + after_seconds, next(self._order), invocation)
            )
            self._changed.notify_all()

    def _dispatch(self) -> None:
        while True:
            with self._changed:
                if self._closed:  # asked with the lock held: else `close` notifies nobody
                    return
                self._admit()
                self._launch_what_fits()
                self._changed.wait(self._seconds_until_next())
            self._pool.reap()

    def _admit(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            self._waiting.append(heapq.heappop(self._later)[2])

    def _seconds_until_next(self) -> float:
        next_at = self._later[0][0] if self._later else time.monotonic() + REAP_EVERY_SECONDS
        return min(max(0.0, next_at - time.monotonic()), REAP_EVERY_SECONDS)

    def _launch_what_fits(self) -> None:
        for invocation in list(self._waiting):
            if self._fits(invocation.function):
                self._waiting.remove(invocation)
                self._running[invocation.function] += 1
                threading.Thread(target=self._run, args=(invocation,), daemon=True).start()

    def _fits(self, name: FunctionName) -> bool:
        function = name.find()
        reserved = None if function is None else reserved_concurrency(function)
        # A function that reserves 0 passes here: _attempt drops its events, as Lambda does.
        limit = min(WORKERS_PER_FUNCTION_MAX, reserved or WORKERS_PER_FUNCTION_MAX)
        return self._running.total() < WORKERS_MAX and self._running[name] < limit

    def _run(self, invocation: QueuedEvent) -> None:
        """Run one attempt in a thread of its own, and see to what follows from it."""
        try:
            function = invocation.function.find()
            if function is None:
                self._finish_missing(invocation)
            else:
                self._attempt(invocation, function)
        finally:
            _answer_if_nobody_did(invocation)
            with self._changed:
                self._running[invocation.function] -= 1
                self._changed.notify_all()

    def _finish_missing(self, invocation: QueuedEvent) -> None:
        text = (
            f"{invocation.function.name} is not deployed in {invocation.function.region}; its "
            "event is dropped."
        )
        _log.error("%s", text)
        if invocation.answer is not None:
            invocation.answer.set_result(
                InvocationResult(json.dumps({"errorMessage": text}), "Unhandled")
            )

    def _attempt(self, invocation: QueuedEvent, function: LambdaFunction) -> None:
        # Lambda drops events of a function that reserves none, at once and without an attempt.
        if invocation.answer is None and reserved_concurrency(function) == 0:
            self._end(
                invocation,
                function,
                InvocationResult("null", "Throttled"),
                "ZeroReservedConcurrency",
            )
            return
        invocation.attempts += 1
        outcome = self._run_in_worker(invocation, function)
        if invocation.answer is not None:
            invocation.answer.set_result(outcome)
        elif outcome.error is None:
            self._end(invocation, function, outcome, "Success")
        elif not self._closed:
            self._retry(invocation, function, outcome)

    def _run_in_worker(self, invocation: QueuedEvent, function: LambdaFunction) -> InvocationResult:
        try:
            worker = self._pool.take(specification_of(function, self._packages, self._endpoint()))
        except OSError as error:
            # No process can be started. As on Lambda, that is a failed attempt, which is repeated.
            return InvocationResult(
                json.dumps({"errorType": "Runtime.Unknown", "errorMessage": str(error)}),
                "Unhandled",
            )
        try:
            return worker.invoke(invocation.request_id, invocation.event)
        finally:
            self._pool.give_back(worker)

    def _retry(
        self, invocation: QueuedEvent, function: LambdaFunction, outcome: InvocationResult
    ) -> None:
        """Try a failed event again after Lambda's own delays, as its settings allow."""
        setting = event_invoke_setting(function)
        retries = int(setting.get("MaximumRetryAttempts", len(RETRY_DELAYS_SECONDS)))
        age_seconds_max = (
            int(setting.get("MaximumEventAgeInSeconds", AGE_SECONDS_MAX)) / self._speed
        )
        if invocation.attempts > retries:
            self._end(invocation, function, outcome, "RetriesExhausted")
            return
        delay_seconds = RETRY_DELAYS_SECONDS[invocation.attempts - 1] / self._speed
        if time.monotonic() + delay_seconds - invocation.accepted_at > age_seconds_max:
            self._end(invocation, function, outcome, "EventAgeExceeded")
        else:
            self._put(invocation, after_seconds=delay_seconds)

    def _end(
        self,
        invocation: QueuedEvent,
        function: LambdaFunction,
        outcome: InvocationResult,
        condition: str,
    ) -> None:
        if outcome.error is not None:
            text = "%s gave up on an event after %d attempts (%s): %s"
            _log.error(
                text, function.function_name, invocation.attempts, condition, outcome.payload
            )
        self.on_end(invocation, function, outcome, condition)

    def _start_worker(self, here: Specification) -> Worker:
        """Start a worker with credentials of the function's role.

        Without that role's leave nothing is logged.
        """
        session = self._enforcer.session(here.role, here.arn)
        logged: dict[str, bool] = {}

        def write(stream: str, line: str) -> None:
            if stream not in logged:
                logged[stream] = self._enforcer.allows(
                    here.role, here.arn, lambdas.logging(here.arn, stream)
                )
            place = {
                "account": here.account,
                "region": here.region,
                "group": here.log_group,
                "stream": stream,
            }
            self._logs.write(**place, line=line, kept=logged[stream])

        return Worker(here, session.environment, write)

    @property
    def process_ids(self) -> list[int]:
        """The worker processes that run now."""
        return self._pool.process_ids

    def close(self) -> None:
        """Stop: nothing starts any more, and what runs is ended in the middle."""
        with self._changed:
            self._closed = True
            for invocation in self._waiting:
                _answer_if_nobody_did(invocation)
            self._changed.notify_all()
        self._pool.close()
        if self._thread.is_alive():
            self._thread.join()


def _answer_if_nobody_did(invocation: QueuedEvent) -> None:
    """Fail an invocation that will never answer: the server stops, or no worker starts."""
    if invocation.answer is not None and not invocation.answer.done():
        body = {
            "errorType": "Runtime.Unknown",
            "errorMessage": f"{invocation.function.name} did not run. See localaws' log.",
        }
        invocation.answer.set_result(InvocationResult(json.dumps(body), "Unhandled"))

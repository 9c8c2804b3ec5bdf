"""The front door: localaws' own addresses, and moto behind it for everything that is AWS."""

import errno
import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from localaws.aurora import Aurora, RdsError
from localaws.aurora.errors import cluster_not_found
from localaws.aurora.modelled_actions import ACTIONS
from localaws.iam.enforcer import Enforcer
from localaws.modelled import NOT_MODELLED_CODE, refusal_of
from localaws.protocols import Answer, RequestedCall, requested_call, write_error

ACCOUNT: Final = "123456789012"
_JSON: Final = "application/json"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_FAULT_CHARACTERS_MAX: Final = 200
_log: Final = logging.getLogger(__name__)
Application = Callable[..., Iterable[bytes]]


class Gateway:
    """The WSGI application of a server."""

    def __init__(
        self,
        aws: Application,
        aurora: Aurora,
        enforcer: Enforcer,
        wake: Callable[[], None],
        folder: Path,
    ) -> None:
        self._folder = folder
        self._aws = aws
        self._enforcer = enforcer
        self._aurora = aurora
        self._wake = wake

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if not path.startswith("/localaws/"):
            return self._ask_aws(environ, start_response)
        status, answer = self._own(method, path, parse_qs(environ.get("QUERY_STRING", "")))
        return _send(start_response, status, _JSON, (json.dumps(answer) + "\n").encode())

    def _ask_aws(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Pass a request on, if localaws models it and its caller may make it.

        What is not modelled is refused as HTTP 501, which no client repeats, not as 500.
        """
        wanted = requested_call(environ)
        reason = refusal_of(wanted)
        if reason:
            return _answer(
                start_response, write_error(wanted.protocol, NOT_MODELLED_CODE, reason, 501)
            )
        refused = self._enforcer.refused(environ)
        if refused:
            return _answer(start_response, refused)
        try:
            return self._aws(environ, start_response)
        except Exception as error:  # noqa: BLE001
            # moto raises anything, and a client reads nothing but its own service's errors.
            code, sentence, status = self._failure(wanted, error)
        return _answer(start_response, write_error(wanted.protocol, code, sentence, status))

    def _failure(self, wanted: RequestedCall, error: Exception) -> tuple[str, str, int]:
        """Say what went wrong: error code, sentence, HTTP status.

        SDKs repeat a 503, and nothing else of these.
        """
        call = f"{wanted.operation} of {wanted.service}".strip()
        if isinstance(error, NotImplementedError):
            return NOT_MODELLED_CODE, f"localaws does not model this: {error}.", 501
        if isinstance(error, OSError) and error.errno in _FULL:
            sentence = (
                f"The data folder {self._folder} is full. {call} changed nothing; free some space."
            )
            return "ServiceUnavailable", sentence, 503
        _log.error("%s failed.", call, exc_info=error)
        fault = f"{type(error).__name__}: {error}"[:_FAULT_CHARACTERS_MAX]
        sentence = (
            f"localaws does not model {call} with these parameters; moto fails on them ({fault})."
        )
        return NOT_MODELLED_CODE, sentence, 501

    def _own(
        self, method: str, path: str, query: dict[str, list[str]]
    ) -> tuple[str, dict[str, Any]]:
        if (method, path) == ("GET", "/localaws/health"):
            return "200 OK", {"status": "ok"}
        if (method, path) == ("POST", "/localaws/night"):
            return self._night(query)
        if (method, path) == ("POST", "/localaws/refusal"):
            return self._refusal(query)
        return "404 Not Found", {
            "error": f"There is no {method} {path}; there are GET /localaws/health, POST "
            "/localaws/night and POST /localaws/refusal."
        }

    def _refusal(self, query: dict[str, list[str]]) -> tuple[str, dict[str, Any]]:
        """Have the next call of an action of RDS refused, as AWS may do for reasons of its own."""
        action, code = (query.get(name, [""])[0] for name in ("action", "code"))
        if action not in ACTIONS or not code:
            return "400 Bad Request", {
                "error": "A refusal needs an action of RDS that is modelled, and an error code: "
                "POST /localaws/refusal?action=…&code=…."
            }
        self._aurora.fail_next(action, code, "Somebody asked localaws to refuse this call.")
        return "200 OK", {"refused next": action}

    def _night(self, query: dict[str, list[str]]) -> tuple[str, dict[str, Any]]:
        """Take Aurora's automated snapshot of a cluster, for which AWS has no API."""
        missing = [name for name in ("cluster", "region") if name not in query]
        if missing:
            return "400 Bad Request", {
                "error": f"A night needs {' and '.join(missing)}: POST "
                "/localaws/night?cluster=…&region=…."
            }
        cluster, region = query["cluster"][0], query["region"][0]
        clusters = self._aurora.clusters_of(ACCOUNT)
        try:
            if region not in clusters:  # AWS may have no such region, so none is made for it
                raise cluster_not_found(cluster)
            snapshot = self._aurora.take_automated_snapshot(cluster, account=ACCOUNT, region=region)
        except RdsError as error:
            return f"{error.http_status} Refused", {
                "code": error.code,
                "error": error.message,
                "clusters": clusters,
            }
        self._wake()
        return "200 OK", {"DBClusterSnapshotIdentifier": snapshot}


def _answer(start_response: Callable[..., Any], answer: Answer) -> Iterable[bytes]:
    return _send(start_response, answer.status, answer.kind, answer.body, *answer.headers)


def _send(
    start_response: Callable[..., Any],
    status: str,
    kind: str,
    content: bytes,
    *headers: tuple[str, str],
) -> Iterable[bytes]:
    start_response(
        status, [("Content-Type", kind), ("Content-Length", str(len(content))), *headers]
    )
    return [content]

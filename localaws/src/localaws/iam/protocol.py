"""Requests of functions as IAM looks at them: which call one is, with its parameters."""

from typing import Any

from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model

from localaws.iam.permission_request import Call, UnmodelledPermissionError
from localaws.iam.refusals import AccessDenial
from localaws.iam.requests import KNOWN
from localaws.protocols import (
    Answer,
    Signature,
    body_of,
    protocol_of,
    routed,
    values_of,
    write_error,
)


def call_of(signature: Signature, environ: dict[str, Any], *, account: str, function: str) -> Call:
    """Read which call a request is; its body can be read again.

    Raises UnmodelledPermissionError for one nobody can judge.
    """
    values, body = values_of(environ), body_of(environ)
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or values.get("Action", "")
    in_path: dict[str, Any] = {}
    if not operation and signature.service in KNOWN:
        operation, in_path = routed(signature.service, environ)
    if operation not in KNOWN.get(signature.service, ()):
        what = f"{signature.service}:{operation or environ.get('PATH_INFO', '')}"
        raise UnmodelledPermissionError(f"localaws does not know which permissions {what} needs.")
    parameters = _parsed(signature.service, operation, values, body, in_path)
    return Call(signature.service, operation, parameters, account, signature.region, function)


def _parsed(
    service: str,
    operation: str,
    values: dict[str, str],
    body: bytes,
    in_path: dict[str, Any],
) -> dict[str, Any]:
    model = get_service_model(service)
    try:
        parser = PROTOCOL_PARSERS[model.metadata["protocol"]](model.operation_model(operation))
    except OperationNotFoundError as error:
        raise UnmodelledPermissionError(f"{service} has no {operation}.") from error
    request: Any = {
        "values": values,
        "body": body,
        "method": "POST",
        "headers": {},
        "url_params": in_path,
        "url_path": "/",
    }
    parsed: dict[str, Any] = parser.parse(request)
    return parsed


def answer(service: str, refusal: AccessDenial) -> Answer:
    """Write a refusal down as the service does whose call it was."""
    return write_error(protocol_of(service), refusal.code, refusal.message, refusal.status)

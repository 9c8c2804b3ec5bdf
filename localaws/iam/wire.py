"""Requests as they come over HTTP: who signed one, which call it is, and how its service writes an error."""

import io
import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model

from localaws.iam.asks import Call, NotModelledAskError
from localaws.iam.refusals import Refusal
from localaws.iam.requests import KNOWN
from localaws.rds_http import error_document

_SIGNED: Final = re.compile(r"Credential=(?P<key>\w+)/\d{8}/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request")
_REASONS: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 501: "Not Implemented"}
_XML, _JSON = "text/xml", "application/x-amz-json-1.0"


@dataclass(frozen=True)
class Signature:
    """Who signed a request, for which service in which region."""

    access_key: str
    token: str
    service: str
    region: str


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: str
    kind: str
    body: str


def signature_of(environ: dict[str, Any]) -> Signature | None:
    """Read the signature of a request, in its header or, where it was signed beforehand, in its address."""
    query = unquote(environ.get("QUERY_STRING", ""))
    found = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", "")) or _SIGNED.search(query)
    if found is None:
        return None
    token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or dict(parse_qsl(environ.get("QUERY_STRING", ""))).get(
        "X-Amz-Security-Token", ""
    )
    return Signature(found["key"], token, found["service"], found["region"])


def call_of(signature: Signature, environ: dict[str, Any], *, account: str, function: str) -> Call:
    """Read which call a request is; its body can be read again. Raises NotModelledAskError for one nobody can judge."""
    body = _body(environ)
    values = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        values |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or values.get("Action", "")
    if operation not in KNOWN.get(signature.service, ()):
        what = f"{signature.service}:{operation or environ.get('PATH_INFO', '')}"
        raise NotModelledAskError(f"localaws does not know which permissions {what} needs.")
    parameters = _parsed(signature.service, operation, values, body)
    return Call(signature.service, operation, parameters, account, signature.region, function)


def _body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _parsed(service: str, operation: str, values: dict[str, str], body: bytes) -> dict[str, Any]:
    model = get_service_model(service)
    try:
        parser = PROTOCOL_PARSERS[model.metadata["protocol"]](model.operation_model(operation))
    except OperationNotFoundError as error:
        raise NotModelledAskError(f"{service} has no {operation}.") from error
    request: Any = {"values": values, "body": body, "method": "POST", "headers": {}, "url_params": {}, "url_path": "/"}
    parsed: dict[str, Any] = parser.parse(request)
    return parsed


def answer(service: str, refusal: Refusal) -> Answer:
    """Write a refusal down as the service does whose call it was; one that nobody knows speaks JSON."""
    status = f"{refusal.status} {_REASONS[refusal.status]}"
    error = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
    protocol = _protocol(service)
    if protocol == "query":
        return Answer(status, _XML, error_document(refusal.code, refusal.message, status=refusal.status))
    if protocol == "ec2":
        return Answer(status, _XML, f"<Response><Errors><Error>{error}</Error></Errors><RequestID/></Response>")
    if protocol == "rest-xml":
        return Answer(status, _XML, f"<Error>{error}</Error>")
    return Answer(status, _JSON, json.dumps({"__type": refusal.code, "message": refusal.message}))


def _protocol(service: str) -> str:
    try:
        return str(get_service_model(service).metadata["protocol"])
    except UnknownServiceError:
        return "json"

"""Requests and errors over HTTP: which call it is, and how its protocol writes an error."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from localaws.documents import strict_json
from localaws.rds_http import error_document

_SIGNED: Final = re.compile(
    r"Credential=(?P<key>\w+)/\d{8}/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request"
)
_CBOR_PATH: Final = re.compile(r"/service/\w+/operation/(?P<operation>\w+)")
_STREAMS: Final = "DynamoDBStreams"
_S3_CONTROL: Final = "/v20180820/"
_NAMES: Final = {"monitoring": "cloudwatch", "eventbridge": "events"}
"""Services whose signatures name them otherwise than botocore does."""

_REASONS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    501: "Not Implemented",
    503: "Service Unavailable",
}
_FORM: Final = "application/x-www-form-urlencoded"
_XML: Final = "text/xml"
_SHORT, _LONG = 24, 0x10000


@dataclass(frozen=True)
class Signature:
    """Who signed a request, for which service in which region."""

    access_key: str
    token: str
    service: str
    region: str


@dataclass(frozen=True)
class RequestedCall:
    """What a request asks for. `operation` is empty where nobody can tell.

    `service` where nobody signed it.
    """

    service: str
    operation: str
    protocol: str
    parameters: Callable[[], set[str]] = field(default=set)
    """Reads the names of the parameters that are given, at the top level, of JSON and of forms."""


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: str
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = field(default=())


def signature_of(environ: dict[str, Any]) -> Signature | None:
    """Read the signature of a request, in its header or, presigned, in its URL."""
    query = unquote(environ.get("QUERY_STRING", ""))
    found = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", "")) or _SIGNED.search(query)
    if found is None:
        return None
    token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or dict(
        parse_qsl(environ.get("QUERY_STRING", ""))
    ).get("X-Amz-Security-Token", "")
    return Signature(found["key"], token, found["service"], found["region"])


def body_of(environ: dict[str, Any]) -> bytes:
    """Read the body of a request, which can be read again afterwards."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    # A request's stream can be read once, and moto reads it after us.
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def values_of(environ: dict[str, Any]) -> dict[str, str]:
    """Read the values of a request, in its URL, and in its body where that is a form."""
    values = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if environ.get("CONTENT_TYPE", "").startswith(_FORM):
        values |= dict(parse_qsl(body_of(environ).decode(errors="replace"), keep_blank_values=True))
    return values


def requested_call(environ: dict[str, Any]) -> RequestedCall:
    """Tell which call a request is, and the protocol in which its caller expects an error."""
    signature = signature_of(environ)
    service = "" if signature is None else _NAMES.get(signature.service, signature.service)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        is_stream = service == "dynamodb" and target.startswith(_STREAMS)
        names = partial(_names_of_json, environ)
        return RequestedCall(
            "dynamodbstreams" if is_stream else service, target.rpartition(".")[2], "json", names
        )
    # CloudWatch and others speak CBOR to newer SDKs, and name the operation in the path.
    by_path = _CBOR_PATH.fullmatch(environ.get("PATH_INFO", ""))
    if by_path:
        return RequestedCall(service, by_path["operation"], "smithy-rpc-v2-cbor")
    values = values_of(environ)
    if "Action" in values:
        names = partial(set, (name.partition(".")[0] for name in values))
        return RequestedCall(
            service, values["Action"], "ec2" if service == "ec2" else "query", names
        )
    if service == "s3" and environ.get("PATH_INFO", "").startswith(_S3_CONTROL):
        return RequestedCall("s3control", "", "rest-xml")
    protocol = protocol_of(service)
    # Another service may sign by the same name, and some requests are no calls at all.
    if not protocol.startswith("rest-"):
        return RequestedCall(service, "", "rest-json")
    return RequestedCall(service, routed(service, environ)[0], protocol)


def _names_of_json(environ: dict[str, Any]) -> set[str]:
    try:
        body = strict_json(body_of(environ))
    except ValueError:
        return set()
    return set(body) if isinstance(body, dict) else set()


def protocol_of(service: str) -> str:
    """Name the protocol of a service; one that nobody knows speaks JSON."""
    try:
        return str(get_service_model(_NAMES.get(service, service)).metadata["protocol"])
    except UnknownServiceError:
        return "json"


def routed(service: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Find the operation by method and path, as REST services are addressed.

    With it come the parameters in the path; without one the name is empty.
    """
    try:
        operation, in_path = get_service_router(service).match(Request(dict(environ)))
    except (HTTPException, NotImplementedError):
        return "", {}
    return str(operation.name), in_path


def write_error(protocol: str, code: str, message: str, status: int) -> Answer:
    """Write an error as a protocol does."""
    line = f"{status} {_REASONS[status]}"
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "query":
        return Answer(line, _XML, error_document(code, message, status=status).encode())
    if protocol == "ec2":
        body = f"<Response><Errors><Error>{error}</Error></Errors><RequestID/></Response>"
        return Answer(line, _XML, body.encode())
    if protocol == "rest-xml":
        return Answer(line, _XML, f"<Error>{error}</Error>".encode())
    if protocol == "smithy-rpc-v2-cbor":
        cbor = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
        return Answer(line, "application/cbor", cbor, (("smithy-protocol", "rpc-v2-cbor"),))
    body = json.dumps({"__type": code, "message": message})
    return Answer(line, "application/x-amz-json-1.0", body.encode(), (("x-amzn-ErrorType", code),))


def _cbor_text(text: str) -> bytes:
    """Write a text of at most 64 KB as CBOR does (RFC 8949, major type 3)."""
    content = text.encode()[: _LONG - 1]
    if len(content) < _SHORT:
        return bytes([0x60 + len(content)]) + content
    return b"\x79" + len(content).to_bytes(2) + content

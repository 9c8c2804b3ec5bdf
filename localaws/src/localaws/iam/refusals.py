"""How AWS says that somebody may not: each service's own error code, and IAM's sentence."""

from dataclasses import dataclass
from typing import Final

from localaws.iam.evaluation import Decision
from localaws.iam.permission_request import Call, PermissionRequest


@dataclass(frozen=True)
class AccessDenial:
    """An error as it goes out: its code, its message and the HTTP status."""

    code: str
    message: str
    status: int


_QUERY: Final = ("AccessDenied", 403)
_JSON: Final = ("AccessDeniedException", 400)
_CODES: Final = {
    "ec2": ("UnauthorizedOperation", 403),
    "rds": _QUERY,
    "route53": _QUERY,  # in XML, too
    "sns": ("AuthorizationError", 403),
    "sqs": _QUERY,  # although it speaks JSON
    "sts": _QUERY,
}
_KEY_CODES: Final = {  # what a service says when the caller may not have it use a key
    "rds": ("KMSKeyNotAccessibleFault", 400),
    "sns": ("KMSAccessDenied", 400),
}


_UNKNOWN: Final = "The security token included in the request is invalid."
_UNKNOWN_CODES: Final = {
    "ec2": ("AuthFailure", 401),
    **dict.fromkeys(("rds", "route53", "sns", "sqs", "sts"), ("InvalidClientTokenId", 403)),
}


def unknown_credentials(service: str) -> AccessDenial:
    """Say that temporary credentials are none that anybody was given."""
    code, status = _UNKNOWN_CODES.get(service, ("UnrecognizedClientException", 400))
    return AccessDenial(code, _UNKNOWN, status)


def refusal(call: Call, ask: PermissionRequest, decision: Decision, who: str) -> AccessDenial:
    """Say that a call is denied to a session (ARN), by the request that was denied."""
    of_key = ask.action.startswith("kms:") and call.service != "kms"
    code, status = (_KEY_CODES if of_key else _CODES).get(call.service, _JSON)
    sentence = (
        f"User: {who} is not authorized to perform: {ask.action} on resource: {ask.resource} "
        f"{decision.why}"
    )
    return AccessDenial(code, sentence, status)

"""Parts of a call that moto would accept and forget: refused here, each with a sentence."""

from collections.abc import Mapping
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from werkzeug.exceptions import HTTPException

from localaws.modelled import NOT_MODELLED_CODE
from localaws.rds_http import error_document


class NotModelledError(JsonRESTError):
    """AWS has it and localaws has not.

    It reaches the client as HTTP 400, so that nobody repeats the call.
    """

    code = 400

    def __init__(self, sentence: str) -> None:
        super().__init__(NOT_MODELLED_CODE, sentence)


def json_error(response: BaseResponse, error: JsonRESTError) -> TYPE_RESPONSE:
    """Return the answer with an error of a JSON service that moto's dispatch did not see."""
    headers = {**response.response_headers, **dict(error.get_headers()), "status": str(error.code)}
    return error.code, headers, error.description


class QueryError(HTTPException):
    """An error of a query service, with a code that its model may not have."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(error_document(code, message, status=status))
        self.code = status

    def get_headers(self, *_: Any, **__: Any) -> list[tuple[str, str]]:
        """Give the headers of the answer."""
        return [("Content-Type", "text/xml")]


def check_fields(body: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    """Refuse parameters that moto would drop without a word."""
    unknown = sorted(body.keys() - known)
    if unknown:
        raise NotModelledError(
            f"localaws does not model {', '.join(unknown)} of {what}. Leave it out."
        )

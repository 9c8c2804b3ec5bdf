"""What moto would accept and forget, or answer without meaning it: refused here, each with a sentence."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse

NOT_MODELLED_CODE: Final = "LocalAwsNotModelled"


class NotModelledError(JsonRESTError):
    """AWS has it and localaws has not. It reaches the client as HTTP 400, so that nobody repeats the call."""

    code = 400

    def __init__(self, sentence: str) -> None:
        super().__init__(NOT_MODELLED_CODE, sentence)


class Refusing(BaseResponse):
    """A response class that refuses whole actions. `refused` maps their names to the reason, a sentence."""

    refused: ClassVar[Mapping[str, str]] = {}

    def call_action(self) -> TYPE_RESPONSE:
        """Answer an action that is refused; leave the others to moto."""
        reason = self.refused.get(self._get_action())
        if reason is None:
            return super().call_action()
        return error_response(self, f"localaws does not model {self._get_action()}. {reason}")


def error_response(response: BaseResponse, sentence: str) -> TYPE_RESPONSE:
    """Build the answer for a refused action of a JSON protocol."""
    error = NotModelledError(sentence)
    headers: dict[str, Any] = {**response.response_headers, **dict(error.get_headers()), "status": "400"}
    return 400, headers, error.description


def check_fields(body: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    """Refuse parameters that moto would drop without a word."""
    unknown = sorted(body.keys() - known)
    if unknown:
        raise NotModelledError(f"localaws does not model {', '.join(unknown)} of {what}. Leave it out.")

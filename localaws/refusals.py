"""Parts of a call that moto would accept and forget: refused here, each with a sentence."""

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError

from localaws.modelled import NOT_MODELLED_CODE


class NotModelledError(JsonRESTError):
    """AWS has it and localaws has not. It reaches the client as HTTP 400, so that nobody repeats the call."""

    code = 400

    def __init__(self, sentence: str) -> None:
        super().__init__(NOT_MODELLED_CODE, sentence)


def check_fields(body: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    """Refuse parameters that moto would drop without a word."""
    unknown = sorted(body.keys() - known)
    if unknown:
        raise NotModelledError(f"localaws does not model {', '.join(unknown)} of {what}. Leave it out.")

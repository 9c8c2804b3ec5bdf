"""Why AWS does not say whose credentials these are: for everybody who asks it that first."""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

# An endpoint that is no URL is a ValueError, for which botocore has no error of its own, and a page
# of a proxy's that happens to be XML has no account in it: a KeyError.
NO_CALLER: Final = (BotoCoreError, ClientError, ResponseParserError, ValueError, KeyError)
_WAY: Final = (
    "See that the network and its proxy lead to AWS, that AWS_ENDPOINT_URL is as meant, and that "
    "TARGET_REGION is a region."
)
_SIGN_IN: Final = (
    "Sign in (`aws configure`, `aws sso login`, or AWS_PROFILE), then try `aws sts "
    "get-caller-identity`."
)
_SERVER_ERROR: Final = 500


def why_nobody_is_known(error: Exception, region: str) -> tuple[str, str]:
    """Say of one of NO_CALLER what is wrong, and what to do."""
    text = " ".join(str(error).split()).rstrip(".")
    match error:
        case KeyError():
            return (
                f"What answers in {region} is not AWS, but perhaps a proxy: it names no {text}.",
                _WAY,
            )
        case ResponseParserError():
            return f"What answers in {region} is not AWS, but perhaps a proxy: {text}.", _WAY
        case ValueError():
            return (
                f"The endpoint of AWS is not a URL: {text}.",
                "Correct or unset AWS_ENDPOINT_URL.",
            )
        case NoConnectionError() | HTTPClientError():
            return f"AWS does not answer in {region}: {text}.", _WAY
        case ClientError() if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
            return f"AWS, or a proxy before it, does not answer in {region}: {text}.", _WAY
        case _:
            return f"No valid AWS credentials: {text}.", _SIGN_IN

"""Why `sts:GetCallerIdentity` fails, which deployment and doctor both call first."""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

# botocore raises ValueError for an endpoint that is no URL. A proxy's page that happens to be XML
# is read as an answer without an account: a KeyError.
CALLER_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError, ValueError, KeyError)
_CHECK_NETWORK: Final = (
    "See that the network and its proxy lead to AWS, that AWS_ENDPOINT_URL is as meant, and that "
    "TARGET_REGION is a region."
)
_SIGN_IN: Final = (
    "Sign in (`aws configure`, `aws sso login`, or AWS_PROFILE), then try `aws sts "
    "get-caller-identity`."
)
_SERVER_ERROR: Final = 500


def explain_no_caller(error: Exception, region: str) -> tuple[str, str]:
    """Explain one of CALLER_ERRORS: what is wrong, and what to do."""
    text = " ".join(str(error).split()).rstrip(".")
    match error:
        case KeyError():
            what = f"What answers in {region} is not AWS, but perhaps a proxy: it names no {text}."
            return what, _CHECK_NETWORK
        case ResponseParserError():
            return (
                f"What answers in {region} is not AWS, but perhaps a proxy: {text}.",
                _CHECK_NETWORK,
            )
        case ValueError():
            what = f"The endpoint of AWS is not a URL: {text}."
            return what, "Correct or unset AWS_ENDPOINT_URL."
        case NoConnectionError() | HTTPClientError():
            return f"AWS does not answer in {region}: {text}.", _CHECK_NETWORK
        case ClientError() if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
            return (
                f"AWS, or a proxy before it, does not answer in {region}: {text}.",
                _CHECK_NETWORK,
            )
        case _:
            return f"No valid AWS credentials: {text}.", _SIGN_IN

"""The account that a stage belongs to: whose credentials these are, and clients to ask it with."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from aurora_restore.caller_errors import CALLER_ERRORS, explain_no_caller
from aurora_restore.stages import OF_MAKE_UP
from chalicelib.aws.client import Clients

EXPORTS = (
    f"The stage {OF_MAKE_UP} is that of `make up`: paste the export lines that it prints into this "
    "shell, while it runs."
)


class NotSignedInError(Exception):
    """AWS does not say whose credentials these are: `what` is wrong, and what to `do`."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(f"{what} {do}")
        self.what, self.do = what, do


@dataclass(frozen=True)
class Account:
    """An account as its caller sees it, with clients by service and region."""

    number: str
    caller: str
    clients: Clients

    @property
    def partition(self) -> str:
        """The part of AWS that the account is in, as ARNs have it."""
        return self.caller.split(":")[1]

    def arn(self, service: str, region: str, resource: str) -> str:
        """Write the ARN of something in this account."""
        return f"arn:{self.partition}:{service}:{region}:{self.number}:{resource}"


def identify(clients: Clients, region: str, stage: str = "") -> Account:
    """Ask AWS whose credentials these are. Raises NotSignedInError.

    For the stage of `make up` nobody signs in: its page has what a shell needs.
    """
    try:
        caller = clients("sts", region).get_caller_identity()
        return Account(caller["Account"], caller["Arn"], clients)
    except CALLER_ERRORS as error:
        what, do = explain_no_caller(error, region)
        raise NotSignedInError(what, EXPORTS if stage == OF_MAKE_UP else do) from error


def error_code(error: ClientError) -> str:
    """Give the wire code of an answer that was an error."""
    return str(error.response.get("Error", {}).get("Code", ""))

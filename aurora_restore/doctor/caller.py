"""Account and region of the stage: without these nothing else can be checked."""

from aurora_restore.account.identity import Account, NotSignedInError, identify
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.stages import CONFIG, Stage
from chalicelib.aws.client import Clients

ANY_REGION = "us-east-1"  # where STS is asked for a stage that names no region


def sign_in(clients: Clients, stage: Stage) -> Account | Finding:
    """Ask AWS whose credentials these are; where it does not say, what is wrong."""
    try:
        return identify(clients, stage.region or ANY_REGION, stage.name)
    except NotSignedInError as error:
        return failed(error.what, error.do)


def account(found: Account, stage: Stage) -> Finding:
    """Compare the account with the stage's own."""
    expected = stage.variables.get("ACCOUNT_ID", "")
    if not expected:
        return warning(
            f"These are credentials of the account {found.number}; the stage does not say which "
            "it should be.",
            f"Set ACCOUNT_ID in {CONFIG}: nothing is deployed without.",
        )
    if expected == found.number:
        return ok(f"{found.number}.")
    return failed(
        f"These are credentials of the account {found.number}, but the stage {stage.name} belongs "
        f"to {expected}.",
        f"Use the other account's credentials (AWS_PROFILE), or correct ACCOUNT_ID in {CONFIG}.",
    )


def region(stage: Stage) -> Finding:
    """See that the stage names a region."""
    if stage.region:
        return ok(f"{stage.region}.")
    return failed(
        f"TARGET_REGION of the stage {stage.name} is not set.",
        f"Set it in {CONFIG} to the region of the cluster that is to be replaced.",
    )

"""Who asks, of which account, and where the stage lives: without these nothing else can be looked at."""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from chalicelib.aws import Clients
from console.doctor.sights import Sight, doubtful, fine, wrong
from console.stages import Stage

ANY_REGION = "us-east-1"  # where STS is asked for a stage that names no region


@dataclass(frozen=True)
class Caller:
    """Whose credentials these are."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        """The part of AWS that the account is in, as ARNs spell it."""
        return self.arn.split(":")[1]


def identify(clients: Clients, stage: Stage) -> Caller | Sight:
    """Ask AWS who asks; where it does not say, what is wrong."""
    region = stage.region or ANY_REGION
    try:
        answer = clients("sts", region).get_caller_identity()
    except (NoConnectionError, HTTPClientError) as error:
        see = (
            "See that the network and its proxy lead to AWS, that AWS_ENDPOINT_URL is as meant, and that TARGET_REGION"
        )
        return wrong(f"AWS does not answer in {region}: {error}.", f"{see} is a region.")
    except (BotoCoreError, ClientError) as error:
        sign_in = "Sign in (`aws configure`, `aws sso login`, or AWS_PROFILE), then try `aws sts get-caller-identity`."
        return wrong(f"AWS does not know who asks: {str(error).rstrip('.')}.", sign_in)
    return Caller(answer["Account"], answer["Arn"])


def account(caller: Caller, stage: Stage) -> Sight:
    """Hold the account against the stage's own."""
    wanted = stage.variables.get("ACCOUNT_ID", "")
    if not wanted:
        what = f"These are credentials of the account {caller.account}; the stage does not say which it should be."
        return doubtful(what, "Set ACCOUNT_ID in .chalice/config.json: nothing is deployed without.")
    if wanted == caller.account:
        return fine(f"{caller.account}.")
    return wrong(
        f"These are credentials of the account {caller.account}, and the stage {stage.name} is of {wanted}.",
        "Take the other account's (AWS_PROFILE), or correct ACCOUNT_ID in .chalice/config.json.",
    )


def region(stage: Stage) -> Sight:
    """See that the stage lives somewhere."""
    if stage.region:
        return fine(f"{stage.region}.")
    return wrong(
        f"The stage {stage.name} does not say where it lives.",
        "Set TARGET_REGION of the stage in .chalice/config.json to the region of the cluster that is to be replaced.",
    )

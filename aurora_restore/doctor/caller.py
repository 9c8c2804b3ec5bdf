"""Who asks, of which account, and where the stage lives: without these nothing else can be looked at."""

from dataclasses import dataclass

from aurora_restore.callers import NO_CALLER, why_nobody_is_known
from aurora_restore.findings import Finding, failed, ok, warning
from aurora_restore.stages import Stage
from chalicelib.aws.client import Clients

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


def identify(clients: Clients, stage: Stage) -> Caller | Finding:
    """Ask AWS who asks; where it does not say, what is wrong."""
    region = stage.region or ANY_REGION
    try:
        answer = clients("sts", region).get_caller_identity()
        return Caller(answer["Account"], answer["Arn"])
    except NO_CALLER as error:
        return failed(*why_nobody_is_known(error, region))


def account(caller: Caller, stage: Stage) -> Finding:
    """Hold the account against the stage's own."""
    wanted = stage.variables.get("ACCOUNT_ID", "")
    if not wanted:
        what = (
            f"These are credentials of the account {caller.account}; the stage does not say which "
            "it should be."
        )
        return warning(what, "Set ACCOUNT_ID in .chalice/config.json: nothing is deployed without.")
    if wanted == caller.account:
        return ok(f"{caller.account}.")
    return failed(
        f"These are credentials of the account {caller.account}, and the stage {stage.name} is of "
        f"{wanted}.",
        "Take the other account's (AWS_PROFILE), or correct ACCOUNT_ID in .chalice/config.json.",
    )


def region(stage: Stage) -> Finding:
    """See that the stage lives somewhere."""
    if stage.region:
        return ok(f"{stage.region}.")
    return failed(
        f"The stage {stage.name} does not say where it lives.",
        "Set TARGET_REGION of the stage in .chalice/config.json to the region of the cluster that "
        "is to be replaced.",
    )

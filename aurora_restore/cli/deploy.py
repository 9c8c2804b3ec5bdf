"""`aurora-restore deploy`."""

from aurora_restore.cli.attempt import attempt, output, read_stage
from aurora_restore.cli.parameters import HERE, Checkout, StageName, Yes
from aurora_restore.deployment import deploy as deployment
from aurora_restore.deployment.confirmation import confirmation


def deploy(stage: StageName = "", checkout: Checkout = HERE, *, yes: Yes = False) -> int:
    """Deploy a stage, or update it."""

    def work() -> None:
        read = read_stage(stage, checkout, "deploy")
        deployment.deploy(read, checkout, output, confirmation(yes=yes))

    return attempt(work)

"""`aurora-restore package`."""

from aurora_restore.cli.attempt import attempt, output, read_stage
from aurora_restore.cli.parameters import HERE, Checkout, StageName
from aurora_restore.deployment import deploy as deployment


def package(stage: StageName = "", checkout: Checkout = HERE) -> int:
    """Write a stage as a SAM template for a pipeline."""

    def work() -> None:
        deployment.package(read_stage(stage, checkout, "package"), checkout, output)

    return attempt(work)

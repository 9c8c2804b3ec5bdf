"""`aurora-restore destroy`."""

from typing import Annotated

import typer

from aurora_restore.cli.attempt import attempt, output, read_stage
from aurora_restore.cli.parameters import HERE, Checkout, StageName, Yes
from aurora_restore.deployment import destroy as removal
from aurora_restore.deployment.confirmation import confirmation

Force = Annotated[
    bool, typer.Option("--force", help="Go on even where something would be left behind.")
]


def destroy(
    stage: StageName = "", checkout: Checkout = HERE, *, force: Force = False, yes: Yes = False
) -> int:
    """Delete a stage; its records and secrets stay."""

    def work() -> None:
        read = read_stage(stage, checkout, "destroy")
        removal.destroy(read, checkout, output, confirmation(yes=yes), force=force)

    return attempt(work)

"""What a deployment ends with when it does not succeed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aurora_restore.findings import Finding
from chalicelib.flow.errors import RefusedError, TransientError


class DeploymentError(Exception):
    """Something was refused on the way. The text is sentences: what happened, where, what to do."""


class NotReadyError(DeploymentError):
    """Nothing was changed, because `findings` say that it would not go well."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("Nothing was changed.")
        self.findings = findings


class PlanOutdatedError(DeploymentError):
    """Nothing was changed: what was confirmed is not what would be done now."""

    def __init__(self) -> None:
        super().__init__("The account changed while the question waited; run the command again.")


@contextmanager
def readings_that_fail() -> Iterator[None]:
    """Turn what an observer of the account raises into a DeploymentError."""
    try:
        yield
    except (RefusedError, TransientError) as error:
        raise DeploymentError(f"{error.reason} {error.remedy or 'Try again.'}") from error

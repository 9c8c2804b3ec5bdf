"""What a deployment ends with when it does not succeed."""

from collections.abc import Sequence

from aurora_restore.findings import Finding


class DeploymentError(Exception):
    """Something was refused on the way. The text is sentences: what happened, where, what to do."""


class NotReadyError(DeploymentError):
    """Nothing was changed, because `findings` say that it would not go well."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("Nothing was changed.")
        self.findings = findings

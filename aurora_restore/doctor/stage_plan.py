"""One plan of the stage with its clusters: what every check of a plan is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aurora_restore.doctor.stage_view import StageView
from aurora_restore.findings import Finding, failed, warning
from aurora_restore.plan_view import PlanView
from chalicelib.aws.client import DeniedError
from chalicelib.flow.errors import RefusedError


@dataclass(frozen=True)
class StagePlan(PlanView):
    """One plan in its stage. What more than one check needs is read once."""

    stage_view: StageView

    def passes(self, *names: str) -> Iterator[Finding]:
        """Make some of the plan's checks; those of a version that nothing tells are left out."""
        for name in names:
            if check := self.checks.get(name):
                with collect_refusals() as refused:
                    check()
                yield from refused


@contextmanager
def collect_refusals() -> Iterator[list[Finding]]:
    """Turn what the functions' own code refuses into what was seen."""
    seen: list[Finding] = []
    try:
        yield seen
    except DeniedError:  # the check could not be made, which says nothing about what it looks at
        raise
    except RefusedError as error:
        seen.append(failed(error.reason, error.remedy))


def unknown_version() -> Finding:
    """Say that there is nothing to hold the target's surroundings against."""
    return warning(
        "Neither a snapshot nor the source cluster was seen.", "See the check `snapshot` first."
    )

"""One plan of the stage, with what is known of its clusters: what every check of a plan is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aurora_restore.doctor.observations import Sight, doubtful, wrong
from aurora_restore.doctor.stage_view import Patient
from aurora_restore.plan_view import PlanView
from chalicelib.aws.client import DeniedError
from chalicelib.flow.errors import RefusedError


@dataclass(frozen=True)
class Case(PlanView):
    """One plan in its stage. What more than one check needs is read once."""

    patient: Patient

    def passes(self, *names: str) -> Iterator[Sight]:
        """Make some of the plan's checks; those of a version that nothing tells are left out."""
        for name in names:
            if check := self.checks.get(name):
                with refusals() as refused:
                    check()
                yield from refused


@contextmanager
def refusals() -> Iterator[list[Sight]]:
    """Turn what the functions' own code refuses into what was seen."""
    seen: list[Sight] = []
    try:
        yield seen
    except DeniedError:  # the check could not be made, which says nothing about what it looks at
        raise
    except RefusedError as error:
        seen.append(wrong(error.reason, error.remedy))


def unknown_version() -> Sight:
    """Say that there is nothing to hold the target's surroundings against."""
    return doubtful(
        "Neither a snapshot nor the source cluster was seen.", "See the check `snapshot` first."
    )

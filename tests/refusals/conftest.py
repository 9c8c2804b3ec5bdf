"""One watched stage per test, with an old target of ours on it."""

import sys

import pytest

from chalicelib.observability import logger
from simulation.stage import SimulatedStage
from tests.refusals.scene import LogOutput, RefusalScene


class StandardOutput:
    """Standard output as it is at each moment: the logger would keep the one that pytest had when
    it was imported.
    """

    def write(self, text: str) -> None:
        """Write to it."""
        sys.stdout.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stdout.flush()


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> LogOutput:
    """Give what the functions log and measure during the test."""
    logger.registered_handler.stream = StandardOutput()  # type: ignore[attr-defined] # it is a StreamHandler
    return LogOutput(capsys)


@pytest.fixture
def scene(logs: LogOutput) -> RefusalScene:
    """Give a stage with production and an old target of ours."""
    stage = SimulatedStage()
    stage.staging()
    return RefusalScene(stage, logs)

"""What functions log and measure, kept from the terminal; or counted, to say what it would cost."""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.observability import logger


@dataclass
class LogVolume(io.TextIOBase):
    """Counts bytes of log lines and the metrics in them (CloudWatch's embedded metric format)."""

    size: int = 0
    metrics: set[str] = field(default_factory=set)

    def write(self, text: str) -> int:
        """Take a line, or a part of one."""
        self.size += len(text.encode())
        if "CloudWatchMetrics" in text:
            self._measure(json.loads(text))
        return len(text)

    def _measure(self, line: dict[str, Any]) -> None:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for dimensions in directive["Dimensions"]:
                where = [f"{name}={line[name]}" for name in dimensions]
                self.metrics |= {
                    " ".join([metric["Name"], *where]) for metric in directive["Metrics"]
                }


class NullStream(io.TextIOBase):
    """Drops what is written to it."""

    def write(self, text: str) -> int:
        """Drop a text."""
        return len(text)


@contextlib.contextmanager
def listened(level: str, into: io.TextIOBase) -> Iterator[None]:
    """Send log lines and metrics somewhere else."""
    handler: Any = logger.registered_handler
    before, stream = logger.log_level, handler.stream
    handler.setStream(into)
    logger.setLevel(level)
    try:
        with contextlib.redirect_stdout(into):
            yield
    finally:
        logger.setLevel(before)
        handler.setStream(stream)


def quiet() -> contextlib.AbstractContextManager[None]:
    """Say nothing."""
    return listened("CRITICAL", NullStream())

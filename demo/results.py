"""Keeps count of what held: each finding is shown at once.

The end says what did not hold, with the exit status.
"""

from collections.abc import Iterable

from demo.assertions import Finding
from demo.screen import BAD, GOOD, Screen, finding_line

MIB = 1024 * 1024


class Tally:
    """The findings of one run, on one screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._failed: list[Finding] = []

    def take(self, findings: Iterable[Finding]) -> None:
        """Show findings as they come, and remember what did not hold."""
        for finding in findings:
            self._screen.say(*finding_line(finding))
            if not finding.held:
                self._failed.append(finding)

    def end(self, seconds: float, peak_bytes: int | None) -> int:
        """Say whether everything held, how long it took and how much memory.

        Returns the exit status.
        """
        memory = f", with {peak_bytes / MIB:.0f} MiB of memory at the most" if peak_bytes else ""
        took = f"{seconds:.1f} s{memory}"
        if not self._failed:
            self._screen.say(f"All checks passed, in {took}.", GOOD)
            return 0
        self._screen.say(f"Not all checks passed, in {took}:", BAD)
        for finding in self._failed:
            self._screen.say(*finding_line(finding))
        return 1

"""The results of a run: each is shown at once, and failed ones again at the end."""

from collections.abc import Iterable

from demo.assertions import CheckResult
from demo.screen import BAD, GOOD, Screen, result_line

MIB = 1024 * 1024


class Results:
    """The check results of one run, on one screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._failed: list[CheckResult] = []

    def add(self, results: Iterable[CheckResult]) -> None:
        """Show results as they come, and remember those that failed."""
        for result in results:
            self._screen.say(*result_line(result))
            if not result.passed:
                self._failed.append(result)

    def finish(self, seconds: float, peak_bytes: int | None) -> int:
        """Say whether everything passed, how long it took and how much memory.

        Returns the exit status.
        """
        memory = f", with {peak_bytes / MIB:.0f} MiB of memory at the most" if peak_bytes else ""
        took = f"{seconds:.1f} s{memory}"
        if not self._failed:
            self._screen.say(f"All checks passed, in {took}.", GOOD)
            return 0
        self._screen.say(f"Not all checks passed, in {took}:", BAD)
        for result in self._failed:
            self._screen.say(*result_line(result))
        return 1

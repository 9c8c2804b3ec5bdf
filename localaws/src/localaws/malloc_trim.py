"""Returns memory to the system after a deployment: zips of 8 MB for each function leave 150 MB."""

import ctypes
import gc
import threading
from typing import Final

QUIET_SECONDS: Final = 2.0
"""Seconds without a zip before memory is returned: once a deployment, not once a function."""


class MemoryTrimmer:
    """Gives memory back some time after it was freed."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def trim_later(self) -> None:
        """Take notice that much was freed; give it back when no more follows."""
        self.close()
        self._timer = threading.Timer(QUIET_SECONDS, trim)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """Forget what was to be done."""
        if self._timer is not None:
            self._timer.cancel()


def trim() -> None:
    """Collect cycles, of which requests are full, and return free memory to the system."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, macOS does not
    if trim is not None:
        trim(0)

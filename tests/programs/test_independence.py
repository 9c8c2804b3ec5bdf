"""The demo is a client: it works where neither localaws nor the app can be imported."""

import subprocess
import sys

BLOCKED = """
import pkgutil, sys
for name in ("localaws", "chalicelib", "app", "moto", "chalice"):
    sys.modules[name] = None  # what is None there cannot be imported
import demo, demo.take_snapshot
for module in pkgutil.iter_modules(demo.__path__):
    __import__(f"demo.{module.name}")
from demo.__main__ import main
try:
    main(["--help"])
except SystemExit as done:
    print("exit status", done.code)
"""


def test_the_demo_needs_neither_localaws_nor_the_app() -> None:
    """All of it is imported with both blocked, and its help is printed."""
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False, timeout=60
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("exit status 0\n")

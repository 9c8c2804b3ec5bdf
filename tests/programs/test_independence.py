"""The demo is a client: it works where neither localaws nor the app can be imported."""

import subprocess
import sys

BLOCKED = """
import pkgutil, sys
for name in ("localaws", "chalicelib", "app", "moto", "chalice"):
    sys.modules[name] = None  # what is None there cannot be imported
import demo
for module in pkgutil.iter_modules(demo.__path__):
    __import__(f"demo.{module.name}")
print("imported")
"""


def test_the_demo_needs_neither_localaws_nor_the_app() -> None:
    """Each module of the demo is imported where both localaws and the app are blocked."""
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False, timeout=60
    )

    assert ("", "imported\n") == (ran.stderr, ran.stdout)

"""What Lambda does not need of the dependencies, and is taken out."""

import shutil
from pathlib import Path
from typing import Final

# Nothing reads distributions' metadata at run time: pydantic looks there for plugins of its own, of
# which there are none, and both say their versions themselves.
SUPERFLUOUS: Final = (
    "*.dist-info",
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/test_*",
    "**/*.pyi",
    "**/py.typed",
)
NEVER_IMPORTED: Final = (
    "aws_lambda_powertools/event_handler",
    *(
        f"aws_lambda_powertools/utilities/{utility}"
        for utility in (
            "auth_alpha",
            "batch",
            "circuit_breaker",
            "data_classes",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "metadata",
            "parameters",
            "parser",
            "streaming",
            "validation",
        )
    ),
)
"""Parts of Powertools that the app never imports; a test holds this against what it does import."""


def prune(folder: Path) -> None:
    """Take out of a folder of installed packages what Lambda does not need."""
    for pattern in (*SUPERFLUOUS, *NEVER_IMPORTED):
        for path in list(folder.glob(pattern)):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

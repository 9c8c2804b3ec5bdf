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
    "aws_lambda_powertools/metrics/provider/datadog",
    # boto3: S3's transfers, and resources. dateutil: recurring dates, and zones of its own.
    "boto3/crt.py",
    "boto3/data",
    "boto3/dynamodb/conditions.py",
    "boto3/dynamodb/table.py",
    "boto3/dynamodb/transform.py",
    "boto3/ec2",
    "boto3/examples",
    "boto3/s3",
    "botocore/crt/auth.py",
    "botocore/stub.py",
    "dateutil/easter.py",
    "dateutil/rrule.py",
    "dateutil/tz/win.py",
    "dateutil/zoneinfo",
    # pydantic: version 1, what is deprecated or experimental, and a type checker's plugin
    "pydantic/color.py",
    "pydantic/experimental",
    "pydantic/mypy.py",
    "pydantic/v1",
    "psycopg2/errorcodes.py",
    "psycopg2/extras.py",
    "psycopg2/pool.py",
    "s3transfer/crt.py",
    "s3transfer/processpool.py",
    "urllib3/contrib/emscripten",
    "urllib3/contrib/pyopenssl.py",
    "urllib3/contrib/socks.py",
    "urllib3/http2/connection.py",
)
"""Parts of libraries that the app never imports; a test holds this against what it does import."""


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

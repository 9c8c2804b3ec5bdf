"""What of the AWS SDK's data is packed: the models of the services that the app calls.

The SDK's code is packed whole. Of its data there is 28 MB for more than 400 services, of which
botocore reads what is listed here: of a service the newest version of its API, since no client asks
for another.
"""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any, Final

from aurora_restore.packaging.errors import PackageError

SERVICES: Final = (
    "dynamodb",
    "ec2",
    "events",
    "kms",
    "rds",
    "route53",
    "secretsmanager",
    "sns",
    "ssm",
)
"""The services that the app calls; a test holds this against every call in its source."""
SHARED: Final = (
    "_retry.json",
    "endpoints.json",
    "partitions.json",
    "sdk-default-configuration.json",
)
"""What botocore reads for every client, beside the service's own models."""
MODELS: Final = (
    "endpoint-rule-set-1.json",
    "paginators-1.json",
    "paginators-1.sdk-extras.json",
    "service-2.json",
    "service-2.sdk-extras.json",
)
"""The models of a service. Examples and waiters are left out: the app uses neither."""
_CALLS, _COMPRESSED = "service-2.json", ".gz"
_TEXTS: Final = "documentation"


def trim(folder: Path) -> None:
    """Take out of a folder with botocore in it the data that the app does not use.

    Raises PackageError where a service of the list has no model.
    """
    data = folder / "botocore" / "data"
    if not data.is_dir():
        return  # a package without the SDK
    for entry in list(data.iterdir()):
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name not in SHARED:
            entry.unlink()
    for service in SERVICES:
        _trim_service(data / service)


def _trim_service(folder: Path) -> None:
    versions = sorted({found.parent for found in folder.glob(f"*/{_CALLS}*")})
    if not versions:
        raise PackageError(f"botocore has no model of the service '{folder.name}'.")
    for version in folder.iterdir():
        if version != versions[-1]:  # versions are dates
            shutil.rmtree(version)
    for file in versions[-1].iterdir():
        name = file.name.removesuffix(_COMPRESSED)
        if name not in MODELS:
            file.unlink()
        elif name == _CALLS and file.suffix == _COMPRESSED:
            _drop_texts(file)


def _drop_texts(file: Path) -> None:
    """Take the documentation out of a model: more than half of it, and read by nobody in Lambda."""
    model = _without_texts(json.loads(gzip.decompress(file.read_bytes())))
    content = json.dumps(model, separators=(",", ":")).encode()
    file.write_bytes(gzip.compress(content, mtime=0))  # the same bytes in every build


def _without_texts(part: Any) -> Any:
    """Leave out every text of documentation; a member of that name is no text."""
    if isinstance(part, list):
        return [_without_texts(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_texts(value)
        for key, value in part.items()
        if not (key == _TEXTS and isinstance(value, str))
    }
